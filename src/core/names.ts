import type { BridgeEvent, Reference } from "./event.ts";
import type { Seen } from "./hosting.ts";
import type { Person } from "./person.ts";

/** UTF-16 units of the longest name. */
const longest = 256;

/** All characters that some client shows as a line break. */
const lineBreaks = /\r\n?|[\n\v\f\x85\u2028\u2029]/g;
/** Characters that change the writing direction of the text behind them. */
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A character that people see. Letters that fill a place (Hangul, Braille), and marks alone, are none. */
const readable = /[^\p{Default_Ignorable_Code_Point}\p{M}\p{Z}\p{Cc}\p{Cf}\u2800]/u;

/**
 * Returns a name as one line: without line breaks, control characters and characters that change the writing direction,
 * and no longer than {@link longest}. The result is empty if no readable character is left.
 */
export function nameOf(text: string): string {
	const line = text
		.slice(0, 4 * longest)
		.toWellFormed()
		.replace(turning, "")
		.replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
		.trim();
	if (!readable.test(line)) return "";
	if (line.length <= longest) return line;
	// The last unit may be the first half of a surrogate pair.
	return line
		.slice(0, longest)
		.replace(/[\ud800-\udbff]$/, "")
		.trim();
}

/** Returns the beginning of a text as one line of at most `most` characters. */
export const oneLine = (text: string, most: number): string =>
	[
		...text
			.slice(0, 4 * most)
			.toWellFormed()
			.replace(/\s+/g, " ")
			.trim(),
	]
		.slice(0, most)
		.join("");

/**
 * Returns a name to put before a text of its bearer: without colons, since the name “Alice: hello” would speak for Alice,
 * and without leading characters that clients take for markup or a command (`/me`, `>`, `*`).
 */
export const speakerName = (name: string): string =>
	nameOf(name)
		.replace(/[:\u02d0\u2236\u205a\ua789\ufe13\ufe55\uff1a]+/g, "·")
		.replace(/^[\s/*>_~`#·-]+/, "") || "?";

/** Returns the text with all lines but the first indented, so that none of them can pass for a line of another person. */
export const setIn = (text: string): string => text.replace(lineBreaks, "\n    ");

/** Returns the text with `sign` before each line. */
export const signed = (text: string, sign: string): string => sign + text.replace(lineBreaks, `\n${sign}`);

/** Returns the person with names of one line each; without a name that has no readable character. */
export function withName(person: Person): Person {
	const { realName } = person;
	const clean = realName && nameOf(realName);
	return withNick(clean === realName ? person : { ...person, realName: clean || null });
}

function withNick(person: Person): Person {
	const { name, ...nameless } = person;
	if (name === undefined) return person;
	const line = nameOf(name);
	if (line === name) return person;
	return line === "" ? nameless : { ...person, name: line };
}

const referenceWithName = (reference: Reference): Reference =>
	reference.author ? { ...reference, author: withName(reference.author) } : reference;

/** Returns the event with each name as one line. Core calls it for all that comes in, so that no network has to. */
export function withNames<Event extends BridgeEvent>(event: Event): Event {
	const { to } = event;
	return {
		...event,
		sender: withName(event.sender),
		...(to && { to: withName(to) }),
		...("whom" in event && { whom: withName(event.whom) }),
		...("also" in event && {
			also: event.also?.map((one) => ({ ...one, whom: withName(one.whom) })),
		}),
		...("target" in event && { target: referenceWithName(event.target) }),
		...("replyTo" in event && event.replyTo && { replyTo: referenceWithName(event.replyTo) }),
		...("thread" in event && event.thread && { thread: referenceWithName(event.thread) }),
		...("by" in event && event.by !== undefined && { by: nameOf(event.by) }),
	};
}

/** Does the same for what has been seen in the timeline of a room. */
export function withNamesSeen(seen: Seen): Seen {
	const sender = withName(seen.sender);
	const { what } = seen;
	switch (what.kind) {
		case "said":
			return { ...seen, sender, what: { ...what, event: withNames(what.event) } };
		case "deleted":
			return { ...seen, sender, what: { ...what, ...(what.by && { by: withName(what.by) }) } };
		case "member":
			return {
				...seen,
				sender,
				what: { ...what, person: withName(what.person), ...(what.by && { by: withName(what.by) }) },
			};
		case "topic":
		case "facts":
		case "domain":
			return { ...seen, sender };
		default:
			return what satisfies never;
	}
}
