import type { BridgeEvent, Reference } from "./event.ts";
import type { Person } from "./person.ts";

/** UTF-16 units of a name. */
const longest = 256;

/** Every character that some client begins a new line for. */
const lineBreaks = /\r\n?|[\n\v\f\x85\u2028\u2029]/g;
/** Characters that turn the direction of what stands behind them. */
const turning = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Returns a name as one line: without line breaks, control characters and characters that turn the direction of writing,
 * and no longer than {@link longest}. The result is empty where nothing can be read.
 */
export function nameOf(text: string): string {
	const line = text
		.slice(0, 4 * longest)
		.toWellFormed()
		.replace(turning, "")
		.replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
		.trim();
	if (line.length <= longest) return line;
	// The last unit may be the first half of a pair.
	return line
		.slice(0, longest)
		.replace(/[\ud800-\udbff]$/, "")
		.trim();
}

/**
 * Returns a name to stand before words of its bearer: without the colon that ends it, since “Alice: hello” would be a
 * name that speaks for Alice, and without what clients take for markup or a command (`/me`, `>`, `*`) at its beginning.
 */
export const speakerName = (name: string): string =>
	nameOf(name)
		.replace(/[:\u02d0\u2236\u205a\ua789\ufe13\ufe55\uff1a]+/g, "·")
		.replace(/^[\s/*>_~`#·-]+/, "") || "?";

/** Returns words whose further lines are set in, so that none of them can pass for a line of somebody else. */
export const setIn = (text: string): string => text.replace(lineBreaks, "\n    ");

/** Returns the text with a sign before each line. */
export const signed = (text: string, sign: string): string => sign + text.replace(lineBreaks, `\n${sign}`);

/** The person under a name of one line; without a name where it has no letter to read. */
export function withName(person: Person): Person {
	const { name, ...nameless } = person;
	if (name === undefined) return person;
	const line = nameOf(name);
	if (line === name) return person;
	return line === "" ? nameless : { ...person, name: line };
}

const referenceWithName = (reference: Reference): Reference =>
	reference.author ? { ...reference, author: withName(reference.author) } : reference;

/** The event with the names of its people as one line each: names come in from any network, and go out to any. */
export function withNames<Event extends BridgeEvent>(event: Event): Event {
	const { to } = event;
	return {
		...event,
		sender: withName(event.sender),
		...(to && { to: withName(to) }),
		...("target" in event && { target: referenceWithName(event.target) }),
		...("replyTo" in event && event.replyTo && { replyTo: referenceWithName(event.replyTo) }),
		...("thread" in event && event.thread && { thread: referenceWithName(event.thread) }),
		...("by" in event && event.by !== undefined && { by: nameOf(event.by) }),
	};
}
