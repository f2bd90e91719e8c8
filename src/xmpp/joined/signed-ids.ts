import { createHmac } from "node:crypto";
import { createBoundedMap } from "../../core/bounded-map.ts";
import type { OperationId } from "../../core/ids.ts";

/** Tells our own lines by their ids, also those of a run before this one, that come back from the room or its archive. */
export type SignedIds = Readonly<{
	/** The id of the line of `operation` on the wire, said under `nick`. */
	of(operation: OperationId, room: string, nick: string): string;
	/** Which operation the line with this id was; undefined where it is not ours. */
	operation(id: string, room: string, nick: string): OperationId | undefined;
}>;

/** Ids we made that are kept in mind: each comes back a moment later. */
const remembered = 1_000;

/**
 * The seal behind the operation proves that we made the id, for this room and this nick: everybody in the room reads
 * our ids, and who repeats one must not pass for us.
 */
export function createSignedIds(secret: string): SignedIds {
	const said = (id: string, room: string, nick: string) => [room, nick, id].join("\0");
	const made = createBoundedMap<string, OperationId>(remembered);
	const seal = (operation: string, room: string, nick: string) =>
		createHmac("sha256", secret)
			.update(said(operation, room, nick))
			.digest("base64url")
			.slice(0, 11);
	return {
		of(operation, room, nick) {
			const id = `${operation}.${seal(operation, room, nick)}`;
			made.set(said(id, room, nick), operation);
			return id;
		},
		operation(id, room, nick) {
			const bare = operationOf(id);
			if (bare === id) return undefined;
			return made.get(said(id, room, nick)) ?? (id.endsWith(seal(bare, room, nick)) ? bare : undefined);
		},
	};
}

/** The operation in an id of ours, its seal unread. */
export const operationOf = (id: string): OperationId => id.replace(/\.[\w-]{11}$/, "") as OperationId;
