#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes signal_synthetic.json: what the Python reference analysis makes of signals that are formulas.

usage: make_signal_synthetic.py DIRECTORY_OF_signal_ref.py
tests/unit/signal/test_synthetic.c makes the same signals; needs numpy and scipy.
"""
import json, os, sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from golden_cases import *


def noise(seed, n):
    g = lcg(seed)
    return np.array([next(g) - 0.5 for _ in range(n)])


def phase(t):
    """heart beats up to t: 1.1 per second, slower and faster with a 10 s and a 4 s rhythm"""
    return 1.1 * t + 0.06 * np.sin(2 * np.pi * 0.1 * t) + 0.03 * np.sin(2 * np.pi * 0.25 * t)


def pulse(n, fs):
    t = np.arange(n) / fs
    p = phase(t)
    return np.sin(2 * np.pi * p) + 0.4 * np.sin(4 * np.pi * p + 0.5) + 0.3 * np.sin(2 * np.pi * 0.2 * t) + 0.05 * noise(1, n)


def ecg(n, fs):
    t = np.arange(n) / fs
    p = phase(t)
    u = p - np.floor(p)
    return np.exp(-((u - 0.3) / 0.02) ** 2) + 0.2 * np.exp(-((u - 0.55) / 0.05) ** 2) + 0.05 * noise(2, n)


def brain(n, fs):
    t = np.arange(n) / fs
    return 20 * np.sin(2 * np.pi * 10 * t) * (1 + 0.5 * np.sin(2 * np.pi * 0.2 * t)) + 8 * np.sin(2 * np.pi * 6 * t) + 5 * np.sin(2 * np.pi * 20 * t) + 30 * noise(3, n)


def skin(n, fs):
    t = np.arange(n) / fs
    x = 5 + 0.01 * t + 0.001 * noise(4, n)
    for i, at in enumerate((8.0, 21.0, 35.0, 47.0)):
        u = np.maximum(t - at, 0)
        x += (0.4 + 0.2 * i) * (1 - np.exp(-u / 0.7)) * np.exp(-u / 3)
    return x


G = {}
G['ppg'], _ = ppg_case(pulse(18000, 100.0), 100.0)
G['ecg'], _ = ecg_case(ecg(30000, 250.0), 250.0)
p = np.arange(1, 400) * 0.9 + 0.03 * np.sin(np.arange(1, 400) * 0.7) + 0.02 * np.sin(np.arange(1, 400) * 1.9)
G['rr'] = rr_case(np.diff(p) * 1000)
y = bp(brain(7500, 250.0), 250.0, 1, 45, 4)
es = engagement_series(y, 250.0)
G['eeg'] = dict(bands=rnd(eeg_bands(y, 250.0)), engagement=[round(float(v), 6) for v in es])
G['eda'], _ = eda_case(skin(3000, 50.0), 50.0)
x = synthetic_audience(7, 12, 90)
G['isc'] = dict(loo=[round(float(v), 6) for v in isc_loo(x)], pairs=round(isc_pair(x), 6))
json.dump(G, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'signal_synthetic.json'), 'w'), indent=1)
