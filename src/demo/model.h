/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model -- modelled people: a pulse wave and an EEG whose truth is known.
 *
 * Pulse: each beat is the sum of two Gaussians over the beat's phase, systolic and diastolic, after Tang, Chen,
 * Ward and Elgendi, "PPGSynth: an innovative toolbox for synthesizing regular and irregular photoplethysmography
 * waveforms", Frontiers in Medicine 7:597774, 2020; the shape's constants are ours.  Beats come at a mean rate
 * with respiratory sinus arrhythmia (a sine of the breath) and a little jitter; breath and noise move the baseline.
 * EEG: alpha as a slowly swelling sine at a known frequency, theta and beta likewise and weaker, pink noise (Kellet's filter of
 * white noise).  No recording of anybody is in it.
 *
 * The same seed gives the same person.  Threads: pure functions.  Memory: from the caller's arena.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct model_person {
	uint64_t seed;
	double hr;       /* beats per minute asked for */
	double breath_hz;
	double alpha_hz, alpha_uv; /* amplitude */
};

/* A person of their own for each @number. */
void model_person(uint64_t seed, uint64_t number, struct model_person *ret);

/* Pulse wave between about 0 and 1.  *ret_hr: 60000 / mean interval of the beats that are in the signal. */
double *model_pulse(struct arena *a, const struct model_person *p, double rate, size_t n, double *ret_hr);
/* EEG of electrode @electrode in uV: the same oscillations, a noise of its own. */
double *model_eeg(struct arena *a, const struct model_person *p, unsigned electrode, double rate, size_t n);
