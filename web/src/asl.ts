// SPDX-License-Identifier: Apache-2.0
// A state machine's definition (Amazon States Language) as a graph.  Next, Default and Catch may only name states of the
// same "States" field, so a branch is a graph of its own inside its state.

export type EdgeKind = 'start' | 'next' | 'choice' | 'default' | 'catch';

export interface Edge {
	from: string; // '' is the start
	to: string;
	kind: EdgeKind;
	label: string;
}

export interface Node {
	name: string;
	type: string;
	what: string; // for a task: what it calls
	terminal: boolean;
	branches: Graph[];
}

export interface Graph {
	nodes: Node[];
	edges: Edge[];
}

type Fields = Record<string, unknown>;

const fields = (x: unknown): Fields => (x !== null && typeof x === 'object' && !Array.isArray(x) ? (x as Fields) : {});
const text = (x: unknown): string => (typeof x === 'string' ? x : '');
const list = (x: unknown): Fields[] => (Array.isArray(x) ? x.map(fields) : []);

// "arn:aws:states:::glue:startJobRun.sync" -> "glue:startJobRun.sync"; a function's ARN -> "lambda <name>".
export function resourceName(arn: string): string {
	const parts = arn.split(':');
	if (parts[2] === 'states') return parts.slice(5).join(':').replace(/^aws-sdk:/, '');
	if (parts[2] === 'lambda') return `lambda ${parts[6] ?? ''}`;
	return arn;
}

const OPERATORS = /^(String|Numeric|Boolean|Timestamp|Is)/;

export function choiceLabel(rule: Fields): string {
	for (const join of ['And', 'Or']) if (Array.isArray(rule[join])) return list(rule[join]).map(choiceLabel).join(` ${join.toLowerCase()} `);
	if (rule['Not'] !== undefined) return `not ${choiceLabel(fields(rule['Not']))}`;
	const operator = Object.keys(rule).find((k) => OPERATORS.test(k));
	if (!operator) return text(rule['Condition']);
	const value = JSON.stringify(rule[operator]);
	const variable = text(rule['Variable']).replace(/^\$\./, '');
	if (/Equals$/.test(operator)) return `${variable} = ${value}`;
	return `${variable} ${operator} ${value}`;
}

function branches(state: Fields): Graph[] {
	if (state['Type'] === 'Parallel') return list(state['Branches']).map(graphOf);
	if (state['Type'] === 'Map') return [graphOf(fields(state['ItemProcessor'] ?? state['Iterator']))];
	return [];
}

function graphOf(machine: Fields): Graph {
	const states = Object.entries(fields(machine['States'])).map(([name, s]) => [name, fields(s)] as const);
	const g: Graph = { nodes: [], edges: [] };
	const edge = (from: string, to: unknown, kind: EdgeKind, label = '') => {
		if (states.some(([name]) => name === to)) g.edges.push({ from, to: text(to), kind, label });
	};
	edge('', machine['StartAt'], 'start');
	for (const [name, s] of states) {
		const type = text(s['Type']);
		g.nodes.push({
			name,
			type,
			what: type === 'Task' ? resourceName(text(s['Resource'])) : '',
			terminal: s['End'] === true || type === 'Succeed' || type === 'Fail',
			branches: branches(s),
		});
		edge(name, s['Next'], 'next');
		for (const c of list(s['Choices'])) edge(name, c['Next'], 'choice', choiceLabel(c));
		edge(name, s['Default'], 'default', 'otherwise');
		for (const c of list(s['Catch']))
			edge(name, c['Next'], 'catch', Array.isArray(c['ErrorEquals']) ? c['ErrorEquals'].map(String).join(', ') : '');
	}
	return g;
}

// Throws SyntaxError if @definition is no JSON.
export function parseMachine(definition: string): Graph {
	return graphOf(fields(JSON.parse(definition)));
}

// All states, also those inside branches, in the order of the definition.
export function allNodes(g: Graph): Node[] {
	return g.nodes.flatMap((n) => [n, ...n.branches.flatMap(allNodes)]);
}
