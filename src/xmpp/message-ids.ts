import type { Reference } from "../core/event.ts";
import { boundedId, isHashedId, type MessageId } from "../core/ids.ts";

/**
 * The kinds of ids that refer to an XMPP message; the kind is the prefix of the stored id. `sid`: the MUC's stanza-id
 * (XEP-0359); `msg`: the sender's id (stanza id or origin-id); `thread`: the thread that the message began. Core and the
 * other networks only compare ids.
 */
export type IdKind = "sid" | "msg" | "thread";

export const messageId = (kind: IdKind, id: string) => `${kind} ${boundedId(id)}` as MessageId;

/**
 * Returns an id that is found only if `author` wrote the message. A sender chooses `id`, but cannot forge another
 * author's key: it stands at the end, and its last word (a bare JID, an occupant-id, a session) is unique.
 */
export const ownId = (kind: IdKind, id: string, author: string) =>
	`own ${kind} ${boundedId(id)} ${author}` as MessageId;

/**
 * Returns the reference of a stanza in a MUC with stanza-ids. Those name its messages, and senders' ids name what is
 * corrected; but Converse and others name a message by the other kind of id, so that counts where the right one is unknown.
 */
export function eitherKind(target: Reference): Reference {
	const other = target.id.replace(/^(own )?(sid|msg) /, (_, own = "", kind) =>
		kind === "sid" ? `${own}msg ` : `${own}sid `,
	) as MessageId;
	return other === target.id ? target : { ...target, or: [other] };
}

/** Returns the first id of this kind as it is sent. A hashed id is skipped, because nobody else knows it. */
export const pick = (ids: readonly MessageId[] | undefined, kind: IdKind): string | undefined =>
	ids?.find((id) => id.startsWith(`${kind} `) && !isHashedId(id))?.slice(kind.length + 1);

/** Returns an id that records which ghost sent a message, since only that ghost may change it. */
export const spokenBy = (operation: string, jid: string) => `from ${operation} ${jid}` as MessageId;
/** Returns the JID of that ghost; undefined for a message that no ghost sent. */
export const speakerIn = (ids: readonly MessageId[] | undefined): string | undefined => {
	const id = ids?.find((one) => one.startsWith("from "));
	return id?.slice(id.indexOf(" ", "from ".length) + 1);
};

/** Returns the ids of an edit that also become ids of the message it edits: all but the one that names the ghost. */
export const changing = (ids: readonly MessageId[]): readonly MessageId[] =>
	ids.filter((id) => speakerIn([id]) === undefined);

/**
 * Splits the ids of an event by the stanzas it was sent as; the last id of each names its ghost. Edits are left out.
 */
export function partsIn(ids: readonly MessageId[] = []): readonly (readonly MessageId[])[] {
	const parts: (readonly MessageId[])[] = [];
	let part: MessageId[] = [];
	const kind = (id: MessageId) => id.slice(0, id.indexOf(" "));
	for (const id of ids) {
		// A stanza has one id of each kind, so a repeated kind shows that the ids so far are those of an edit.
		if (part.some((one) => kind(one) === kind(id))) part = [];
		part.push(id);
		if (speakerIn([id]) === undefined) continue;
		parts.push(part);
		part = [];
	}
	return parts;
}

/**
 * Returns the further ids of a received message. `author` is absent if the sender cannot be recognised later. `shared`:
 * those that its sender chose, so that they may name messages of other people as well.
 */
export function idsOf(of: {
	stanzaId: string | undefined;
	/** The stanza's id and its origin-id; usually they are equal. */
	sent: readonly (string | undefined)[];
	author: string | undefined;
}): Readonly<{ aka: readonly MessageId[]; shared: readonly MessageId[] }> {
	const sent = [...new Set(of.sent.filter((id) => id !== undefined && id !== ""))] as readonly string[];
	const named =
		of.stanzaId === undefined ? sent.map((id) => ["msg", id] as const) : [["sid", of.stanzaId] as const];
	const own = [...(of.stanzaId === undefined ? [] : named), ...sent.map((id) => ["msg", id] as const)];
	return {
		aka: [
			...named.map(([kind, id]) => messageId(kind, id)),
			...(of.author === undefined ? [] : own.map(([kind, id]) => ownId(kind, id, of.author as string))),
		],
		shared: sent.map((id) => messageId("msg", id)),
	};
}
