import { createHmac } from "node:crypto";
import { createBoundedMap } from "../../core/bounded-map.ts";
import type { OperationId } from "../../core/ids.ts";

/** Signs the stanza ids of our lines, and recognises them when the MUC or its archive shows them, also after a restart. */
export type SignedIds = Readonly<{
	/** Returns the stanza id of an operation's line under `nick`. */
	of(operation: OperationId, room: string, nick: string): string;
	/** Returns the operation of the line with this stanza id; undefined where the line is not ours. */
	operation(id: string, room: string, nick: string): OperationId | undefined;
}>;

/** Signed ids that are kept: the reflection of each comes a moment later, and is recognised without computing. */
const remembered = 1_000;

/**
 * Returns the signer for a secret. Each id ends in a signature over MUC, nick and operation: everybody in the MUC can
 * read our ids, and must not confirm a line of ours by repeating one.
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

/** Returns the operation in a stanza id of ours, without checking the signature. */
export const operationOf = (id: string): OperationId => id.replace(/\.[\w-]{11}$/, "") as OperationId;
