// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { allNodes, choiceLabel, parseMachine, resourceName } from '../src/asl';
import { place } from '../src/layout';

const audience = readFileSync(new URL('../../pipelines/audience/measurement.asl.json', import.meta.url), 'utf8');

describe('parseMachine', () => {
	it('reads the audience pipeline', () => {
		const g = parseMachine(audience);
		expect(g.nodes.map((n) => n.name)).toContain('Verify');
		expect(g.edges[0]).toEqual({ from: '', to: 'Verify', kind: 'start', label: '' });
		expect(g.edges).toContainEqual({ from: 'IsComplete', to: 'AddReport', kind: 'choice', label: 'complete = true' });
		expect(g.edges).toContainEqual({ from: 'IsComplete', to: 'TellIncomplete', kind: 'default', label: 'otherwise' });
		expect(g.edges.filter((e) => e.kind === 'catch')).toHaveLength(2);
		expect(g.nodes.filter((n) => n.terminal).map((n) => n.name).sort()).toEqual(['Done', 'Incomplete']);
	});

	it('reads branches of Parallel and Map, also the old name', () => {
		const one = { StartAt: 'A', States: { A: { Type: 'Pass', End: true } } };
		const g = parseMachine(
			JSON.stringify({
				StartAt: 'P',
				States: {
					P: { Type: 'Parallel', Branches: [one, one], Next: 'M' },
					M: { Type: 'Map', ItemProcessor: one, Next: 'O' },
					O: { Type: 'Map', Iterator: one, End: true },
				},
			}),
		);
		expect(g.nodes.map((n) => n.branches.length)).toEqual([2, 1, 1]);
		expect(allNodes(g)).toHaveLength(7);
	});

	it('leaves out lines to states that are not there', () => {
		expect(parseMachine('{"StartAt":"X","States":{"A":{"Type":"Pass","Next":"B"}}}').edges).toEqual([]);
		expect(parseMachine('[]').nodes).toEqual([]);
		expect(() => parseMachine('{')).toThrow(SyntaxError);
	});
});

describe('labels', () => {
	it('names what a task calls', () => {
		expect(resourceName('arn:aws:states:::glue:startJobRun.sync')).toBe('glue:startJobRun.sync');
		expect(resourceName('arn:aws:states:::aws-sdk:glue:createPartition')).toBe('glue:createPartition');
		expect(resourceName('arn:aws:lambda:ap-northeast-2:1:function:f')).toBe('lambda f');
	});

	it('says what a choice asks', () => {
		expect(choiceLabel({ Variable: '$.n', NumericGreaterThan: 3, Next: 'A' })).toBe('n NumericGreaterThan 3');
		expect(choiceLabel({ And: [{ Variable: '$.a', IsPresent: true }, { Not: { Variable: '$.b', StringEquals: 'x' } }] })).toBe(
			'a IsPresent true and not b = "x"',
		);
	});
});

describe('place', () => {
	it('gives every state a place of its own inside the drawing', () => {
		const p = place(parseMachine(audience), true);
		expect(p.nodes).toHaveLength(parseMachine(audience).nodes.length);
		for (const n of p.nodes) {
			expect(n.x).toBeGreaterThanOrEqual(0);
			expect(n.y + n.h).toBeLessThanOrEqual(p.h);
			for (const o of p.nodes)
				if (o !== n) expect(n.x + n.w <= o.x || o.x + o.w <= n.x || n.y + n.h <= o.y || o.y + o.h <= n.y).toBe(true);
		}
		expect(p.edges.every((e) => e.points.length >= 2)).toBe(true);
	});

	it('hides the lines of errors unless asked', () => {
		const g = parseMachine(audience);
		expect(place(g, true).edges.length - place(g, false).edges.length).toBe(2);
	});

	it('puts branches inside their state', () => {
		const one = { StartAt: 'A', States: { A: { Type: 'Pass', End: true } } };
		const p = place(parseMachine(JSON.stringify({ StartAt: 'P', States: { P: { Type: 'Parallel', Branches: [one, one], End: true } } })), false);
		const box = p.nodes[0]!;
		expect(box.inner).toHaveLength(2);
		for (const b of box.inner) {
			expect(b.x + b.placed.w).toBeLessThanOrEqual(box.x + box.w);
			expect(b.y + b.placed.h).toBeLessThanOrEqual(box.y + box.h);
		}
	});
});
