// SPDX-License-Identifier: Apache-2.0
// The built page in a real browser against the stand-in server.  usage: node page.mjs DIST   (reports in TAP)
// MULGIL_SCREENSHOTS=FOLDER keeps what was seen.
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import assert from 'node:assert/strict';
import { DONE, HOSTILE, KEY, LACKING, LIVE, SECRET, standIn } from './stand_in.mjs';

const require = createRequire(new URL('../../web/package.json', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
const WAIT_MS = 15000;
const shots = process.env.MULGIL_SCREENSHOTS;

if (!existsSync(CHROMIUM)) {
	console.log(`1..1\nSKIPPED page: ${CHROMIUM} is not installed\nok 1 - page # SKIP`);
	process.exit(0);
}

const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const server = await standIn(process.argv[2]);
const profile = mkdtempSync(join(tmpdir(), 'mulgil-page-'));
const browser = await chromium.launchPersistentContext(profile, {
	executablePath: CHROMIUM,
	headless: true,
	chromiumSandbox: false,
	viewport: { width: 1280, height: 800 },
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
		'--disable-sync'],
});
const page = browser.pages()[0] ?? (await browser.newPage());
page.setDefaultTimeout(WAIT_MS);
const errors = [];
const foreign = [];
page.on('console', (m) => {
	// The browser itself reports answers that are no success; the page handles them.
	if (m.type() === 'error' && !/the server responded with a status of 403/.test(m.text())) errors.push(m.text());
});
page.on('pageerror', (e) => errors.push(String(e)));
page.on('request', (r) => {
	if (!r.url().startsWith(server.url) && !r.url().startsWith('data:')) foreign.push(r.url());
});

async function shot(name) {
	if (!shots) return;
	mkdirSync(shots, { recursive: true });
	await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

async function axeFinds() {
	await page.evaluate(axe);
	const r = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
	return r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`);
}

const choose = (id) => page.evaluate((hash) => (location.hash = hash), `#m=${encodeURIComponent(id)}`);
const outcomes = () => page.$$eval('g.node', (all) => Object.fromEntries(all.map((n) => [n.dataset.state, n.dataset.outcome])));
const shown = (text) => page.getByText(text, { exact: false }).first().waitFor();
const signIn = async (secret) => {
	await page.getByLabel('Access key').fill(KEY);
	await page.getByLabel('Secret').fill(secret);
	await page.keyboard.press('Enter');
};
// Painted pixels of the first chart that are not transparent.
const painted = () =>
	page.$eval('.chart canvas', (c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.reduce((n, v, i) => n + (i % 4 === 3 && v > 0 ? v : 0), 0));

const tests = {
	'nothing is shown before signing in': async () => {
		await page.goto(server.url);
		await page.getByRole('heading', { name: 'mulgil' }).waitFor();
		await page.getByLabel('Secret').waitFor();
		assert.equal(await page.locator('table').count(), 0);
		assert.ok(server.seen.unsigned > 0);
		await shot('1-sign-in');
	},
	'a wrong secret is refused in words': async () => {
		await signIn('wrong');
		await shown('this access key and secret do not belong together');
		assert.equal(server.seen.signIns, 0);
	},
	'signing in shows the measurements, newest first': async () => {
		await signIn(SECRET);
		await page.locator('.list tbody tr').nth(3).waitFor();
		const rows = await page.$$eval('.list tbody tr', (all) => all.map((r) => [...r.cells].map((c) => c.innerText.replace(/\s+/g, ' ').trim())));
		assert.match(rows[0][0], new RegExp(LIVE));
		assert.match(rows[0][0], /● recording$/);
		assert.match(rows[1][0], /✓ complete$/);
		assert.match(rows[2][0], /! incomplete$/);
		assert.deepEqual(rows[1].slice(1), ['3,604', '0', '6']);
		assert.deepEqual(rows[2].slice(1), ['1,799', '3', '3']);
	},
	'the list is kept fresh': async () => {
		server.ledgers[1].streams[0].duplicates = 1234;
		await page.locator('.list').getByText('1,237').waitFor();
	},
	'a measurement is chosen by keyboard and its address is kept': async () => {
		await page.locator('.list tbody a').first().focus();
		await page.keyboard.press('Enter');
		await page.getByRole('heading', { name: 'p-0001 · film-1' }).waitFor();
		assert.equal(new URL(page.url()).hash, `#m=${LIVE}`);
	},
	'live signals are drawn and move, eight channels at most': async () => {
		await shown('live, 8 channels');
		await page.locator('.chart canvas').nth(7).waitFor(); // drawn after the words
		assert.equal(await page.locator('.chart canvas').count(), 8);
		await shown('2 more not shown (at most 8)');
		await shown('2 records left out of this view');
		await page.locator('.alarms li', { hasText: 'flat line: ppg red' }).waitFor();
		await page.locator('.alarms li', { hasText: 'no data from the device: ppg' }).waitFor();
		assert.equal(await page.locator('.alarms li').count(), 2);
		assert.ok((await painted()) > 0);
		const first = await page.$eval('.chart canvas', (c) => c.toDataURL());
		await page.waitForFunction((was) => document.querySelector('.chart canvas').toDataURL() !== was, first);
	},
	'a running execution shows where it is': async () => {
		await page.locator('g.node.running').waitFor();
		const o = await outcomes();
		assert.equal(o.Verify, 'succeeded');
		assert.equal(o.PreProcess, 'running');
		assert.equal(o.Store, 'not reached');
		await shot('2-live');
	},
	'a finished execution shows outcome and duration of each state': async () => {
		await choose(DONE);
		await page.locator('g.node[data-state=Done].succeeded').waitFor();
		const o = await outcomes();
		assert.equal(o.AddReport, 'caught');
		assert.equal(o.Store, 'succeeded');
		assert.equal(o.Incomplete, 'not reached');
		const row = page.locator('.states tr', { hasText: 'Analyse' });
		assert.match(await row.innerText(), /succeeded\s+1\.42 s/);
		await shot('3-complete');
	},
	'an incomplete measurement names what is missing': async () => {
		await choose(LACKING);
		await page.locator('g.node[data-state=Incomplete].failed').waitFor();
		await shown('4–5, 901');
		await shown('MeasurementIncomplete');
		await shown('stream 5a0e7a52: missing 4-5, 901');
		await shot('4-incomplete');
	},
	'hostile names are text': async () => {
		await choose(HOSTILE);
		await page.locator('.chart canvas').nth(7).waitFor();
		await page.locator('.problems li').waitFor();
		assert.equal(await page.locator('img').count(), 0);
		assert.equal(await page.evaluate(() => window.hit), undefined);
		assert.ok((await page.locator('.detail').innerText()).includes('<img src=x onerror=window.hit=1>'));
		await shot('5-hostile');
	},
	'a measurement that is not there is said': async () => {
		const before = errors.length;
		await choose('no-such');
		await shown('no-such does not exist');
		for (const e of errors.splice(before)) assert.match(e, /status of 404/);
	},
	'no fault in accessibility, light and dark': async () => {
		await choose(LIVE);
		await page.locator('g.node.running').waitFor();
		const found = [];
		for (const colorScheme of ['light', 'dark']) {
			await page.emulateMedia({ colorScheme });
			found.push(...(await axeFinds()).map((f) => `${colorScheme}: ${f}`));
		}
		await shot('6-dark');
		await page.emulateMedia({ colorScheme: 'light' });
		assert.deepEqual(found, []);
	},
	'a telephone shows all of it without scrolling sideways': async () => {
		await page.setViewportSize({ width: 390, height: 844 });
		await page.waitForFunction(() => document.querySelector('.chart canvas').clientWidth < 390);
		await shot('7-phone');
		const wide = await page.evaluate(() =>
			[...document.querySelectorAll('body *')]
				.filter((e) => e.getBoundingClientRect().right > 391 && !e.parentElement.closest('.scroll, .chart'))
				.map((e) => `${e.tagName}.${e.className}`),
		);
		assert.deepEqual(wide, []);
		assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
		await page.setViewportSize({ width: 1280, height: 800 });
	},
	'when the session ends the form comes back': async () => {
		server.expire();
		await page.getByLabel('Secret').waitFor();
		assert.equal(await page.locator('.list').count(), 0);
	},
	'signing out forgets everything': async () => {
		await signIn(SECRET);
		await page.getByRole('button', { name: 'Sign out' }).click();
		await page.getByLabel('Secret').waitFor();
		assert.equal(await page.locator('.detail').count(), 0);
	},
	'nothing else was asked for and nothing went wrong': async () => {
		assert.deepEqual(foreign, []);
		assert.deepEqual(errors, []);
	},
};

let n = 0;
let failed = 0;
console.log(`1..${Object.keys(tests).length}`);
for (const [name, run] of Object.entries(tests)) {
	n++;
	try {
		await run();
		console.log(`ok ${n} - ${name}`);
	} catch (e) {
		failed++;
		console.log(`not ok ${n} - ${name}`);
		console.log(String(e?.stack ?? e).replace(/^/gm, '# '));
	}
}
await browser.close();
rmSync(profile, { recursive: true, force: true });
server.close();
process.exitCode = failed ? 1 : 0;
