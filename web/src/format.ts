// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them.

const whole = new Intl.NumberFormat('en');

export const count = (n: number) => whole.format(n);

export function bytes(n: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
	let i = 0;
	while (n >= 1024 && i < units.length - 1) {
		n /= 1024;
		i++;
	}
	return `${i && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[i]}`;
}

export function duration(ms: number): string {
	if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
	if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`;
	const s = Math.round(ms / 1000);
	if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
	return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

// AWS's timestamps: seconds as a number, or a date as text.  NaN if it is neither.
export function timestampMs(t: number | string | undefined): number {
	return typeof t === 'number' ? t * 1000 : typeof t === 'string' ? Date.parse(t) : NaN;
}

export function dateTime(ms: number | null | undefined): string {
	if (ms == null || !Number.isFinite(ms)) return '–';
	const d = new Date(ms);
	const two = (n: number) => String(n).padStart(2, '0');
	return (
		`${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ` +
		`${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
	);
}

// At most @most ranges, as "4–5, 9 and 3 more".
export function ranges(list: [number, number][], most = 6): string {
	const shown = list.slice(0, most).map(([a, b]) => (a === b ? `${a}` : `${a}–${b}`));
	return shown.join(', ') + (list.length > most ? ` and ${list.length - most} more` : '');
}
