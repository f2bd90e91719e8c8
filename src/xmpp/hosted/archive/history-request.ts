import { type Element, xml } from "../../stream/xml.ts";
import { moment } from "./form.ts";
import { pageMost } from "./query.ts";

/** The lines that a client gets when it joins a room (XEP-0045 §7.2.13). Pure. */

const sid = "urn:xmpp:sid:0";
/** Lines for a client that names no number, as other services have it. */
const usual = 20;

/** The part of the history that a client wants: the last `lines`, with at most `chars` characters as XML, not before `since`. */
export type HistoryRequest = Readonly<{ lines: number; chars?: number; since?: number }>;

/**
 * Returns the history that a join asks for by its `history` element. An attribute that makes no sense counts as absent:
 * nobody is kept out for it.
 */
export function historyRequest(asked: Element | undefined, now: number): HistoryRequest {
	const wish = asked?.attrs ?? {};
	const number = (value: string | undefined) => (/^\d{1,9}$/.test(value ?? "") ? Number(value) : undefined);
	const seconds = number(wish.seconds);
	const times = [seconds === undefined ? undefined : now - 1000 * seconds, timeOf(wish.since)];
	const since = times.filter((at) => at !== undefined);
	const chars = number(wish.maxchars);
	// A client that names a time wants all that it has missed.
	const lines = number(wish.maxstanzas) ?? (since.length > 0 ? pageMost : usual);
	return {
		lines: chars === 0 ? 0 : Math.min(lines, pageMost),
		...(chars !== undefined && { chars }),
		...(since.length > 0 && { since: Math.max(...since) }),
	};
}

function timeOf(stamp: string | undefined): number | undefined {
	try {
		return moment(stamp);
	} catch {
		return undefined;
	}
}

/** Returns the last of these lines that fit into so many characters, the oldest first. */
export function fitting<L extends Readonly<{ chars: number }>>(
	lines: readonly L[],
	chars: number,
): readonly L[] {
	let left = chars;
	const tooFar = lines.findLastIndex((line) => {
		left -= line.chars;
		return left < 0;
	});
	return lines.slice(tooFar + 1);
}

/** Returns a line as history, with the time when the room got it. */
export const late = (line: Element, address: string, at: number): Element =>
	xml(
		line.name,
		line.attrs,
		line.getChildElements(),
		xml("delay", { xmlns: "urn:xmpp:delay", from: address, stamp: new Date(at).toISOString() }),
	);

/** Returns the id that a line has in the archive of a room; undefined for a stanza that the archive does not have. */
export const idIn = (stanza: Element, address: string): string | undefined =>
	stanza.getChildren("stanza-id", sid).find((one) => one.attrs.by === address)?.attrs.id;

/**
 * Returns the history without the lines that the session gets live, since it waits for its history only: `held` are the
 * stanzas that came meanwhile. A line has one place, so the history ends before the first of them.
 */
export function untilLive(
	history: readonly Element[],
	held: readonly Element[],
	address: string,
): readonly Element[] {
	const live = new Set(held.map((stanza) => idIn(stanza, address)));
	const end = history.findIndex((line) => live.has(idIn(line, address)));
	return end < 0 ? history : history.slice(0, end);
}
