import { hash } from "node:crypto";
import { boundedId, type MessageId } from "../core/ids.ts";
import type { Unnamed } from "../core/network.ts";

/** Ids of messages that have no stanza-id (XEP-0359), and the repeats of such a message. Pure. */

/** How long a repeat of such a message can come, in ms, and its message not yet be another one. */
export const repeatedWithin = {
	/**
	 * A client whose connection broke sends again what its server had not confirmed (XEP-0198), as soon as it is back. Most
	 * such clients use random ids; one that counts its ids soon uses one again, and "ok" is a common text.
	 */
	chat: 2 * 60_000,
	/** A MUC sends each of our occupants a copy, and another occupant may become the active listener in between. */
	live: 60_000,
	/** A MUC sends its history to newcomers: its time of a message and ours of the same one differ by the two clocks. */
	history: 5 * 60_000,
} as const;

/** Characters of a made-up id before its time or its colon. */
const digestLength = 22;

/**
 * Returns an id for a message without a stanza-id. The stanza's own id is not unique: clients restart their counters, and
 * many people use the same ids. It stays readable after the colon, so that an error can be matched to it.
 */
export function madeUpId(sender: string, stanza: string | undefined, words: string): MessageId {
	const digest = hash("sha256", [sender, stanza ?? "", words].join("\0"), "base64url");
	return `${digest.slice(0, digestLength)}:${boundedId(stanza ?? "")}` as MessageId;
}

/** Returns the stanza's own id of a message with a made-up id. */
export const stanzaOf = (id: MessageId): string => id.slice(id.indexOf(":") + 1);

/** Returns the identity of a message whose stanza id may come again: its made-up id with its time, in ms since 1970. */
export function unnamedAt(
	as: MessageId,
	at: number,
	within: number,
): Readonly<{ id: MessageId; unnamed: Unnamed }> {
	const time = Math.trunc(at).toString(36);
	return { id: as.replace(":", `.${time}:`) as MessageId, unnamed: { as, within } };
}

/** Splits a made-up id into the one without a time, and its time. */
function split(id: MessageId): Readonly<{ as: string; at: number | undefined }> {
	const [head = "", time] = id.slice(0, id.indexOf(":")).split(".");
	if (head.length !== digestLength) return { as: id, at: undefined };
	return { as: `${head}:${stanzaOf(id)}`, at: time === undefined ? undefined : Number.parseInt(time, 36) };
}

/** Returns true if two ids of a MUC's messages may be of one message, which came live and in the history. */
export function isSameLine(id: MessageId, other: MessageId): boolean {
	if (id === other) return true;
	const [one, two] = [split(id), split(other)];
	// COMPAT Releases up to 0.1.0 stored no time.
	const near =
		one.at === undefined || two.at === undefined || Math.abs(one.at - two.at) <= repeatedWithin.history;
	return one.as === two.as && near;
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/i;
const hexadecimal = /[0-9a-f]{16,}/i;
/** Different digits that 16 random ones have at the least, but for one in ten thousand. */
const digits = 6;

/** Returns true for a stanza id that its client drew at random, so that no other message has it. */
export function isRandom(stanza: string): boolean {
	const [found] = uuid.exec(stanza) ?? hexadecimal.exec(stanza) ?? [];
	return found !== undefined && new Set(found.toLowerCase()).size > digits;
}
