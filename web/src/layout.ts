// SPDX-License-Identifier: Apache-2.0
// Where each box and line of a state machine's graph goes.  A branch is laid out alone and is one box in its parent.
import { Graph as Dagre, layout as dagre } from '@dagrejs/dagre';
import type { Edge, Graph, Node } from './asl';

export interface PlacedNode {
	node: Node;
	x: number; // left, top
	y: number;
	w: number;
	h: number;
	inner: { x: number; y: number; placed: Placed }[];
}

export interface PlacedEdge {
	edge: Edge;
	points: { x: number; y: number }[];
	label?: { x: number; y: number; text: string };
}

export interface Placed {
	w: number;
	h: number;
	nodes: PlacedNode[];
	edges: PlacedEdge[];
	start?: { x: number; y: number };
}

export const NODE_H = 48;
export const TITLE_H = 48;
const NODE_W = 196;
const PAD = 14;
const LABEL_MAX = 28;
const START = '\u0000start'; // no state may be named so

export const short = (s: string, most: number) => (s.length > most ? `${s.slice(0, most - 1)}…` : s);

function boxOf(node: Node, inner: Placed[]): { w: number; h: number } {
	const own = Math.min(320, Math.max(NODE_W, 44 + 8 * node.name.length));
	if (!inner.length) return { w: own, h: NODE_H };
	const w = inner.reduce((sum, p) => sum + p.w + PAD, PAD);
	return { w: Math.max(own, w), h: TITLE_H + Math.max(...inner.map((p) => p.h)) + PAD };
}

// @caps: draw the start; @catches: also the lines that errors take.
export function place(g: Graph, catches: boolean, caps = true): Placed {
	const d = new Dagre({ multigraph: true });
	d.setGraph({ rankdir: 'TB', nodesep: 26, ranksep: 34, edgesep: 14, marginx: 4, marginy: 4 });
	d.setDefaultEdgeLabel(() => ({}));
	const inner = new Map(g.nodes.map((n) => [n.name, n.branches.map((b) => place(b, catches, false))]));
	for (const n of g.nodes) {
		const box = boxOf(n, inner.get(n.name)!);
		d.setNode(n.name, { width: box.w, height: box.h });
	}
	if (caps) d.setNode(START, { width: 16, height: 16 });
	const edges = g.edges.filter((e) => (e.kind !== 'catch' || catches) && (e.kind !== 'start' || caps));
	edges.forEach((e, i) => {
		const text = short(e.label, LABEL_MAX);
		d.setEdge(e.from === '' ? START : e.from, e.to, text ? { width: 7 * text.length + 8, height: 16, labelpos: 'c' } : {}, String(i));
	});
	dagre(d);
	const nodes = g.nodes.map((node): PlacedNode => {
		const at = d.node(node.name) as { x: number; y: number; width: number; height: number };
		const box = { node, x: at.x - at.width / 2, y: at.y - at.height / 2, w: at.width, h: at.height };
		let x = box.x + PAD;
		return {
			...box,
			inner: inner.get(node.name)!.map((placed) => {
				const here = { x, y: box.y + TITLE_H, placed };
				x += placed.w + PAD;
				return here;
			}),
		};
	});
	const placedEdges = edges.map((edge, i): PlacedEdge => {
		const at = d.edge(edge.from === '' ? START : edge.from, edge.to, String(i)) as {
			points?: { x: number; y: number }[];
			x?: number;
			y?: number;
		};
		const out: PlacedEdge = { edge, points: at.points ?? [] };
		if (edge.label && at.x !== undefined && at.y !== undefined)
			out.label = { x: at.x, y: at.y, text: short(edge.label, LABEL_MAX) };
		return out;
	});
	const size = d.graph() as { width?: number; height?: number };
	const out: Placed = { w: size.width ?? 0, h: size.height ?? 0, nodes, edges: placedEdges };
	if (caps) {
		const at = d.node(START) as { x: number; y: number };
		out.start = { x: at.x, y: at.y };
	}
	return out;
}
