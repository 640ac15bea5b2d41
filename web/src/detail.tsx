// SPDX-License-Identifier: Apache-2.0
// One measurement: what its ledger says, its live signals, its execution.
import type { Ledger, Stream } from './api';
import { bytes, count, dateTime, ranges } from './format';
import { ExecutionPart } from './execution';
import { Live } from './live';
import { State } from './list';
import { ledger, ledgerProblem } from './state';

function shaText(s: Stream): string {
	if (s.sha256_ok === true) return '✓ same';
	return s.sha256_ok === false ? '✕ differs' : 'not yet';
}

function Streams({ list }: { list: Stream[] }) {
	if (!list.length) return <p class="empty">No stream was announced.</p>;
	return (
		<div class="scroll" tabIndex={0} role="region" aria-label="Streams">
			<table>
				<caption>Streams</caption>
				<thead>
					<tr>
						<th scope="col">Stream</th>
						<th scope="col" class="n">
							Expected
						</th>
						<th scope="col" class="n">
							Received
						</th>
						<th scope="col" class="n">
							Decoded
						</th>
						<th scope="col">Gaps</th>
						<th scope="col" class="n">
							Duplicates
						</th>
						<th scope="col" class="n">
							Quarantined
						</th>
						<th scope="col" class="n">
							Samples
						</th>
						<th scope="col" class="n">
							Bytes
						</th>
						<th scope="col">SHA-256</th>
					</tr>
				</thead>
				<tbody>
					{list.map((s) => (
						<tr key={s.stream}>
							<th scope="row">
								<span class="who">{s.modality}</span>
								<span class="id">{s.layout}</span>
								<span class="when" title={s.stream}>
									{s.rate} Hz
								</span>
							</th>
							<td class="n">{count(s.expected)}</td>
							<td class="n">{count(s.received)}</td>
							<td class="n">{count(s.decoded)}</td>
							<td class={s.missing.length ? 'bad' : ''}>{s.missing.length ? ranges(s.missing) : 'none'}</td>
							<td class="n">
								{count(s.duplicates)}
								{s.conflicts > 0 && <span class="bad"> + {count(s.conflicts)} conflicting</span>}
							</td>
							<td class={s.quarantined ? 'n bad' : 'n'}>{count(s.quarantined)}</td>
							<td class="n">{count(s.samples)}</td>
							<td class="n">{bytes(s.bytes)}</td>
							<td class={s.sha256_ok === false ? 'one bad' : 'one'}>{shaText(s)}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

function Files({ l }: { l: Ledger }) {
	if (!l.files.length) return <p class="empty">No file was announced.</p>;
	return (
		<div class="scroll" tabIndex={0} role="region" aria-label="Files">
			<table>
				<caption>Files</caption>
				<thead>
					<tr>
						<th scope="col">File</th>
						<th scope="col">Arrived</th>
						<th scope="col" class="n">
							Size
						</th>
						<th scope="col">Key</th>
					</tr>
				</thead>
				<tbody>
					{l.files.map((f) => (
						<tr key={f.key}>
							<th scope="row">{f.modality}</th>
							<td class={f.arrived && !f.size_ok ? 'one bad' : 'one'}>
								{!f.arrived ? '… not yet' : f.size_ok ? '✓ yes' : '✕ wrong size'}
							</td>
							<td class="n">{f.arrived ? bytes(f.bytes) : '–'}</td>
							<td class="key">{f.key}</td>
						</tr>
					))}
				</tbody>
			</table>
		</div>
	);
}

function Facts({ l }: { l: Ledger }) {
	return (
		<dl class="facts">
			<div>
				<dt>State</dt>
				<dd>
					<State state={l.state} />
				</dd>
			</div>
			<div>
				<dt>Screening</dt>
				<dd>{l.screening}</dd>
			</div>
			<div>
				<dt>Began</dt>
				<dd>{dateTime(l.began_ms)}</dd>
			</div>
			<div>
				<dt>Ended</dt>
				<dd>{l.ended_ms === null ? 'still recording' : dateTime(l.ended_ms)}</dd>
			</div>
		</dl>
	);
}

function Problems({ list }: { list: string[] }) {
	if (!list.length) return null;
	return (
		<div class="problems">
			<h3>Problems</h3>
			<ul>
				{list.map((p, i) => (
					<li key={i}>{p}</li>
				))}
			</ul>
		</div>
	);
}

export function Detail({ id }: { id: string }) {
	const l = ledger.value;
	return (
		<section class="detail" aria-labelledby="detail-title">
			<h2 id="detail-title">{l ? `${l.subject} · ${l.content}` : 'Measurement'}</h2>
			<p class="id whole">{id}</p>
			{ledgerProblem.value && (
				<p class="bad" role="alert">
					{ledgerProblem.value}
				</p>
			)}
			{!l && !ledgerProblem.value && <p class="empty">Loading…</p>}
			{l && <Facts l={l} />}
			{l && <Problems list={l.problems} />}
			<Live id={id} recording={l?.state === 'recording'} streams={l?.streams ?? []} />
			<ExecutionPart />
			{l && (
				<section class="part" aria-labelledby="ledger-title">
					<h3 id="ledger-title">Ledger</h3>
					<Streams list={l.streams} />
					<Files l={l} />
				</section>
			)}
		</section>
	);
}
