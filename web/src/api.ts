// SPDX-License-Identifier: Apache-2.0
// What the server answers (docs/audience-pipeline.md, section 5) and how it is asked.

export interface Measurement {
	measurement: string;
	state: string;
	screening: string;
	subject: string;
	content: string;
	began_ms: number;
	received: number;
	missing: number;
	duplicates: number;
}

export interface Stream {
	stream: string;
	modality: string;
	layout: string;
	rate: number;
	expected: number;
	received: number;
	bytes: number;
	duplicates: number;
	conflicts: number;
	missing: [number, number][];
	decoded: number;
	quarantined: number;
	samples: number;
	bad_frames: number;
	lost_frames: number;
	sha256_ok?: boolean | null;
	alarms?: KeptAlarm[];
}

// What is wrong with a signal: flat, lead_off, gap, rate, stalled.
export interface KeptAlarm {
	alarm: string;
	channel?: string;
	times: number;
	since_ms: number;
	until_ms: number | null; // null: it lasts
	detail: string;
}

export interface Alarm {
	alarm: string;
	state: 'begin' | 'end';
	stream: string;
	modality: string;
	channel?: string;
	detail: string;
}

export interface LedgerFile {
	modality: string;
	key: string;
	bytes: number;
	arrived: boolean;
	size_ok: boolean;
}

export interface Ledger {
	measurement: string;
	state: string;
	screening: string;
	subject: string;
	content: string;
	place: string;
	began_ms: number;
	ended_ms: number | null;
	streams: Stream[];
	files: LedgerFile[];
	problems: string[];
}

export interface ExecutionRow {
	name: string;
	status: string;
	startDate: number | string;
}

// An event of a history, as Step Functions gives it: the details' member depends on the type.
export interface HistoryEvent {
	id: number;
	previousEventId?: number;
	timestamp: number | string;
	type: string;
	[details: string]: unknown;
}

export interface Execution {
	execution: ExecutionRow & {
		input?: string;
		output?: string;
		error?: string;
		cause?: string;
		stopDate?: number | string;
	};
	definition: string;
	events: HistoryEvent[];
}

export interface Channel {
	name: string;
	unit: string;
	rate: number;
	t0_us?: number; // UTC of the first value, by the device's own clock
	values: (number | null)[]; // null: lost
}

export interface Samples {
	stream: string;
	modality: string;
	seq: number;
	t_tablet_ns: string;
	channels: Channel[];
}

// status 0: the server was not reached.
export class ApiError extends Error {
	constructor(
		readonly status: number,
		message: string,
	) {
		super(message);
	}
}

async function call<T>(path: string, init?: RequestInit): Promise<T> {
	let answer: Response;
	let body: unknown;
	try {
		answer = await fetch(path, { ...init, credentials: 'same-origin', signal: AbortSignal.timeout(15000) });
		body = await answer.json();
	} catch (e) {
		throw new ApiError(0, `no answer from the server (${e instanceof Error ? e.message : String(e)})`);
	}
	if (!answer.ok) {
		const message = (body as { message?: unknown } | null)?.message;
		throw new ApiError(answer.status, typeof message === 'string' ? message : `the server answered ${answer.status}`);
	}
	return body as T;
}

function post<T>(path: string, body: unknown): Promise<T> {
	return call<T>(path, {
		method: 'POST',
		headers: { 'content-type': 'application/json', 'x-mulgil': '1' },
		body: JSON.stringify(body),
	});
}

export const signIn = (accessKey: string, secret: string) =>
	post<{ signed_in: boolean }>('/sign-in', { access_key: accessKey, secret });
export const signOut = () => post<{ signed_in: boolean }>('/sign-out', {});
export const measurements = async () =>
	(await call<{ measurements: Measurement[] }>('/-/measurements')).measurements;
export const ledger = (id: string) => call<Ledger>(`/-/measurements/${encodeURIComponent(id)}`);
export const executions = async () => (await call<{ executions: ExecutionRow[] }>('/-/executions')).executions;
export const execution = (name: string) => call<Execution>(`/-/executions/${encodeURIComponent(name)}`);
export const signalsUrl = (id: string) => `/-/signals?measurement=${encodeURIComponent(id)}`;
