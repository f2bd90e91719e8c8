import { boundedId, isHashedId, type MessageId } from "../core/ids.ts";

/**
 * The ids by which others point at a message, each with its kind in front: `sid` the room's own (XEP-0359 stanza-id),
 * `msg` its sender's (the stanza's id, or its origin-id), `thread` what it began. Others than ours compare them only.
 */
export type IdKind = "sid" | "msg" | "thread";

export const messageId = (kind: IdKind, id: string) => `${kind} ${boundedId(id)}` as MessageId;

/**
 * An id that is known only if `author` wrote the message. Nobody can spell another's: senders choose `id`, but not
 * their author's name, which is at the end and whose last word no two have in common (a bare JID, an occupant-id, a
 * session).
 */
export const ownId = (kind: IdKind, id: string, author: string) =>
	`own ${kind} ${boundedId(id)} ${author}` as MessageId;

/** Returns the first id of this kind as it goes over the wire; a hashed one cannot, as nobody there knows it. */
export const pick = (ids: readonly MessageId[] | undefined, kind: IdKind): string | undefined =>
	ids?.find((id) => id.startsWith(`${kind} `) && !isHashedId(id))?.slice(kind.length + 1);

/** Tells which of our own spoke: nobody else may change the message. */
export const spokenBy = (operation: string, jid: string) => `from ${operation} ${jid}` as MessageId;
/** Who that was; undefined for what others wrote. */
export const speakerIn = (ids: readonly MessageId[] | undefined): string | undefined => {
	const id = ids?.find((one) => one.startsWith("from "));
	return id?.slice(id.indexOf(" ", "from ".length) + 1);
};

/** The ids of a line that changes another: they are further ones of that, and say nothing of who spoke. */
export const changing = (ids: readonly MessageId[]): readonly MessageId[] =>
	ids.filter((id) => speakerIn([id]) === undefined);

/** The ids of each message that one of ours was sent as: the last of each tells who spoke. What changed it is no part. */
export function partsIn(ids: readonly MessageId[] = []): readonly (readonly MessageId[])[] {
	const parts: (readonly MessageId[])[] = [];
	let part: MessageId[] = [];
	const kind = (id: MessageId) => id.slice(0, id.indexOf(" "));
	for (const id of ids) {
		// Each has one of a kind: what stood there is of something that changed the part before.
		if (part.some((one) => kind(one) === kind(id))) part = [];
		part.push(id);
		if (speakerIn([id]) === undefined) continue;
		parts.push(part);
		part = [];
	}
	return parts;
}

/** All further ids of a message that came in. `author` is absent where nobody can be held to be the same one later. */
export function idsOf(of: {
	stanzaId: string | undefined;
	/** The stanza's own, and its origin-id; the same one most times. */
	sent: readonly (string | undefined)[];
	author: string | undefined;
}): readonly MessageId[] {
	const sent = [...new Set(of.sent.filter((id) => id !== undefined && id !== ""))] as readonly string[];
	const named =
		of.stanzaId === undefined ? sent.map((id) => ["msg", id] as const) : [["sid", of.stanzaId] as const];
	const own = [...(of.stanzaId === undefined ? [] : named), ...sent.map((id) => ["msg", id] as const)];
	return [
		...named.map(([kind, id]) => messageId(kind, id)),
		...(of.author === undefined ? [] : own.map(([kind, id]) => ownId(kind, id, of.author as string))),
	];
}
