// SPDX-License-Identifier: Apache-2.0
import { expect, it } from 'vitest';
import { bytes, duration, ranges, timestampMs } from '../src/format';

it('durations', () => {
	expect([0.4, 999, 1500, 59000, 61000, 3600000 + 120000].map(duration)).toEqual([
		'0 ms',
		'999 ms',
		'1.50 s',
		'59.0 s',
		'1 min 1 s',
		'1 h 2 min',
	]);
});

it('sizes', () => {
	expect([0, 1023, 1536, 298000000].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '284 MiB']);
});

it('ranges', () => {
	expect(ranges([[4, 5], [9, 9]])).toBe('4–5, 9');
	expect(ranges([[1, 1], [3, 3], [5, 5]], 2)).toBe('1, 3 and 1 more');
});

it('timestamps', () => {
	expect(timestampMs(1.5)).toBe(1500);
	expect(timestampMs('1970-01-01T00:00:02Z')).toBe(2000);
	expect(timestampMs(undefined)).toBeNaN();
});
