import { spend } from "../../core/budget.ts";
import { type Element, type Node, xml } from "../stream/xml.ts";
import type { MessageFeature, ParsedMessage, Point } from "./feature.ts";

const ns = "urn:xmpp:fallback:0";

type Range = readonly [start: number, end: number];

/**
 * Returns the ranges of the body, in code points, that are fallback text for `feature`; undefined if none is marked.
 */
export function ranges(stanza: Element, feature: string): readonly Range[] | undefined {
	const all = stanza.getChildren("fallback", ns).filter((one) => one.attrs.for === feature);
	if (all.length === 0) return undefined;
	return all.flatMap((one): Range[] => {
		// XEP-0428 §3: a fallback without child elements covers the whole body.
		if (one.getChildElements().length === 0) return [[0, Number.POSITIVE_INFINITY]];
		return one
			.getChildren("body")
			.map(({ attrs }) => [number(attrs.start, 0), number(attrs.end, Number.POSITIVE_INFINITY)]);
	});
}
/** Parses a bound of a range. A malformed bound becomes NaN, so that its range contains no point and cuts nothing. */
const number = (value: string | undefined, missing: number) =>
	value === undefined ? missing : /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;

/** Returns the element that marks the body, up to code point `end` or all of it, as fallback text for `feature`. */
export const fallbackFor = (feature: string, end?: number): Node =>
	xml(
		"fallback",
		{ xmlns: ns, for: feature },
		xml("body", end === undefined ? {} : { start: "0", end: String(end) }),
	);

/** Splits the points into those inside and those outside the ranges, in linear time. Raw positions must ascend. */
function parted(
	body: readonly Point[],
	all: readonly Range[],
): Readonly<Record<"inside" | "outside", Point[]>> {
	spend(body.length + all.length);
	const sorted = all.filter(([start, end]) => start < end).sort(([a], [b]) => a - b);
	const [inside, outside]: [Point[], Point[]] = [[], []];
	let next = 0;
	/** The greatest end of all ranges that begin at or before the point. */
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

/** XEP-0428: removes from the body the fallback text of the features in `understood`. */
export const fallbacks = (understood: readonly string[]): MessageFeature => ({
	vars: [ns],
	read(stanza, parsed): ParsedMessage {
		const cut = understood.flatMap((feature) => ranges(stanza, feature) ?? []);
		if (cut.length === 0) return parsed;
		const left = outside(parsed.body, cut);
		const quote = left.length === 0 ? quoteEnd(parsed.body) : 0;
		return { ...parsed, body: quote > 0 ? parsed.body.slice(quote) : left };
	},
});

/**
 * COMPAT clients that mark a reply without a range: returns where its leading quote ends; only that is fallback text.
 */
export function quoteEnd(body: readonly Point[]): number {
	let end = 0;
	while (body[end]?.char === ">") {
		while (end < body.length && body[end]?.char !== "\n") end++;
		if (end < body.length) end++;
	}
	spend(end);
	return end;
}
