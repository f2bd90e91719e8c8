import { createHmac } from "node:crypto";
import type { OperationId } from "../../core/ids.ts";

/** Tells our own lines by their ids, also those of a run before this one, that come back from the room or its archive. */
export type Marks = Readonly<{
	/** The id of the line of `operation` on the wire, said under `nick`. */
	of(operation: OperationId, room: string, nick: string): string;
	/** Which operation the line with this id was; undefined where it is not ours. */
	operation(id: string, room: string, nick: string): OperationId | undefined;
}>;

/**
 * The seal behind the operation proves that we made the id, for this room and this nick: everybody in the room reads
 * our ids, and who repeats one must not pass for us.
 */
export function marks(secret: string): Marks {
	const seal = (operation: string, room: string, nick: string) =>
		createHmac("sha256", secret).update([room, nick, operation].join("\0")).digest("base64url").slice(0, 11);
	return {
		of: (operation, room, nick) => `${operation}.${seal(operation, room, nick)}`,
		operation(id, room, nick) {
			const bare = unsealed(id);
			return bare !== id && id.endsWith(seal(bare, room, nick)) ? bare : undefined;
		},
	};
}

/** The operation in an id of ours, its seal unread. */
export const unsealed = (id: string): OperationId => id.replace(/\.[\w-]{11}$/, "") as OperationId;
