// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { HistoryEvent } from '../src/api';
import { isAbout, runsOf } from '../src/history';

// Writes a history: each event follows the one before unless told otherwise; a second apart.
function history(...steps: [type: string, name?: string | undefined, after?: number][]): HistoryEvent[] {
	return steps.map(([type, name, after], i) => {
		const e: HistoryEvent = { id: i + 1, previousEventId: after ?? i, timestamp: 1000 + i, type };
		if (type.endsWith('StateEntered')) e['stateEnteredEventDetails'] = { name };
		if (type.endsWith('StateExited')) e['stateExitedEventDetails'] = { name };
		return e;
	});
}

const NOW = 2000 * 1000;

describe('runsOf', () => {
	it('tells succeeded, running and not reached apart, with times', () => {
		const runs = runsOf(
			history(
				['ExecutionStarted'],
				['TaskStateEntered', 'Verify'],
				['TaskScheduled'],
				['TaskSucceeded'],
				['TaskStateExited', 'Verify'],
				['TaskStateEntered', 'PreProcess'],
			),
			'RUNNING',
			NOW,
		);
		expect(runs.get('Verify')).toMatchObject({ outcome: 'succeeded', durationMs: 3000, attempts: 1, visits: 1 });
		expect(runs.get('PreProcess')).toMatchObject({ outcome: 'running', durationMs: NOW - 1005000 });
		expect(runs.has('Store')).toBe(false);
	});

	it('a Fail state and a task that failed the execution are failed', () => {
		const failed = runsOf(
			history(['ExecutionStarted'], ['FailStateEntered', 'Incomplete'], ['ExecutionFailed']),
			'FAILED',
			NOW,
		);
		expect(failed.get('Incomplete')).toMatchObject({ outcome: 'failed', durationMs: 1000 });
		const task = runsOf(
			history(['ExecutionStarted'], ['TaskStateEntered', 'Analyse'], ['TaskScheduled'], ['TaskFailed'], ['ExecutionFailed']),
			'FAILED',
			NOW,
		);
		expect(task.get('Analyse')!.outcome).toBe('failed');
	});

	it('a failure that a Catch took is caught, and retries are counted', () => {
		const runs = runsOf(
			history(
				['ExecutionStarted'],
				['TaskStateEntered', 'AddRows'],
				['TaskScheduled'],
				['TaskFailed'],
				['TaskScheduled'],
				['TaskFailed'],
				['TaskStateExited', 'AddRows'],
				['TaskStateEntered', 'Store'],
				['TaskScheduled'],
				['TaskSucceeded'],
				['TaskStateExited', 'Store'],
				['ExecutionSucceeded'],
			),
			'SUCCEEDED',
			NOW,
		);
		expect(runs.get('AddRows')).toMatchObject({ outcome: 'caught', attempts: 2 });
		expect(runs.get('Store')!.outcome).toBe('succeeded');
	});

	it('a success after a retry is a success', () => {
		const runs = runsOf(
			history(
				['ExecutionStarted'],
				['TaskStateEntered', 'A'],
				['TaskScheduled'],
				['TaskFailed'],
				['TaskScheduled'],
				['TaskSucceeded'],
				['TaskStateExited', 'A'],
			),
			'RUNNING',
			NOW,
		);
		expect(runs.get('A')).toMatchObject({ outcome: 'succeeded', attempts: 2 });
	});

	it('what was running when the execution was stopped or timed out is stopped', () => {
		const steps = history(['ExecutionStarted'], ['WaitStateEntered', 'Wait'], ['ExecutionAborted']);
		expect(runsOf(steps, 'ABORTED', NOW).get('Wait')).toMatchObject({ outcome: 'stopped', durationMs: 1000 });
		expect(runsOf(steps, 'TIMED_OUT', NOW).get('Wait')!.outcome).toBe('stopped');
	});

	it('branches that run beside each other keep to themselves', () => {
		const runs = runsOf(
			history(
				['ExecutionStarted'],
				['ParallelStateEntered', 'Both'],
				['ParallelStateStarted'],
				['TaskStateEntered', 'L', 3],
				['TaskStateEntered', 'R', 3],
				['TaskScheduled', undefined, 4],
				['TaskScheduled', undefined, 5],
				['TaskSucceeded', undefined, 6],
				['TaskStateExited', 'L', 8],
			),
			'RUNNING',
			NOW,
		);
		expect(runs.get('L')).toMatchObject({ outcome: 'succeeded', attempts: 1, durationMs: 5000 });
		expect(runs.get('R')).toMatchObject({ outcome: 'running', attempts: 1 });
		expect(runs.get('Both')!.outcome).toBe('running');
	});

	it('counts visits and tells of the last', () => {
		const runs = runsOf(
			history(
				['ExecutionStarted'],
				['PassStateEntered', 'Loop'],
				['PassStateExited', 'Loop'],
				['PassStateEntered', 'Loop'],
				['PassStateExited', 'Loop'],
				['PassStateEntered', 'Loop'],
			),
			'RUNNING',
			NOW,
		);
		expect(runs.get('Loop')).toMatchObject({ outcome: 'running', visits: 3 });
	});

	it('reads timestamps that are text', () => {
		const e = history(['PassStateEntered', 'A'], ['PassStateExited', 'A']);
		e[0]!.timestamp = '2026-01-01T00:00:00.000Z';
		e[1]!.timestamp = '2026-01-01T00:00:00.250Z';
		expect(runsOf(e, 'RUNNING', NOW).get('A')!.durationMs).toBe(250);
	});
});

describe('isAbout', () => {
	const input = (key: unknown) => JSON.stringify({ detail: { object: { key } } });

	it('finds the measurement in the key', () => {
		expect(isAbout(input('v1/manifest/dt=2026-01-01/measurement=m-1/_manifest.json'), 'm-1')).toBe(true);
	});

	it('is not taken in by a longer id, another place or no key', () => {
		expect(isAbout(input('v1/manifest/measurement=m-10/_manifest.json'), 'm-1')).toBe(false);
		for (const bad of [undefined, '', '{', 'null', '{}', input(7)]) expect(isAbout(bad, 'm-1')).toBe(false);
	});
});
