import { TemporaryError } from "../../../core/errors.ts";
import type { MessageId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import { within } from "../../deadline.ts";
import type { HostedContext } from "../context.ts";
import type { HostedRoom } from "../room.ts";

/** How long a lookup may take, in ms: until then the line, and those behind it, are not on disk, and a kill loses them. */
const lookedUpWithin = 1_000;

/**
 * Returns the lookup of the messages that a source has: a stanza can name any id, and a reference to no message would cross
 * as one to nothing. `shown`: true for a message that the room has shown, which saves the question.
 */
export function createKnownLines(
	context: HostedContext,
	shown: (room: HostedRoom, id: MessageId) => boolean,
) {
	/** Resolves with those of the ids that the source has. If it does not answer soon, it may have all of them. */
	return async (room: HostedRoom, ids: readonly MessageId[], reader: Person) => {
		const left = ids.filter((id) => !shown(room, id));
		if (left.length === 0) return new Set(ids);
		try {
			const looked = context.bridge().views.find(context.of, room.source, left, reader);
			const found = await within(lookedUpWithin, looked);
			return new Set([...ids.filter((id) => shown(room, id)), ...found.map(({ id }) => id)]);
		} catch (error) {
			if (!(error instanceof TemporaryError))
				context.log.warn({ err: error }, "the messages that a line refers to could not be looked up");
			return new Set(ids);
		}
	};
}
export type KnownLines = ReturnType<typeof createKnownLines>;
