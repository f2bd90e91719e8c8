import type { Redaction } from "../core/event.ts";
import type { MessageId } from "../core/ids.ts";
import type { Outbound } from "../core/network.ts";
import { type Client, MatrixError } from "./client.ts";
import { isEvent } from "./event.ts";
import type { EventCache } from "./event-cache.ts";
import { origin } from "./message/origin.ts";
import { isOfView, type Rooms } from "./rooms.ts";

/** Whether an id of a message is that of a Matrix event; a message has further ids. */
const isEventId = (id: MessageId) => id.startsWith("$");

/** The most versions of a message that are redacted with it. */
const versions = 100;

/** Redacts a message in all its versions: as its author, else as a moderator. */
export function createRedactionSender(deps: {
	client: Client;
	rooms: Rooms;
	eventCache: EventCache;
	isOurs(mxid: string): boolean;
}) {
	const { client, rooms, eventCache, isOurs } = deps;

	/** The event and its edits, whose words would stay in the room's history. */
	async function allOf(room: string, id: string, as: string | undefined): Promise<readonly string[]> {
		try {
			const { chunk } = await client.relations(room, id, "m.replace", { as, limit: versions });
			return [id, ...chunk.filter(isEvent).map((event) => event.event_id)];
		} catch (error) {
			// COMPAT homeservers from before Matrix v1.3.
			if (error instanceof MatrixError) return [id];
			throw error;
		}
	}

	return async function redact(
		out: Outbound,
		event: Redaction,
		ghost: string,
	): Promise<readonly MessageId[]> {
		const { refs, room, operation, passed } = out;
		const { target, reason } = event;
		const taken = (id: string, as: string | undefined) =>
			client.redact(room, id, `${operation}.${id}`, {
				...(as && { as }),
				body: { ...(reason && { reason }), ...origin({ operation, event, passed }, `.${id}`) },
			});
		const events = (id: MessageId | undefined) =>
			id === undefined ? [] : (refs[id] ?? []).filter(isEventId);
		const mine = events(target.own);
		const gone = new Set<string>();
		for (const id of mine) {
			// An edit, which was redacted with its original.
			if (gone.has(id)) continue;
			for (const one of await rooms.inside(out, ghost, () => allOf(room, id, ghost))) {
				await rooms.inside(out, ghost, () => taken(one, ghost));
				gone.add(one);
			}
		}
		if (mine.length > 0) return [];

		// In a view a person has the powers of their own ghost, and no other ones.
		const own = isOfView(out);
		const bot = rooms.withBot.has(room) && !own;
		for (const id of events(target.id)) {
			if (gone.has(id)) continue;
			const author = (await eventCache.find(room, id, bot ? undefined : ghost))?.sender;
			const ours = author !== undefined && isOurs(author) && !own ? author : undefined;
			for (const one of await allOf(room, id, bot ? undefined : (ours ?? ghost))) {
				gone.add(one);
				await taken(one, bot ? undefined : (ours ?? ghost)).catch((error: unknown) => {
					// Without a moderator's power the bot leaves it to the ghost that wrote the event.
					if (!(bot && ours && error instanceof MatrixError && error.status === 403)) throw error;
					return taken(one, ours);
				});
			}
		}
		return [];
	};
}
