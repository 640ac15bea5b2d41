// SPDX-License-Identifier: Apache-2.0
// Live samples: the rolling window of each channel, and fewer points with the same look.
import type { Samples } from './api';

export const WINDOW_S = 10;
export const CHANNELS_MAX = 8;
// Records in a row are joined by counting samples until that is this far off: times of a server that gives only when the
// last byte came jitter.
const DRIFT_S = 0.5;

export interface Block {
	seq: number;
	t0: number; // seconds, of the first value
	values: (number | null)[];
}

export interface Trace {
	key: string;
	stream: string;
	modality: string;
	name: string;
	unit: string;
	rate: number;
	blocks: Block[]; // in the order of seq
}

export interface Points {
	x: number[];
	y: (number | null)[];
}

export class Traces {
	readonly list: Trace[] = [];
	left = 0; // channels there is no room for
	private ignored = new Set<string>();

	// Takes the samples of one record; a record that is there already changes nothing.
	add(s: Samples): void {
		s.channels.forEach((c, at) => {
			if (!(c.rate > 0) || !c.values.length) return;
			const key = `${s.stream}/${at}/${c.name}`;
			let t = this.list.find((x) => x.key === key);
			if (!t) {
				if (this.list.length >= CHANNELS_MAX) {
					this.ignored.add(key);
					this.left = this.ignored.size;
					return;
				}
				t = { key, stream: s.stream, modality: s.modality, name: c.name, unit: c.unit, rate: c.rate, blocks: [] };
				this.list.push(t);
			}
			const arrived = Number(BigInt(s.t_tablet_ns) / 1000n) / 1e6;
			insert(t, s.seq, c.t0_us === undefined ? arrived - (c.values.length - 1) / t.rate : c.t0_us / 1e6, c.values);
		});
	}
}

const end = (t: Trace, b: Block) => b.t0 + b.values.length / t.rate;

function insert(t: Trace, seq: number, t0: number, values: (number | null)[]): void {
	let at = t.blocks.length;
	while (at > 0 && t.blocks[at - 1]!.seq > seq) at--;
	const before = t.blocks[at - 1];
	const after = t.blocks[at];
	if (before?.seq === seq) return;
	if (before) {
		const joined = end(t, before);
		if ((before.seq + 1 === seq && Math.abs(joined - t0) < DRIFT_S) || t0 < joined) t0 = joined;
	}
	if (after && t0 + values.length / t.rate > after.t0) t0 = after.t0 - values.length / t.rate;
	t.blocks.splice(at, 0, { seq, t0, values });
	const oldest = newest(t) - 2 * WINDOW_S;
	while (t.blocks.length > 1 && end(t, t.blocks[0]!) < oldest) t.blocks.shift();
}

export function newest(t: Trace): number {
	const last = t.blocks[t.blocks.length - 1];
	return last ? end(t, last) : 0;
}

// The points of the last @seconds before @until; null where records are missing.
export function window(t: Trace, until: number, seconds = WINDOW_S): Points {
	const x: number[] = [];
	const y: (number | null)[] = [];
	const from = until - seconds;
	let was: number | undefined;
	for (const b of t.blocks) {
		if (end(t, b) < from) continue;
		if (was !== undefined && b.t0 - was > 1.5 / t.rate) {
			x.push((was + b.t0) / 2);
			y.push(null);
		}
		b.values.forEach((v, i) => {
			const at = b.t0 + i / t.rate;
			if (at < from || at > until) return;
			x.push(at);
			y.push(v);
		});
		was = end(t, b);
	}
	return { x, y };
}

// At most about 2 points for each of @columns columns: the least and the greatest value, in their order.  Peaks stay.
export function decimate(p: Points, columns: number): Points {
	const n = p.x.length;
	if (columns < 1 || n <= 2 * columns) return p;
	const first = p.x[0]!;
	const step = (p.x[n - 1]! - first) / columns;
	if (!(step > 0)) return p;
	const x: number[] = [];
	const y: (number | null)[] = [];
	const put = (i: number) => {
		x.push(p.x[i]!);
		y.push(p.y[i]!);
	};
	let lo = -1;
	let hi = -1;
	let column = 0;
	const flush = () => {
		if (lo >= 0) {
			put(Math.min(lo, hi));
			if (lo !== hi) put(Math.max(lo, hi));
		}
		lo = hi = -1;
	};
	for (let i = 0; i < n; i++) {
		const v = p.y[i];
		const c = Math.min(columns - 1, Math.floor((p.x[i]! - first) / step));
		if (c !== column || v == null) {
			flush();
			column = c;
		}
		if (v == null) {
			put(i);
			continue;
		}
		if (lo < 0 || v < p.y[lo]!) lo = i;
		if (hi < 0 || v > p.y[hi]!) hi = i;
	}
	flush();
	return { x, y };
}
