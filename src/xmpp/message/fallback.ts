import { spend } from "../../core/budget.ts";
import { type Element, type Node, xml } from "../stream/xml.ts";
import type { MessageFeature, ParsedMessage, Point } from "./feature.ts";

const ns = "urn:xmpp:fallback:0";

type Range = readonly [start: number, end: number];

/** The ranges of the body that are there for clients without `feature`, in code points; undefined where none is marked. */
export function ranges(stanza: Element, feature: string): readonly Range[] | undefined {
	const all = stanza.getChildren("fallback", ns).filter((one) => one.attrs.for === feature);
	if (all.length === 0) return undefined;
	return all.flatMap((one): Range[] => {
		// XEP-0428 §3: nothing named is everything.
		if (one.getChildElements().length === 0) return [[0, Number.POSITIVE_INFINITY]];
		return one
			.getChildren("body")
			.map(({ attrs }) => [number(attrs.start, 0), number(attrs.end, Number.POSITIVE_INFINITY)]);
	});
}
/** What is no number is in no range: nothing is cut that nobody marked. */
const number = (value: string | undefined, missing: number) =>
	value === undefined ? missing : /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;

/** Marks the body up to `end` as being there for clients without `feature`; without an end all of it. */
export const fallbackFor = (feature: string, end?: number): Node =>
	xml(
		"fallback",
		{ xmlns: ns, for: feature },
		xml("body", end === undefined ? {} : { start: "0", end: String(end) }),
	);

/** Returns the points that are inside or outside of some ranges, in time linear in both. Raw positions ascend. */
function parted(
	body: readonly Point[],
	all: readonly Range[],
): Readonly<Record<"inside" | "outside", Point[]>> {
	spend(body.length + all.length);
	const sorted = all.filter(([start, end]) => start < end).sort(([a], [b]) => a - b);
	const [inside, outside]: [Point[], Point[]] = [[], []];
	let next = 0;
	/** The greatest end of the ranges that begin at or before the point. */
	let reach = 0;
	for (const point of body) {
		for (; (sorted[next]?.[0] ?? Number.NaN) <= point.raw; next++)
			reach = Math.max(reach, sorted[next]?.[1] ?? 0);
		(point.raw < reach ? inside : outside).push(point);
	}
	return { inside, outside };
}
export const inside = (body: readonly Point[], all: readonly Range[]): readonly Point[] =>
	parted(body, all).inside;
export const outside = (body: readonly Point[], all: readonly Range[]): readonly Point[] =>
	parted(body, all).outside;

/** XEP-0428: what the features before us understand is not shown as text besides. */
export const fallbacks = (understood: readonly string[]): MessageFeature => ({
	vars: [ns],
	read(stanza, heard): ParsedMessage {
		const cut = understood.flatMap((feature) => ranges(stanza, feature) ?? []);
		if (cut.length === 0) return heard;
		const left = outside(heard.body, cut);
		const quote = left.length === 0 ? quoteEnd(heard.body) : 0;
		return { ...heard, body: quote > 0 ? heard.body.slice(quote) : left };
	},
});

/** COMPAT clients that mark an answer without a range: only the quote that it begins with is there for others. */
export function quoteEnd(body: readonly Point[]): number {
	let end = 0;
	while (body[end]?.char === ">") {
		while (end < body.length && body[end]?.char !== "\n") end++;
		if (end < body.length) end++;
	}
	spend(end);
	return end;
}
