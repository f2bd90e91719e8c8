import { spend } from "../../core/budget.ts";
import type { Support } from "../../core/capabilities.ts";
import type { BridgeEvent, Media, Reference, Words } from "../../core/event.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Reaction } from "../../core/journal.ts";
import type { Refs } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import type { Rich } from "../../core/rich.ts";
import type { Element, Node } from "../stream/xml.ts";

/** Where something is said: who is who there, and by what kind of id its messages are named. */
export type Participants = Readonly<{
	/** The bare JID of the MUC; absent in a chat of two. */
	muc?: string;
	/** A room that archives names messages by its own ids, everything else by their senders'. */
	named: "sid" | "msg";
	/** Who has this address there: an occupant's, or an account's. */
	at(jid: string): Person | undefined;
	/** Who has this occupant-id (XEP-0421). */
	known(occupantId: string): Person | undefined;
	/** What they are called and where they are reached. */
	of(person: Person): Readonly<{ nick?: string; jid?: string; occupantId?: string }>;
}>;

/** One stanza as it is read. */
export type ReadContext = Participants &
	Readonly<{
		/** Its sender, as {@link ownId} knows authors; absent where nobody can tell them from the next who takes the nick. */
		author?: string;
		/** The room itself speaks. */
		room?: true;
		/** Whether this is the first that was heard of a thread since we started. */
		opens(thread: string): boolean;
	}>;

/** A code point of the body, and where it stood in the stanza: other elements count from there. */
export type Point = Readonly<{ char: string; raw: number }>;
export function points(text: string): readonly Point[] {
	spend(text.length);
	return Array.from(text, (char, raw) => ({ char, raw }));
}

/** Somebody's name in the text, from code point `start` to before `end`; without a person it names everybody. */
export type Mention = Readonly<{ start: number; end: number; person?: Person }>;

/** What a stanza does to an earlier message. */
export type Act =
	| Readonly<{ kind: "edit"; target: Reference }>
	| Readonly<{ kind: "redaction"; target: Reference; reason?: string }>
	| Readonly<{ kind: "reaction"; target: Reference; mode: "set"; emoji: readonly string[] }>;

/** A stanza as far as it was read. Features take it one after the other. */
export type ParsedMessage = Readonly<{
	style: Words["style"];
	/** The body, without what is there for others only. */
	body: readonly Point[];
	/** In raw code points of the body. */
	mentions: readonly Mention[];
	rich?: Rich;
	media?: Media;
	more?: readonly Media[];
	location?: NonNullable<Words["location"]>;
	replyTo?: Reference;
	thread?: Reference;
	act?: Act;
	/** Further ids. */
	aka: readonly MessageId[];
	/** It claims what its sender may not say. */
	nothing?: true;
	/** It is encrypted for somebody else's keys. */
	unreadable?: true;
}>;

/** What becomes a message stanza; all else is presence. */
export type Sayable = Extract<BridgeEvent, { kind: "message" | "edit" | "redaction" | "reaction" }>;

/** One event as it is written. */
export type WriteContext = Participants &
	Readonly<{
		refs: Refs;
		/** What its sender's reactions showed before. */
		shown: readonly Reaction[];
		/** How reactions are shown there: `mixed` has words besides for those who do not know them. */
		reactions: Support;
		/** Our domain. */
		component: string;
	}>;

/** A stanza as far as it was written. */
export type Draft = Readonly<{
	body?: string;
	/** In code points of `body`. */
	mentions: readonly Mention[];
	parts: readonly Node[];
}>;

/** A feature of messages: advertised, read and written in one place, so that the three cannot drift. */
export type MessageFeature = Readonly<{
	/** What disco says of it. */
	vars: readonly string[];
	read?(stanza: Element, heard: ParsedMessage, where: ReadContext): ParsedMessage;
	write?(event: Sayable, draft: Draft, where: WriteContext): Draft;
}>;

/** Returns how many code points the text has. */
export function length(text: string): number {
	spend(text.length);
	let count = 0;
	for (const _ of text) count++;
	return count;
}
/** The draft with something before its words. */
export function prefixed(draft: Draft, prefix: string): Draft {
	const by = length(prefix);
	const mentions = draft.mentions.map((one) => ({ ...one, start: one.start + by, end: one.end + by }));
	return { ...draft, body: prefix + (draft.body ?? ""), mentions };
}
export const along = (draft: Draft, ...parts: readonly Node[]): Draft => ({
	...draft,
	parts: [...draft.parts, ...parts],
});
/** Most features ask, and few change the body. */
const spelt = new WeakMap<ParsedMessage["body"], string>();
export function wordsOf({ body }: Pick<ParsedMessage, "body">): string {
	const known = spelt.get(body);
	if (known !== undefined) return known;
	const words = spelling(body);
	spelt.set(body, words);
	return words;
}
/** Returns the text of some points. */
export function spelling(body: readonly Point[]): string {
	spend(body.length);
	let words = "";
	for (const { char } of body) words += char;
	return words;
}
