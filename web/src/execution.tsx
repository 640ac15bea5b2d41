// SPDX-License-Identifier: Apache-2.0
// The measurement's newest execution: its state machine as a graph, coloured by what became of each state.
import { useMemo } from 'preact/hooks';
import { useSignal } from '@preact/signals';
import { allNodes, parseMachine, type Graph } from './asl';
import type { Execution } from './api';
import { dateTime, duration, timestampMs } from './format';
import { runsOf, type Outcome, type StateRun } from './history';
import { TITLE_H, place, short, type Placed, type PlacedEdge, type PlacedNode } from './layout';
import { execution, executionProblem, executionSearched } from './state';

const EVENTS_SHOWN = 1000; // the server answers the first page of a history
const MARK: Record<Outcome, string> = { running: '●', succeeded: '✓', caught: '↷', failed: '✕', stopped: '■', 'not reached': '' };
const LOOK: Record<Outcome, string> = {
	running: 'running',
	succeeded: 'succeeded',
	caught: 'caught',
	failed: 'failed',
	stopped: 'stopped',
	'not reached': 'unreached',
};

type Runs = Map<string, StateRun>;

const outcomeOf = (runs: Runs, name: string): Outcome => runs.get(name)?.outcome ?? 'not reached';

function path(points: { x: number; y: number }[]): string {
	const [first, ...rest] = points;
	if (!first) return '';
	let d = `M${first.x},${first.y}`;
	rest.forEach((p, i) => {
		const next = rest[i + 1];
		// Rounded corners: each inner point bends the line to the middle of the next piece.
		d += next ? `Q${p.x},${p.y} ${(p.x + next.x) / 2},${(p.y + next.y) / 2}` : `L${p.x},${p.y}`;
	});
	return d;
}

function Line({ e, runs }: { e: PlacedEdge; runs: Runs }) {
	const taken = (e.edge.from === '' || runs.has(e.edge.from)) && runs.has(e.edge.to);
	return (
		<g class={`edge ${e.edge.kind} ${taken ? 'taken' : ''}`}>
			<path d={path(e.points)} marker-end={taken ? 'url(#arrow-taken)' : 'url(#arrow)'} />
			{e.label && (
				<text x={e.label.x} y={e.label.y + 4} text-anchor="middle">
					{e.label.text}
					<title>{e.edge.label}</title>
				</text>
			)}
		</g>
	);
}

function Box({ n, runs }: { n: PlacedNode; runs: Runs }) {
	const run = runs.get(n.node.name);
	const outcome = run?.outcome ?? 'not reached';
	const kind = n.node.what || n.node.type;
	const time = run ? duration(run.durationMs) : '';
	const room = Math.floor((n.w - 24 - 7 * time.length) / 6.2);
	return (
		<g class={`node ${LOOK[outcome]}`} data-state={n.node.name} data-outcome={outcome}>
			<title>{`${n.node.name}: ${kind}, ${outcome}${run ? `, ${time}` : ''}`}</title>
			<rect x={n.x} y={n.y} width={n.w} height={n.h} rx={6} />
			<text class="name" x={n.x + 10} y={n.y + 20}>
				{short(n.node.name, Math.floor((n.w - 36) / 7.6))}
			</text>
			<text class="mark" x={n.x + n.w - 10} y={n.y + 20} text-anchor="end">
				{MARK[outcome]}
			</text>
			<text class="kind" x={n.x + 10} y={n.y + TITLE_H - 11}>
				{short(kind, room)}
			</text>
			<text class="time" x={n.x + n.w - 10} y={n.y + TITLE_H - 11} text-anchor="end">
				{time}
			</text>
			{n.inner.map((b, i) => (
				<g key={i} transform={`translate(${b.x} ${b.y})`}>
					<Drawing p={b.placed} runs={runs} />
				</g>
			))}
		</g>
	);
}

function Drawing({ p, runs }: { p: Placed; runs: Runs }) {
	return (
		<>
			{p.edges.map((e, i) => (
				<Line key={i} e={e} runs={runs} />
			))}
			{p.start && <circle class="start" cx={p.start.x} cy={p.start.y} r={7} />}
			{p.nodes.map((n) => (
				<Box key={n.node.name} n={n} runs={runs} />
			))}
		</>
	);
}

function GraphView({ graph, runs }: { graph: Graph; runs: Runs }) {
	const catches = useSignal(false);
	const placed = useMemo(() => place(graph, catches.value), [graph, catches.value]);
	const hasCatches = allNodes(graph).length > 0 && JSON.stringify(graph).includes('"catch"');
	return (
		<div class="graph">
			<div class="scroll" tabIndex={0} role="region" aria-label="Graph of the state machine">
				<svg
					role="img"
					aria-label="State machine; the table of states says the same in words"
					width={placed.w}
					height={placed.h}
					viewBox={`0 0 ${placed.w} ${placed.h}`}
				>
					<defs>
						{['arrow', 'arrow-taken'].map((id) => (
							<marker key={id} id={id} viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
								<path d="M0,0L8,4L0,8z" />
							</marker>
						))}
					</defs>
					<Drawing p={placed} runs={runs} />
				</svg>
			</div>
			{hasCatches && (
				<label class="toggle">
					<input type="checkbox" checked={catches.value} onChange={(e) => (catches.value = e.currentTarget.checked)} />
					Show where errors lead
				</label>
			)}
		</div>
	);
}

function States({ graph, runs }: { graph: Graph; runs: Runs }) {
	return (
		<div class="scroll states" tabIndex={0} role="region" aria-label="States">
			<table>
				<caption>States</caption>
				<thead>
					<tr>
						<th scope="col">State</th>
						<th scope="col">Outcome</th>
						<th scope="col" class="n">
							Duration
						</th>
					</tr>
				</thead>
				<tbody>
					{allNodes(graph).map((n) => {
						const run = runs.get(n.name);
						const outcome = outcomeOf(runs, n.name);
						return (
							<tr key={n.name}>
								<th scope="row">{n.name}</th>
								<td>
									<span class={`outcome ${LOOK[outcome]}`}>
										<span aria-hidden="true">{MARK[outcome]}</span> {outcome}
										{run && run.visits > 1 ? `, ${run.visits} times` : ''}
										{run && run.attempts > run.visits ? `, ${run.attempts} attempts` : ''}
									</span>
								</td>
								<td class="n">{run ? duration(run.durationMs) : '–'}</td>
							</tr>
						);
					})}
				</tbody>
			</table>
		</div>
	);
}

function statusLook(status: string): string {
	if (status === 'SUCCEEDED') return 'succeeded';
	if (status === 'RUNNING') return 'running';
	return status === 'FAILED' ? 'failed' : 'stopped';
}

function Body({ x }: { x: Execution }) {
	const graph = useMemo(() => {
		try {
			return parseMachine(x.definition);
		} catch {
			return null;
		}
	}, [x.definition]);
	const runs = useMemo(() => runsOf(x.events, x.execution.status, Date.now()), [x]);
	const began = timestampMs(x.execution.startDate);
	const ended = timestampMs(x.execution.stopDate);
	return (
		<>
			<p class="summary">
				<span class={`outcome ${statusLook(x.execution.status)}`}>{x.execution.status}</span>
				<span>{dateTime(began)}</span>
				<span>{Number.isFinite(ended) ? duration(ended - began) : 'running'}</span>
				<span class="id" title={x.execution.name}>
					{x.execution.name}
				</span>
			</p>
			{(x.execution.error || x.execution.cause) && (
				<div class="problems" role="alert">
					<h4>{x.execution.error || 'Failed'}</h4>
					<p>{x.execution.cause}</p>
				</div>
			)}
			{x.events.length >= EVENTS_SHOWN && <p class="bad">Only the first {EVENTS_SHOWN} events of the history are shown.</p>}
			{graph ? (
				<div class="execution">
					<GraphView graph={graph} runs={runs} />
					<States graph={graph} runs={runs} />
				</div>
			) : (
				<p class="bad">The state machine's definition cannot be read.</p>
			)}
		</>
	);
}

export function ExecutionPart() {
	const x = execution.value;
	return (
		<section class="part" aria-labelledby="execution-title">
			<h3 id="execution-title">Execution</h3>
			{executionProblem.value && (
				<p class="bad" role="alert">
					{executionProblem.value}
				</p>
			)}
			{x ? (
				<Body x={x} />
			) : (
				!executionProblem.value && (
					<p class="empty">
						{executionSearched.value ? 'Not started yet: it starts when the end manifest has come.' : 'Loading…'}
					</p>
				)
			)}
		</section>
	);
}
