// SPDX-License-Identifier: Apache-2.0
// The page: the sign-in form, or the list of measurements beside the chosen one.
import { useSignal } from '@preact/signals';
import { dateTime } from './format';
import { List } from './list';
import { Detail } from './detail';
import { refresh, selected, session, signIn, signOut, unreachable } from './state';

function SignIn() {
	const problem = useSignal('');
	const busy = useSignal(false);
	const submit = async (e: SubmitEvent) => {
		e.preventDefault();
		const form = new FormData(e.currentTarget as HTMLFormElement);
		busy.value = true;
		problem.value = '';
		try {
			await signIn(String(form.get('access_key')).trim(), String(form.get('secret')).trim());
		} catch (x) {
			problem.value = x instanceof Error ? x.message : String(x);
		} finally {
			busy.value = false;
		}
	};
	return (
		<main class="sign-in">
			<h1>mulgil</h1>
			<form method="post" onSubmit={submit} aria-describedby="sign-in-help">
				<p id="sign-in-help">
					Sign in with an access key. <code>mulgil env</code> prints the one of this server.
				</p>
				<label for="access_key">Access key</label>
				<input id="access_key" name="access_key" autocomplete="username" spellcheck={false} autocapitalize="off" required />
				<label for="secret">Secret</label>
				<input id="secret" name="secret" type="password" autocomplete="current-password" required />
				<button type="submit" disabled={busy.value}>
					{busy.value ? 'Signing in…' : 'Sign in'}
				</button>
				<p class="bad" role="alert">
					{problem.value}
				</p>
			</form>
		</main>
	);
}

function Unreachable() {
	const u = unreachable.value;
	return (
		<div role="status">
			{u && (
				<p class="banner">
					Not up to date since {dateTime(u.since)}: {u.why}. Trying again.
				</p>
			)}
		</div>
	);
}

export function App() {
	if (session.value === 'out') return <SignIn />;
	if (session.value === 'unknown')
		return (
			<main class="sign-in">
				<h1>mulgil</h1>
				{unreachable.value ? (
					<>
						<p role="alert">{unreachable.value.why}</p>
						<button type="button" onClick={() => void refresh()}>
							Try again
						</button>
					</>
				) : (
					<p>Loading…</p>
				)}
			</main>
		);
	return (
		<>
			<header>
				<h1>mulgil</h1>
				<button type="button" class="quiet" onClick={() => void signOut().catch(() => undefined)}>
					Sign out
				</button>
			</header>
			<Unreachable />
			<main class="columns">
				<List />
				{selected.value === null ? (
					<section class="detail" aria-label="Measurement">
						<p class="empty">Choose a measurement to see its ledger, its live signals and its execution.</p>
					</section>
				) : (
					<Detail id={selected.value} key={selected.value} />
				)}
			</main>
		</>
	);
}
