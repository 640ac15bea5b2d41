/* SPDX-License-Identifier: Apache-2.0 */
/* alarm: detectors of bad signals, and the latch that makes few alarms of them. */
#include "signal/alarm.h"

#include <math.h>
#include <string.h>

const char *alarm_name(enum alarm_kind k)
{
	static const char *const names[ALARM_KINDS] = { "flat", "lead_off", "gap", "rate", "stalled" };

	return names[k];
}

bool alarm_latch(struct alarm_latch *l, bool bad, double now_s)
{
	if (bad)
		l->bad_s = now_s;
	if (bad == l->on)
		return false;
	if (bad) {
		bool again = l->hold_s > 0 && now_s - l->ended_s < ALARM_AGAIN_S;

		l->hold_s = again ? fmin(2 * l->hold_s, ALARM_HOLD_MAX_S) : ALARM_HOLD_S;
		l->on = true;
		return true;
	}
	if (now_s - l->bad_s < l->hold_s)
		return false;
	l->on = false;
	l->ended_s = now_s;
	return true;
}

void alarm_line_init(struct alarm_line *l, double rate, double step)
{
	double flat = rate * ALARM_FLAT_S, rail = rate * ALARM_RAIL_S;

	memset(l, 0, sizeof(*l));
	l->flat_n = flat > ALARM_FLAT_SAMPLES ? (size_t)flat : ALARM_FLAT_SAMPLES;
	l->rail_n = rail > 1 ? (size_t)rail : 1;
	l->step = fabs(step);
}

void alarm_line_take(struct alarm_line *l, double v, bool rail)
{
	l->rails += ((rail ? 1 : 0) - l->rails) / (double)l->rail_n;
	l->off = l->off ? l->rails > 0.2 : l->rails > 0.8;
	if (rail || isnan(v)) {
		l->run = 0;
		return;
	}
	if (!l->run || fmax(v, l->greatest) - fmin(v, l->least) > l->step * 1.001) {
		l->least = l->greatest = v;
		l->run = 0;
	}
	l->least = fmin(v, l->least);
	l->greatest = fmax(v, l->greatest);
	l->run++;
}

bool alarm_line_flat(const struct alarm_line *l)
{
	return l->run >= l->flat_n;
}

static bool wrong(const struct alarm_rate *r, double device_s, double host_s)
{
	double span = host_s - r->v[r->first].host_s, off = device_s - r->v[r->first].device_s - span;

	return span >= 1 && fabs(off) > ALARM_RATE_PART * span + ALARM_RATE_JITTER_S;
}

bool alarm_rate_take(struct alarm_rate *r, double device_s, double host_s)
{
	size_t last = (r->first + r->n - 1) % ALARM_RATE_POINTS;
	bool stays;

	if (r->n && host_s < r->v[last].host_s) { /* the host's clock was set */
		*r = (struct alarm_rate){ 0 };
		last = 0;
	}
	while (r->n > 1 && host_s - r->v[r->first].host_s > ALARM_RATE_S) {
		r->first = (r->first + 1) % ALARM_RATE_POINTS;
		r->n--;
	}
	if (!r->n || !wrong(r, device_s, host_s))
		r->bad_s = 0;
	else if (r->bad_s == 0)
		r->bad_s = host_s;
	stays = r->bad_s != 0 && host_s - r->bad_s >= ALARM_RATE_STAYS_S;
	/* One record that is late by itself must not be what others are compared with. */
	if (!r->n || ((r->bad_s == 0 || stays) && host_s - r->v[last].host_s > ALARM_RATE_S / (ALARM_RATE_POINTS - 2))) {
		last = (r->first + r->n++) % ALARM_RATE_POINTS;
		r->v[last].device_s = device_s;
		r->v[last].host_s = host_s;
	}
	return stays;
}

void alarm_pulse_take(struct alarm_pulse *p, double now_s)
{
	double d = now_s - p->last_s;

	if (p->last_s > 0)
		p->period_s += p->period_s > 0 ? (fmin(d, 4 * p->period_s) - p->period_s) / 8 : d;
	p->last_s = now_s;
}

double alarm_pulse_late_s(const struct alarm_pulse *p)
{
	double wait = ALARM_STALL_PERIODS * (p->period_s > 0 ? p->period_s : 1);

	return p->last_s + fmax(ALARM_STALL_MIN_S, fmin(ALARM_STALL_MAX_S, wait));
}
