// SPDX-License-Identifier: Apache-2.0
// What the page knows, and the asking that keeps it fresh.  Everything shown comes from these signals.
import { batch, effect, signal } from '@preact/signals';
import * as api from './api';
import { isAbout } from './history';
import { timestampMs } from './format';

const REFRESH_MS = 2000;
const LOOKED_AT_MAX = 200; // executions whose input is read to find the one of a measurement
const TOGETHER = 4;

export const session = signal<'unknown' | 'in' | 'out'>('unknown');
export const measurements = signal<api.Measurement[] | null>(null);
export const selected = signal<string | null>(fromHash());
export const ledger = signal<api.Ledger | null>(null);
export const ledgerProblem = signal('');
export const execution = signal<api.Execution | null>(null);
export const executionProblem = signal('');
export const executionSearched = signal(false);
export const unreachable = signal<{ why: string; since: number } | null>(null);

function fromHash(): string | null {
	const m = /^#m=(.+)$/.exec(location.hash);
	try {
		return m ? decodeURIComponent(m[1]!) : null;
	} catch {
		return null;
	}
}

export const linkTo = (id: string) => `#m=${encodeURIComponent(id)}`;

const inputs = new Map<string, string>(); // of executions, by name: an input never changes

function forget(): void {
	ledger.value = null;
	ledgerProblem.value = '';
	execution.value = null;
	executionProblem.value = '';
	executionSearched.value = false;
}

function signedOut(): void {
	batch(() => {
		session.value = 'out';
		measurements.value = null;
		inputs.clear();
		forget();
	});
}

export async function signIn(accessKey: string, secret: string): Promise<void> {
	await api.signIn(accessKey, secret);
	session.value = 'in';
	await refresh();
}

export async function signOut(): Promise<void> {
	await api.signOut();
	signedOut();
}

// True if the page is to go on; what is wrong with one thing asked for goes to @problem.
function note(e: unknown, problem?: (why: string) => void): void {
	const why = e instanceof Error ? e.message : String(e);
	const status = e instanceof api.ApiError ? e.status : -1;
	if (status === 403) signedOut();
	else if (status === 0 || !problem) unreachable.value = unreachable.value ?? { why, since: Date.now() };
	else problem(why);
}

async function refreshList(): Promise<void> {
	try {
		const list = await api.measurements();
		batch(() => {
			list.sort((a, b) => b.began_ms - a.began_ms || (a.measurement < b.measurement ? -1 : 1));
			measurements.value = list;
			session.value = 'in';
			unreachable.value = null;
		});
	} catch (e) {
		note(e);
	}
}

async function refreshLedger(id: string): Promise<void> {
	try {
		const l = await api.ledger(id);
		if (selected.value !== id) return;
		ledger.value = l;
		ledgerProblem.value = '';
	} catch (e) {
		if (selected.value === id) note(e, (why) => (ledgerProblem.value = why));
	}
}

async function read(name: string): Promise<api.Execution> {
	const x = await api.execution(name);
	inputs.set(name, x.execution.input ?? '');
	return x;
}

async function newestAbout(id: string): Promise<api.Execution | null> {
	const all = await api.executions();
	all.sort((a, b) => timestampMs(b.startDate) - timestampMs(a.startDate));
	const rows = all.slice(0, LOOKED_AT_MAX);
	for (let i = 0; i < rows.length && selected.value === id; i += TOGETHER) {
		const some = rows.slice(i, i + TOGETHER);
		await Promise.all(some.filter((r) => !inputs.has(r.name)).map((r) => read(r.name)));
		const found = some.find((r) => isAbout(inputs.get(r.name), id));
		if (!found) continue;
		const have = execution.value;
		const ended = have && have.execution.name === found.name && have.execution.status !== 'RUNNING';
		return ended ? have : read(found.name);
	}
	return null;
}

async function refreshExecution(id: string): Promise<void> {
	try {
		const x = await newestAbout(id);
		if (selected.value !== id) return;
		batch(() => {
			execution.value = x;
			executionProblem.value = '';
			executionSearched.value = true;
		});
	} catch (e) {
		if (selected.value === id) note(e, (why) => (executionProblem.value = why));
	}
}

let asking: Promise<void> | null = null;

async function askAll(): Promise<void> {
	await refreshList();
	const id = selected.value;
	if (session.value === 'in' && id !== null) await Promise.all([refreshLedger(id), refreshExecution(id)]);
}

export function refresh(): Promise<void> {
	asking ??= askAll().finally(() => (asking = null));
	return asking;
}

export function start(): void {
	addEventListener('hashchange', () => {
		batch(() => {
			selected.value = fromHash();
			forget();
		});
	});
	effect(() => {
		// A new choice is asked for at once, whatever was being asked.
		const id = selected.value;
		if (id !== null && session.peek() === 'in') void Promise.all([refreshLedger(id), refreshExecution(id)]);
	});
	void refresh();
	setInterval(() => {
		if (!document.hidden && session.value === 'in') void refresh();
	}, REFRESH_MS);
	document.addEventListener('visibilitychange', () => {
		if (!document.hidden && session.value === 'in') void refresh();
	});
}
