// SPDX-License-Identifier: Apache-2.0
// A server that stands in for the console port: the same doors, headers and shapes (docs/audience-pipeline.md, section 5),
// with four measurements of which one is being recorded and one has hostile names.
import { createServer } from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { join, extname } from 'node:path';

export const KEY = 'MULGILTESTKEY';
export const SECRET = 'a secret of this test';
export const LIVE = '0b2f6c1e-5d1c-4a39-9c53-6a3b2d0e0001';
export const DONE = '0b2f6c1e-5d1c-4a39-9c53-6a3b2d0e0002';
export const LACKING = '0b2f6c1e-5d1c-4a39-9c53-6a3b2d0e0003';
export const HOSTILE = 'x"\'><img src=x onerror=window.hit=1>';
const IMG = '<img src=x onerror=window.hit=1>';

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8' };
// What the server itself sends with the page (src/console/page.c).
const POLICY = /"(default-src 'none'; [^"]*)"\s*"([^"]*)"/.exec(
	readFileSync(new URL('../../src/console/page.c', import.meta.url), 'utf8'),
);
const definition = readFileSync(new URL('../../pipelines/audience/measurement.asl.json', import.meta.url), 'utf8');

const BEGAN = Date.UTC(2026, 10, 22, 10, 0, 0);

function stream(modality, layout, rate, more = {}) {
	return {
		stream: `5a0e7a52-0000-4000-8000-${modality.padEnd(12, '0')}`, modality, layout, rate, expected: 1802, received: 1802,
		bytes: 29700000, duplicates: 3, conflicts: 0, missing: [], decoded: 1802, quarantined: 0, samples: 90100, frames: 90100,
		bad_frames: 0, lost_frames: 0, sha256: null, sha256_ok: true, ...more,
	};
}

function file(modality, more = {}) {
	return { modality, key: `v1/${modality}/dt=2026-11-22/screening=s1/subject=p-0001/measurement=${DONE}/${modality}.bin`,
		bytes: modality === 'video' ? 298000000 : 4711, sha256: 'ab', arrived: true, size_ok: true, ...more };
}

function ledger(measurement, subject, content, state, more = {}) {
	return {
		measurement, state, screening: 's1', subject, content, place: 'dt=2026-11-22/...', began_ms: BEGAN, ended_ms: state === 'recording' ? null : BEGAN + 600000,
		streams: [stream('ppg', 'max30102.fifo2@1', 100), stream('eeg', 'openbci.cyton@1', 250)],
		files: [file('signature'), file('profile'), file('video')], problems: [], ...more,
	};
}

function makeLedgers() {
	return [
		ledger(LIVE, 'p-0001', 'film-1', 'recording', {
			streams: [stream('ppg', 'max30102.fifo2@1', 100, { sha256_ok: null }), stream('eeg', 'openbci.cyton@1', 250, { sha256_ok: null })],
			files: [file('signature'), file('profile'), file('video', { arrived: false, size_ok: false, bytes: 0 })],
			began_ms: BEGAN + 3000,
		}),
		ledger(DONE, 'p-0002', 'film-1', 'complete', { began_ms: BEGAN + 2000 }),
		ledger(LACKING, 'p-0003', 'film-1', 'incomplete', {
			streams: [stream('ppg', 'max30102.fifo2@1', 100, { missing: [[4, 5], [901, 901]], received: 1799, decoded: 1799, sha256_ok: null })],
			problems: ['stream 5a0e7a52: missing 4-5, 901'], began_ms: BEGAN + 1000,
		}),
		ledger(HOSTILE, IMG, IMG, IMG, {
			screening: IMG, problems: [IMG], began_ms: BEGAN,
			streams: [stream(IMG, IMG, 100)], files: [file(IMG, { key: IMG })],
		}),
	];
}

function row(l) {
	const sum = (f) => l.streams.reduce((n, s) => n + f(s), 0);
	return { measurement: l.measurement, subject: l.subject, content: l.content, screening: l.screening, state: l.state, began_ms: l.began_ms,
		received: sum((s) => s.received), missing: sum((s) => s.expected - s.received), duplicates: sum((s) => s.duplicates) };
}

// --- executions ---

function history(steps, t0) {
	const events = [{ id: 1, previousEventId: 0, timestamp: t0, type: 'ExecutionStarted', executionStartedEventDetails: {} }];
	let t = t0;
	const add = (type, seconds, details = {}) => {
		t += seconds;
		events.push({ id: events.length + 1, previousEventId: events.length, timestamp: t, type, ...details });
	};
	for (const [name, kind, seconds, how] of steps) {
		add(`${kind}StateEntered`, 0.002, { stateEnteredEventDetails: { name } });
		if (kind === 'Task') {
			add('TaskScheduled', 0.001, { taskScheduledEventDetails: {} });
			add('TaskStarted', 0.001, { taskStartedEventDetails: {} });
			if (how === 'open') return { events, t };
			add(how === 'caught' ? 'TaskFailed' : 'TaskSucceeded', seconds, {});
		}
		if (kind !== 'Fail') add(`${kind}StateExited`, 0.001, { stateExitedEventDetails: { name } });
	}
	return { events, t };
}

function execution(name, measurement, status, steps, ending, more = {}) {
	const t0 = BEGAN / 1000 + 601;
	const { events, t } = history(steps, t0);
	if (ending) events.push({ id: events.length + 1, previousEventId: events.length, timestamp: t, type: ending, [`${ending[0].toLowerCase()}${ending.slice(1)}EventDetails`]: {} });
	return {
		execution: {
			executionArn: `arn:aws:states:ap-northeast-2:000000000000:execution:audience-measurement:${name}`, name, status, startDate: t0,
			...(status === 'RUNNING' ? {} : { stopDate: t }),
			input: JSON.stringify({ detail: { object: { key: `v1/manifest/dt=2026-11-22/screening=s1/subject=p/measurement=${measurement}/_manifest.json` } } }),
			...more,
		},
		definition, events,
	};
}

const UNTIL_STORE = [['Verify', 'Task', 0.21], ['IsComplete', 'Choice'], ['AddReport', 'Task', 0.01, 'caught'], ['PreProcess', 'Task', 0.34],
	['Analyse', 'Task', 1.42], ['AddRows', 'Task', 0.012]];

function makeExecutions() {
	return [
		execution('e-done', DONE, 'SUCCEEDED', [...UNTIL_STORE, ['Store', 'Task', 0.28], ['TellComplete', 'Task', 0.004], ['Done', 'Succeed']], 'ExecutionSucceeded'),
		execution('e-lacking', LACKING, 'FAILED', [['Verify', 'Task', 0.2], ['IsComplete', 'Choice'], ['TellIncomplete', 'Task', 0.004], ['Incomplete', 'Fail']], 'ExecutionFailed',
			{ error: 'MeasurementIncomplete', cause: '["stream 5a0e7a52: missing 4-5, 901"]' }),
		execution('e-live', LIVE, 'RUNNING', [['Verify', 'Task', 0.2], ['IsComplete', 'Choice'], ['AddReport', 'Task', 0.01], ['PreProcess', 'Task', 0, 'open']]),
		execution('e-hostile', HOSTILE.replaceAll('/', ''), 'FAILED', [['Verify', 'Task', 0, 'open']], 'ExecutionFailed', { error: IMG, cause: IMG }),
	];
}

// --- live signals ---

const bump = (x, at, width) => Math.exp(-((x - at) * (x - at)) / width);
const pulse = (t) => 1800 + 240 * bump((t * 1.1) % 1, 0.3, 0.008) + 60 * bump((t * 1.1) % 1, 0.62, 0.01);
const eeg = (t, k) => 22 * Math.sin(6.283 * (9.5 + k) * t) * (1 + 0.5 * Math.sin(t)) + 8 * Math.sin(6.283 * 21 * t + k);

function record(modality, seq, rate, names, value, hostile) {
	const n = Math.round(rate / 10);
	const at = BEGAN + 3000 + (seq + 1) * 100 + Math.round(8 * Math.sin(seq * 7));
	return {
		stream: `5a0e7a52-0000-4000-8000-${modality}`, modality: hostile ? IMG : modality, seq, t_tablet_ns: `${at}000000`,
		channels: names.map((name, k) => ({ name: hostile ? IMG : name, unit: hostile ? IMG : modality === 'ppg' ? 'count' : 'µV', rate,
			values: Array.from({ length: n }, (_, i) => Number(value(seq * 0.1 + i / rate, k).toFixed(3))) })),
	};
}

function signals(res, id) {
	res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
	res.write(': mulgil\n\n');
	if (id !== LIVE && id !== HOSTILE) return;
	let seq = 0;
	const send = () => {
		for (const r of [record('ppg', seq, 100, ['red', 'ir'], (t, k) => pulse(t) + 300 * k, id === HOSTILE),
			record('eeg', seq, 250, ['Fp1', 'Fp2', 'C3', 'C4', 'P7', 'P8', 'O1', 'O2'], eeg, id === HOSTILE)])
			if (seq % 50 !== 33) res.write(`event: samples\ndata: ${JSON.stringify(r)}\n\n`);
		seq++;
	};
	for (let i = 0; i < 120; i++) send();
	res.write('event: gap\ndata: {"records": 2}\n\n');
	for (const [alarm, state, channel] of [['flat', 'begin', 'red'], ['lead_off', 'begin', 'ir'], ['lead_off', 'end', 'ir'], ['stalled', 'begin']])
		res.write(`event: alarm\ndata: ${JSON.stringify({ alarm, state, channel, stream: '5a0e7a52-0000-4000-8000-ppg', modality: 'ppg',
			detail: id === HOSTILE ? IMG : 'one is enough', at_ms: BEGAN })}\n\n`);
	const timer = setInterval(send, 100);
	res.on('close', () => clearInterval(timer));
}

// --- the doors ---

function pageFiles(dist) {
	const names = readdirSync(dist, { recursive: true }).filter((n) => extname(n) in TYPES);
	return new Map(names.map((n) => [`/${n}`, { type: TYPES[extname(n)], body: readFileSync(join(dist, n)) }]));
}

export function standIn(dist) {
	const files = pageFiles(dist);
	const ledgers = makeLedgers();
	const runs = makeExecutions();
	const seen = { signIns: 0, unsigned: 0, paths: [] };
	let session = null;

	const json = (res, status, body, headers = {}) => {
		res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
		res.end(JSON.stringify(body));
	};
	const fail = (res, status, code, message) => json(res, status, { __type: code, message });

	const post = (req, res, path, body) => {
		if (req.headers['x-mulgil'] !== '1') return fail(res, 403, 'AccessDenied', 'header x-mulgil is missing');
		if (path === '/sign-out') {
			session = null;
			return json(res, 200, { signed_in: false });
		}
		const given = JSON.parse(body);
		if (path !== '/sign-in' || given.access_key !== KEY || given.secret !== SECRET)
			return fail(res, 403, 'AccessDenied', 'this access key and secret do not belong together');
		seen.signIns++;
		session = `session${seen.signIns}`;
		json(res, 200, { signed_in: true }, { 'Set-Cookie': `mulgil_session=${session}; Path=/; HttpOnly; SameSite=Strict; Max-Age=43200` });
	};

	const read = (res, url) => {
		const [, , kind, name] = url.pathname.split('/').map(decodeURIComponent);
		if (kind === 'signals') return signals(res, url.searchParams.get('measurement'));
		if (kind === 'measurements' && name === undefined) return json(res, 200, { measurements: ledgers.map(row) });
		if (kind === 'executions' && name === undefined)
			return json(res, 200, { executions: runs.map(({ execution: { name: n, status, startDate } }) => ({ name: n, status, startDate })) });
		const found = kind === 'measurements' ? ledgers.find((l) => l.measurement === name) : runs.find((x) => x.execution.name === name);
		return found ? json(res, 200, found) : fail(res, 404, 'ResourceNotFoundException', `${name} does not exist`);
	};

	const get = (req, res, url) => {
		if (!url.pathname.startsWith('/-/')) {
			const f = files.get(url.pathname === '/' ? '/index.html' : url.pathname);
			if (!f) return fail(res, 404, 'ResourceNotFoundException', 'there is no such page');
			res.writeHead(200, { 'Content-Type': f.type, 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff',
				'Referrer-Policy': 'no-referrer', 'Content-Security-Policy': POLICY[1] + POLICY[2] });
			return res.end(f.body);
		}
		if (!session || !(req.headers.cookie ?? '').includes(`mulgil_session=${session}`)) {
			seen.unsigned++;
			return fail(res, 403, 'AccessDenied', 'sign in first');
		}
		read(res, url);
	};

	const server = createServer((req, res) => {
		const url = new URL(req.url, 'http://localhost');
		seen.paths.push(url.pathname);
		let body = '';
		req.on('data', (d) => (body += d));
		req.on('end', () => (req.method === 'POST' ? post(req, res, url.pathname, body) : get(req, res, url)));
	});
	return new Promise((resolve) => {
		server.listen(0, '127.0.0.1', () =>
			resolve({
				url: `http://127.0.0.1:${server.address().port}/`,
				seen,
				ledgers,
				expire: () => (session = null),
				close: () => (server.closeAllConnections(), server.close()),
			}),
		);
	});
}
