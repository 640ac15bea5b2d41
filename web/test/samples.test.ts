// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { Samples } from '../src/api';
import { CHANNELS_MAX, Traces, decimate, newest, window } from '../src/samples';

const RATE = 100;

// Record @seq of 10 values; the last came at @at seconds.
function record(seq: number, at: number, names = ['ir'], n = 10): Samples {
	return {
		stream: 's',
		modality: 'ppg',
		seq,
		t_tablet_ns: String(BigInt(Math.round(at * 1e6)) * 1000n),
		channels: names.map((name) => ({ name, unit: 'count', rate: RATE, values: Array.from({ length: n }, (_, i) => seq * n + i) })),
	};
}

describe('traces', () => {
	it('joins records in a row though their times jitter', () => {
		const t = new Traces();
		t.add(record(0, 1.09));
		t.add(record(1, 1.23));
		t.add(record(2, 1.28));
		const { x, y } = window(t.list[0]!, newest(t.list[0]!));
		expect(y).toEqual(Array.from({ length: 30 }, (_, i) => i));
		for (let i = 1; i < x.length; i++) expect(x[i]! - x[i - 1]!).toBeCloseTo(0.01, 6);
	});

	it('believes the device where the server says when a sample was taken', () => {
		const t = new Traces();
		const s = record(0, 1.29);
		s.channels[0]!.t0_us = 1_100_000;
		t.add(s);
		expect(window(t.list[0]!, 2).x[0]).toBeCloseTo(1.1, 6);
	});

	it('takes a record that came twice once', () => {
		const t = new Traces();
		for (const seq of [0, 1, 1, 0]) t.add(record(seq, 1.09 + seq * 0.1));
		expect(window(t.list[0]!, 2).y).toHaveLength(20);
	});

	it('puts a late record in its place', () => {
		const t = new Traces();
		for (const seq of [0, 2, 1]) t.add(record(seq, 1.09 + seq * 0.1));
		const { x, y } = window(t.list[0]!, 2);
		expect(y).toEqual(Array.from({ length: 30 }, (_, i) => i));
		expect(x).toEqual([...x].sort((a, b) => a - b));
	});

	it('breaks the line where a record is missing', () => {
		const t = new Traces();
		for (const seq of [0, 2]) t.add(record(seq, 1.09 + seq * 0.1));
		expect(window(t.list[0]!, 2).y.filter((v) => v === null)).toHaveLength(1);
	});

	it('shows ten seconds and keeps little more', () => {
		const t = new Traces();
		for (let seq = 0; seq < 600; seq++) t.add(record(seq, 1.09 + seq * 0.1));
		const one = t.list[0]!;
		const { x } = window(one, newest(one));
		expect(x[0]!).toBeGreaterThanOrEqual(newest(one) - 10);
		expect(x.length).toBeGreaterThan(990);
		expect(one.blocks.length).toBeLessThan(210);
	});

	it('has room for eight channels and counts the rest', () => {
		const t = new Traces();
		const names = Array.from({ length: 11 }, (_, i) => `eeg${i}`);
		t.add(record(0, 1, names));
		t.add(record(1, 1.1, names));
		expect(t.list).toHaveLength(CHANNELS_MAX);
		expect(t.left).toBe(3);
	});

	it('leaves out channels without a rate', () => {
		const t = new Traces();
		const s = record(0, 1);
		s.channels[0]!.rate = 0;
		t.add(s);
		expect(t.list).toHaveLength(0);
	});
});

describe('decimate', () => {
	const n = 5000;
	const x = Array.from({ length: n }, (_, i) => i / 250);

	it('leaves few points alone', () => {
		const p = { x: [0, 1], y: [1, 2] };
		expect(decimate(p, 100)).toBe(p);
	});

	it('keeps every peak, the order and the ends of the range', () => {
		const y = x.map((t) => Math.sin(t));
		y[1234] = 99;
		y[4321] = -99;
		const d = decimate({ x, y }, 300);
		expect(d.x.length).toBeLessThanOrEqual(600);
		expect(Math.max(...(d.y as number[]))).toBe(99);
		expect(Math.min(...(d.y as number[]))).toBe(-99);
		expect(d.x).toEqual([...d.x].sort((a, b) => a - b));
	});

	it('keeps gaps', () => {
		const y: (number | null)[] = x.map((t) => Math.sin(t));
		y[2500] = null;
		const d = decimate({ x, y }, 300);
		expect(d.y.filter((v) => v === null)).toHaveLength(1);
		expect(d.x[d.y.indexOf(null)]).toBe(10);
	});

	it('takes what has no width as it is', () => {
		const p = { x: Array(100).fill(5), y: Array(100).fill(1) };
		expect(decimate(p, 10)).toBe(p);
	});
});
