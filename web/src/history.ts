// SPDX-License-Identifier: Apache-2.0
// What became of each state, told from an execution's history.
import type { HistoryEvent } from './api';
import { timestampMs } from './format';

// caught: it failed and a Catch led on.  stopped: it was running when the execution was ended from outside.
export type Outcome = 'running' | 'succeeded' | 'caught' | 'failed' | 'stopped' | 'not reached';

export interface StateRun {
	outcome: Outcome;
	visits: number;
	attempts: number; // of the work a task does, over all visits
	enteredMs: number; // of the last visit
	durationMs: number; // of the last visit; to now while it runs
}

interface Visit {
	name: string;
	type: string;
	enteredMs: number;
	exitedMs?: number;
	caught: boolean;
}

const WORST: Outcome[] = ['not reached', 'succeeded', 'caught', 'stopped', 'failed', 'running'];

function nameOf(e: HistoryEvent, member: string): string {
	const d = e[member] as { name?: unknown } | undefined;
	return typeof d?.name === 'string' ? d.name : '';
}

const isFailure = (type: string) => /(Failed|TimedOut|Aborted)$/.test(type) && !type.startsWith('Execution');
const isAttempt = (type: string) => /^(TaskScheduled|LambdaFunctionScheduled|ActivityScheduled)$/.test(type);

// @status is the execution's (RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED).
export function runsOf(events: HistoryEvent[], status: string, nowMs: number): Map<string, StateRun> {
	const sorted = [...events].sort((a, b) => a.id - b.id);
	const visitAt = new Map<number, Visit>(); // the visit an event belongs to
	const failedAt = new Set<number>();
	const visits: Visit[] = [];
	const attempts = new Map<string, number>();
	let endMs = NaN;

	for (const e of sorted) {
		const before = visitAt.get(e.previousEventId ?? 0);
		let own = before;
		if (e.type.endsWith('StateEntered')) {
			own = { name: nameOf(e, 'stateEnteredEventDetails'), type: e.type, enteredMs: timestampMs(e.timestamp), caught: false };
			visits.push(own);
		} else if (e.type.endsWith('StateExited')) {
			const name = nameOf(e, 'stateExitedEventDetails');
			own = before?.name === name ? before : visits.findLast((v) => v.name === name && v.exitedMs === undefined);
			if (own) {
				own.exitedMs = timestampMs(e.timestamp);
				own.caught = failedAt.has(e.previousEventId ?? 0);
			}
		} else if (isAttempt(e.type) && own) {
			attempts.set(own.name, (attempts.get(own.name) ?? 0) + 1);
		} else if (isFailure(e.type)) {
			failedAt.add(e.id);
		} else if (/^Execution(Succeeded|Failed|TimedOut|Aborted)$/.test(e.type)) {
			endMs = timestampMs(e.timestamp);
		}
		if (own) visitAt.set(e.id, own);
	}

	const runs = new Map<string, StateRun>();
	for (const v of visits) {
		const open = v.exitedMs === undefined;
		const outcome: Outcome = open ? openOutcome(status) : v.caught ? 'caught' : 'succeeded';
		const was = runs.get(v.name);
		const until = v.exitedMs ?? (status === 'RUNNING' ? nowMs : Number.isNaN(endMs) ? nowMs : endMs);
		runs.set(v.name, {
			outcome: was && open && WORST.indexOf(was.outcome) > WORST.indexOf(outcome) ? was.outcome : outcome,
			visits: (was?.visits ?? 0) + 1,
			attempts: attempts.get(v.name) ?? 0,
			enteredMs: v.enteredMs,
			durationMs: Math.max(0, until - v.enteredMs),
		});
	}
	return runs;
}

function openOutcome(status: string): Outcome {
	if (status === 'RUNNING') return 'running';
	if (status === 'FAILED') return 'failed';
	return status === 'SUCCEEDED' ? 'succeeded' : 'stopped';
}

// The measurement an execution is about: its input is the event of an object whose key holds ".../measurement=<id>/...".
export function isAbout(input: string | undefined, measurement: string): boolean {
	let doc: unknown;
	try {
		doc = JSON.parse(input ?? '');
	} catch {
		return false;
	}
	const key = (doc as { detail?: { object?: { key?: unknown } } } | null)?.detail?.object?.key;
	return typeof key === 'string' && key.split('/').includes(`measurement=${measurement}`);
}
