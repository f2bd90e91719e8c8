import { spend } from "../../core/budget.ts";
import type { Support } from "../../core/capabilities.ts";
import type { BridgeEvent, Media, Reference, Sets, Words } from "../../core/event.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Reaction } from "../../core/journal.ts";
import type { Refs } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import type { Rich } from "../../core/rich.ts";
import type { Element, Node } from "../stream/xml.ts";

/** Looks up the people of one MUC or 1:1 chat, and says which kind of id refers to its messages. */
export type Participants = Readonly<{
	/** The bare JID of the MUC; absent in a 1:1 chat. */
	muc?: string;
	/** `sid` in a MUC with an archive (its stanza-ids refer to messages), else `msg` (the senders' ids do). */
	named: "sid" | "msg";
	/** Returns the person with this JID: an occupant's, or an account's. */
	at(jid: string): Person | undefined;
	/** Returns the occupant with this occupant-id (XEP-0421). */
	known(occupantId: string): Person | undefined;
	/** Returns the nick, JID and occupant-id that the person has there. */
	of(person: Person): Readonly<{ nick?: string; jid?: string; occupantId?: string }>;
}>;

/** The context in which one stanza is read. */
export type ReadContext = Participants &
	Readonly<{
		/** The sender's key for {@link ownId}; absent if only the nick identifies them, which another occupant can take. */
		author?: string;
		/** Set if the MUC itself sent the stanza. */
		room?: true;
		/** Returns true if no message of the thread was read before, as far as the bridge remembers. */
		opens(thread: string): boolean;
	}>;

/** A code point of the body. `raw` is its index in the stanza's body, which the ranges of other elements refer to. */
export type Point = Readonly<{ char: string; raw: number }>;
export function points(text: string): readonly Point[] {
	spend(text.length);
	return Array.from(text, (char, raw) => ({ char, raw }));
}

/**
 * A name in the text, from code point `start` up to but not including `end`. A mention without a person means
 * everybody.
 */
export type Mention = Readonly<{ start: number; end: number; person?: Person }>;

/** The effect of a stanza on an earlier message. */
export type Act =
	| Readonly<{ kind: "edit"; target: Reference }>
	| Readonly<{ kind: "redaction"; target: Reference; reason?: string }>
	| Readonly<{ kind: "reaction"; target: Reference; mode: "set"; emoji: readonly string[] }>;

/** The result of reading a stanza; each feature refines the result of the one before. */
export type ParsedMessage = Readonly<{
	style: Words["style"];
	/** The body without fallback text. */
	body: readonly Point[];
	/** Their bounds are raw indexes: code points of the stanza's body. */
	mentions: readonly Mention[];
	rich?: Rich;
	media?: Media;
	more?: readonly Media[];
	location?: NonNullable<Words["location"]>;
	replyTo?: Reference;
	thread?: Reference;
	act?: Act;
	/** As `sets` of the neutral event. */
	sets?: Sets;
	/** Further ids of this message. */
	aka: readonly MessageId[];
	/** As `passed` of the neutral event. */
	passed?: readonly string[];
	/** The stanza is dropped: no person wrote it, or its sender may not do this. */
	nothing?: true;
	/** The message is encrypted, so the bridge cannot read it. */
	unreadable?: true;
}>;

/** The events that become message stanzas; the others become presences. */
export type Sayable = Extract<BridgeEvent, { kind: "message" | "edit" | "redaction" | "reaction" }>;

/** The context in which one event is written. */
export type WriteContext = Participants &
	Readonly<{
		refs: Refs;
		/** The sender's earlier reactions to the same message. */
		shown: readonly Reaction[];
		/** How reactions are shown there: `mixed` adds a fallback body for clients without reactions. */
		reactions: Support;
		/** As `passed` of core's Outbound. Absent: the stanza goes to nobody else's room. */
		passed?: readonly string[];
		/** The component's domain. */
		component: string;
	}>;

/** The content of a stanza that is being written; each feature adds to it. */
export type Draft = Readonly<{
	body?: string;
	/** In code points of `body`. */
	mentions: readonly Mention[];
	parts: readonly Node[];
}>;

/** One message feature: its disco vars, its reader and its writer stand together, so that they cannot drift apart. */
export type MessageFeature = Readonly<{
	/** The features that disco#info lists for it. */
	vars: readonly string[];
	read?(stanza: Element, parsed: ParsedMessage, where: ReadContext): ParsedMessage;
	write?(event: Sayable, draft: Draft, where: WriteContext): Draft;
}>;

/** Returns how many code points the text has. */
export function length(text: string): number {
	spend(text.length);
	let count = 0;
	for (const _ of text) count++;
	return count;
}
/** Returns the draft with a prefix before its body, and its mentions moved along. */
export function prefixed(draft: Draft, prefix: string): Draft {
	const by = length(prefix);
	const mentions = draft.mentions.map((one) => ({ ...one, start: one.start + by, end: one.end + by }));
	return { ...draft, body: prefix + (draft.body ?? ""), mentions };
}
export const along = (draft: Draft, ...parts: readonly Node[]): Draft => ({
	...draft,
	parts: [...draft.parts, ...parts],
});
/** Caches the text of a body: most features ask for it, and few change the body. */
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
