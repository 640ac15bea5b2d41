// SPDX-License-Identifier: Apache-2.0
// The list of measurements, newest first.
import { count, dateTime } from './format';
import { linkTo, measurements, selected } from './state';

const MARK: Record<string, string> = { complete: '✓', recording: '●', incomplete: '!' };

export function State({ state }: { state: string }) {
	const known = Object.hasOwn(MARK, state);
	return (
		<span class={`state ${known ? state : ''}`}>
			<span aria-hidden="true">{known ? MARK[state] : '?'}</span> {state}
		</span>
	);
}

export function List() {
	const list = measurements.value;
	const bad = list?.filter((m) => m.state === 'incomplete').length ?? 0;
	return (
		<section class="list" aria-labelledby="list-title">
			<h2 id="list-title">Measurements{list ? ` (${count(list.length)})` : ''}</h2>
			{bad > 0 && <p class="bad">{count(bad)} incomplete</p>}
			{!list && <p class="empty">Loading…</p>}
			{list && !list.length && (
				<p class="empty">
					No measurement yet. One appears here as soon as a tablet begins it; <code>mulgil demo</code> plays some.
				</p>
			)}
			{list && list.length > 0 && (
				<div class="scroll" tabIndex={0} role="region" aria-label="Table of measurements">
					<table>
						<thead>
							<tr>
								<th scope="col">Measurement, state</th>
								<th scope="col" class="n">
									Records
								</th>
								<th scope="col" class="n">
									Missing
								</th>
								<th scope="col" class="n">
									<abbr title="Duplicates refused">Dupl.</abbr>
								</th>
							</tr>
						</thead>
						<tbody>
							{list.map((m) => (
								<tr key={m.measurement} class={m.measurement === selected.value ? 'chosen' : ''}>
									<th scope="row">
										<a href={linkTo(m.measurement)} aria-current={m.measurement === selected.value ? 'true' : undefined}>
											<span class="who">
												{m.subject} · {m.content}
											</span>
											<span class="id" title={m.measurement}>
												{m.measurement}
											</span>
											<span class="when">{dateTime(m.began_ms)}</span>
										</a>
										<State state={m.state} />
									</th>
									<td class="n">{count(m.received)}</td>
									<td class={m.missing ? 'n bad' : 'n'}>{count(m.missing)}</td>
									<td class="n">{count(m.duplicates)}</td>
								</tr>
							))}
						</tbody>
					</table>
				</div>
			)}
		</section>
	);
}
