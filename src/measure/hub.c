/* SPDX-License-Identifier: Apache-2.0 */
/* hub: subscribers of the live view, found by what they watch. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "measure/live_int.h"

/* A topic's key says what is watched: the narrowest that is given; the rest is asked of each record. */
static const char *topic_key(const struct measure_watch *w, char key[128])
{
	snprintf(key, 128, "%c%.120s", w->stream ? 's' : w->measurement ? 'm' : 'd',
		 w->stream ? w->stream : w->measurement ? w->measurement : w->delivery);
	return key;
}

static const char *view_key(const struct measure_watch *w, struct arena *a)
{
	struct buf b;
	const char *key;

	buf_init(&b, 64 * KIB);
	buf_printf(&b, "%s\n%s\n%s\n%.17g", w->stream ? w->stream : "", w->measurement ? w->measurement : "",
		   w->delivery ? w->delivery : "", w->hz);
	for (size_t i = 0; i < w->n_channels; i++)
		buf_printf(&b, "\n%s", w->channels[i]);
	key = arena_str(a, buf_view(&b));
	buf_clear(&b);
	return key;
}

static const char *copy(struct arena *a, const char *s)
{
	return s ? arena_str(a, view_str(s)) : NULL;
}

static struct live_topic *topic_of(struct live *l, const struct measure_watch *w)
{
	char key[128];
	struct live_topic *t = map_get(&l->topics, view_str(topic_key(w, key)));

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	must(t);
	t->key = strdup(key);
	must(t->key);
	map_put(&l->topics, view_str(key), t);
	return t;
}

static struct live_view *view_of_watch(struct live *l, const struct measure_watch *w)
{
	struct live_view *v;
	const char **channels;
	struct arena a;
	const char *key;

	arena_init(&a, MIB);
	key = view_key(w, &a);
	v = map_get(&l->views, view_str(key));
	if (v) {
		arena_clear(&a);
		return v;
	}
	v = calloc(1, sizeof(*v));
	must(v);
	v->key = key;
	channels = ARENA_ARRAY(&a, const char *, w->n_channels + 1);
	for (size_t i = 0; i < w->n_channels; i++)
		channels[i] = copy(&a, w->channels[i]);
	v->watch = (struct measure_watch){ copy(&a, w->delivery), copy(&a, w->measurement), copy(&a, w->stream), channels,
					   w->n_channels, w->hz };
	v->a = a;
	map_init(&v->slims);
	v->topic = topic_of(l, w);
	v->next = v->topic->views;
	v->topic->views = v;
	map_put(&l->views, view_str(key), v);
	return v;
}

static void free_view(struct live *l, struct live_view *v)
{
	struct map_entry *it = NULL;
	struct live_topic *t = v->topic;
	size_t slot = 0;

	map_del(&l->views, view_str(v->key));
	for (struct live_view **at = &t->views; *at; at = &(*at)->next)
		if (*at == v) {
			*at = v->next;
			break;
		}
	if (!t->views) {
		map_del(&l->topics, view_str(t->key));
		free((char *)(uintptr_t)t->key);
		free(t);
	}
	while (map_next(&v->slims, &slot, &it))
		live__slim_free(it->value);
	map_clear(&v->slims);
	arena_clear(&v->a);
	free(v);
}

static void tell(struct live *l, struct live_view *v, enum measure_live kind, struct view json)
{
	for (struct measure_sub **at = &v->subs; *at;) {
		struct measure_sub *s = *at;

		if (s->fn(s->arg, kind, json) && kind != MEASURE_END) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s);
		l->n_subs--;
	}
}

void hub_tell(struct measure *m, struct live_view *v, enum measure_live kind, struct view json)
{
	LOCK_ASSERT_HELD(&m->live->lock);
	tell(m->live, v, kind, json);
	if (!v->subs)
		free_view(m->live, v);
}

void hub_tell_all(struct measure *m, enum measure_live kind)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	LOCK_ASSERT_HELD(&m->live->lock);
	while (map_next(&m->live->views, &slot, &it))
		hub_tell(m, it->value, kind, VIEW_NONE);
}

void hub_close(struct measure *m)
{
	LOCK_SCOPE(&m->live->lock);
	m->live->closed = true;
	hub_tell_all(m, MEASURE_END);
}

void hub_forget_slims(struct measure *m, const char *stream)
{
	struct map_entry *it = NULL;
	size_t slot = 0;

	while (map_next(&m->live->views, &slot, &it))
		live__slim_free(map_del(&((struct live_view *)it->value)->slims, view_str(stream)));
}

struct live_topics hub_topics(struct measure *m, const struct stream_info *info, const char *delivery)
{
	const struct measure_watch watches[] = { { .stream = info->stream }, { .measurement = info->measurement },
						 { .delivery = delivery } };
	struct live_topics ret = { .n = 0 };
	char key[128];

	LOCK_ASSERT_HELD(&m->live->lock);
	for (size_t i = 0; i < ARRAY_LEN(watches) && m->live->topics.n; i++) {
		struct live_topic *t = map_get(&m->live->topics, view_str(topic_key(&watches[i], key)));

		if (t)
			ret.v[ret.n++] = t;
	}
	return ret;
}

bool hub_wants(const struct live_view *v, const struct stream_info *info, const char *delivery)
{
	const struct measure_watch *w = &v->watch;

	return (!w->stream || strcmp(w->stream, info->stream) == 0) &&
	       (!w->measurement || strcmp(w->measurement, info->measurement) == 0) &&
	       (!w->delivery || strcmp(w->delivery, delivery) == 0);
}

bool hub_wants_channel(const struct measure_watch *w, struct view name)
{
	for (size_t i = 0; i < w->n_channels; i++)
		if (view_eq_str(name, w->channels[i]))
			return true;
	return !w->n_channels;
}

bool measure_subscribe(struct measure *m, const struct measure_watch *w, measure_live_fn fn, void *arg)
{
	struct measure_sub *s;
	struct live_view *v;

	must(w->delivery || w->measurement || w->stream);
	LOCK_SCOPE(&m->live->lock);
	if (m->live->closed)
		return false;
	v = view_of_watch(m->live, w);
	s = calloc(1, sizeof(*s));
	must(s);
	*s = (struct measure_sub){ v->subs, fn, arg };
	v->subs = s;
	m->live->n_subs++;
	if (fn(arg, MEASURE_BEGUN, VIEW_NONE))
		return true;
	v->subs = s->next;
	free(s);
	m->live->n_subs--;
	if (!v->subs)
		free_view(m->live, v);
	return true;
}

void measure_end_live(struct measure *m)
{
	hub_close(m);
}
