// SPDX-License-Identifier: Apache-2.0
// Live signals of one measurement: one small chart per channel over the last ten seconds of the tablet's time.
import { useEffect, useRef } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import uPlot from 'uplot';
import { signalsUrl, type Alarm, type Samples, type Stream } from './api';
import { count, duration } from './format';
import { CHANNELS_MAX, Traces, WINDOW_S, decimate, newest, window as rolling, type Trace } from './samples';

const DRAW_MS = 50;
const STALE_MS = 3000;
const AGAIN_MS = 2000;
const CHART_H = 96;

type Link = 'connecting' | 'open' | 'lost';

interface Status {
	link: Link;
	quietMs: number | null; // since the last record; null: none came yet
	leftOut: number; // records the server left out because this viewer was slow
}

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function makePlot(box: HTMLElement): uPlot {
	const axis = { stroke: () => css('--dim'), grid: { stroke: () => css('--line'), width: 1 }, ticks: { show: false } };
	return new uPlot(
		{
			width: Math.max(120, box.clientWidth),
			height: CHART_H,
			legend: { show: false },
			cursor: { show: false },
			pxAlign: false,
			scales: { x: { time: false, range: [-WINDOW_S, 0] } },
			axes: [
				{ ...axis, size: 22, values: (_, v) => v.map((s) => `${s} s`) },
				{ ...axis, size: 58, space: 18 },
			],
			series: [{}, { stroke: () => css('--signal'), width: 1.25, points: { show: false }, spanGaps: false }],
		},
		[[], []],
		box,
	);
}

const titleOf = (t: Trace) => (t.name.startsWith(t.modality) ? t.name : `${t.modality} ${t.name}`);

function Chart({ trace, until, tick }: { trace: Trace; until: number; tick: number }) {
	const box = useRef<HTMLDivElement>(null);
	const plot = useRef<uPlot | null>(null);
	useEffect(() => {
		const at = box.current!;
		const p = (plot.current = makePlot(at));
		const size = new ResizeObserver(() => p.setSize({ width: Math.max(120, at.clientWidth), height: CHART_H }));
		size.observe(at);
		return () => {
			size.disconnect();
			p.destroy();
		};
	}, []);
	useEffect(() => {
		const p = decimate(rolling(trace, until), Math.max(50, box.current!.clientWidth));
		plot.current?.setData([p.x.map((x) => x - until), p.y]);
	}, [tick]);
	const last = trace.blocks[trace.blocks.length - 1]?.values.at(-1);
	return (
		<figure>
			<figcaption>
				<span class="who">
					{titleOf(trace)}
				</span>
				<span class="when">
					{trace.unit ? `${trace.unit}, ` : ''}
					{trace.rate} Hz
				</span>
			</figcaption>
			<div
				class="chart"
				ref={box}
				role="img"
				aria-label={`Last ${WINDOW_S} seconds of ${titleOf(trace)}, now ${last ?? 'unknown'} ${trace.unit}`}
			/>
		</figure>
	);
}

function statusText(s: Status, recording: boolean, channels: number): { text: string; look: string } {
	if (s.link === 'lost') return { text: '✕ connection lost, trying again', look: 'bad' };
	if (s.link === 'connecting') return { text: 'connecting…', look: 'dim' };
	if (s.quietMs === null) return { text: recording ? 'waiting for samples' : 'nothing is arriving', look: 'dim' };
	if (s.quietMs > STALE_MS) return { text: `! no data for ${duration(Math.floor(s.quietMs / 1000) * 1000)}`, look: recording ? 'bad' : 'dim' };
	return { text: `● live, ${channels} ${channels === 1 ? 'channel' : 'channels'}`, look: 'good' };
}

const ALARMS: Record<string, string> = {
	flat: 'flat line', lead_off: 'lead off', gap: 'records missing', rate: 'wrong rate', stalled: 'no data from the device',
};

const keyOf = (a: { alarm: string; channel?: string }, stream: string) => `${stream}/${a.alarm}/${a.channel ?? ''}`;

// What lasts: as the ledger has it, and what has begun and ended since.
function lasting(streams: Stream[], seen: Map<string, Alarm>): { key: string; text: string; detail: string }[] {
	const all = new Map<string, { key: string; text: string; detail: string }>();
	const put = (key: string, a: { alarm: string; channel?: string; detail: string }, modality: string) =>
		all.set(key, { key, text: `${ALARMS[a.alarm] ?? a.alarm}: ${modality}${a.channel ? ` ${a.channel}` : ''}`, detail: a.detail });
	for (const s of streams)
		for (const a of s.alarms ?? []) if (a.until_ms === null) put(keyOf(a, s.stream), a, s.modality);
	for (const [key, a] of seen)
		if (a.state === 'begin') put(key, a, a.modality);
		else all.delete(key);
	return [...all.values()];
}

// Follows the stream of @id; returns what stops it.
function follow(
	id: string,
	on: { samples(s: Samples): void; alarm(a: Alarm): void; gap(n: number): void; link(l: Link): void },
): () => void {
	let source: EventSource | null = null;
	let timer: ReturnType<typeof setTimeout> | undefined;
	const open = () => {
		source = new EventSource(signalsUrl(id));
		source.onopen = () => on.link('open');
		source.addEventListener('samples', (e) => on.samples(JSON.parse((e as MessageEvent<string>).data) as Samples));
		source.addEventListener('alarm', (e) => on.alarm(JSON.parse((e as MessageEvent<string>).data) as Alarm));
		source.addEventListener('gap', (e) =>
			on.gap((JSON.parse((e as MessageEvent<string>).data) as { records: number }).records),
		);
		source.onerror = () => {
			// A refused stream is not tried again by the browser.
			on.link('lost');
			source?.close();
			timer = setTimeout(open, AGAIN_MS);
		};
	};
	open();
	return () => {
		clearTimeout(timer);
		source?.close();
	};
}

export function Live({ id, recording, streams }: { id: string; recording: boolean; streams: Stream[] }) {
	const alarms = useSignal(new Map<string, Alarm>());
	const traces = useRef(new Traces());
	const tick = useSignal(0);
	const status = useSignal<Status>({ link: 'connecting', quietMs: null, leftOut: 0 });
	useEffect(() => {
		let came: number | null = null;
		let fresh = false;
		let link: Link = 'connecting';
		let leftOut = 0;
		const stop = follow(id, {
			samples: (s) => {
				traces.current.add(s);
				came = performance.now();
				fresh = true;
			},
			alarm: (a) => (alarms.value = new Map(alarms.value).set(keyOf(a, a.stream), a)),
			gap: (n) => (leftOut += n),
			link: (l) => (link = l),
		});
		const timer = setInterval(() => {
			const quietMs = came === null ? null : performance.now() - came;
			const quiet = quietMs !== null && quietMs > STALE_MS ? Math.floor(quietMs / 1000) * 1000 : quietMs === null ? null : 0;
			const was = status.value;
			if (was.link !== link || was.quietMs !== quiet || was.leftOut !== leftOut) status.value = { link, quietMs: quiet, leftOut };
			if (fresh && !document.hidden) {
				fresh = false;
				tick.value++;
			}
		}, DRAW_MS);
		return () => {
			clearInterval(timer);
			stop();
		};
	}, [id]);
	const list = traces.current.list;
	const until = new Map<string, number>();
	for (const t of list) until.set(t.stream, Math.max(until.get(t.stream) ?? 0, newest(t)));
	const { text, look } = statusText(status.value, recording, list.length);
	return (
		<section class="part" aria-labelledby="live-title">
			<h3 id="live-title">Live signals</h3>
			<p class={look} data-live={status.value.link}>
				{text}
				{traces.current.left > 0 && `; ${traces.current.left} more not shown (at most ${CHANNELS_MAX})`}
				{status.value.leftOut > 0 && `; ${count(status.value.leftOut)} records left out of this view, none of the data`}
			</p>
			<ul class="alarms" aria-live="polite">
				{lasting(streams, alarms.value).map((a) => (
					<li key={a.key} class="bad" title={a.detail}>
						! {a.text}
					</li>
				))}
			</ul>
			<div class={look === 'bad' ? 'charts stale' : 'charts'}>
				{list.map((t) => (
					<Chart key={t.key} trace={t} until={until.get(t.stream)!} tick={tick.value} />
				))}
			</div>
		</section>
	);
}
