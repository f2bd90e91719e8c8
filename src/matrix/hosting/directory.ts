import type { RoomFacts } from "../../core/hosting.ts";
import { type Client, MatrixError } from "../client.ts";
import { asObject, isId, text } from "../event.ts";
import { factsOfSummary } from "./facts.ts";

/** The most rooms of one page. */
const mostOfPage = 100;
/** Characters of the longest position that is taken: one that the homeserver gave is far shorter. */
const longestPosition = 1_000;

/** Resolves with true if the public directory of our homeserver lists a room. */
export async function isListed(client: Pick<Client, "visibility">, room: string): Promise<boolean> {
	try {
		return (await client.visibility(room)).visibility === "public";
	} catch (error) {
		// A room of which our homeserver knows nothing.
		if (error instanceof MatrixError) return false;
		throw error;
	}
}

/** Returns the function that reads the public rooms of our homeserver. // Matrix spec, "Published room directory" */
export function createDirectory(client: Pick<Client, "publicRooms">, domain: string) {
	return async function listed(
		limit: number,
		after?: string,
		words?: string,
	): Promise<Readonly<{ rooms: readonly RoomFacts[]; next?: string; count: number }>> {
		const since = after?.slice(0, longestPosition);
		const wanted = Math.min(Math.max(Math.trunc(limit), 1), mostOfPage);
		const {
			chunk,
			next_batch: next,
			total_room_count_estimate: total,
		} = await client.publicRooms(wanted, since, words);
		const entries = chunk
			.map(asObject)
			.filter(({ room_id: id }) => text(id).startsWith("!") && isId(text(id)));
		const more = { listed: true, local: true };
		const rooms = entries.map((entry) => factsOfSummary(text(entry.room_id), entry, more, domain));
		return { rooms, ...(text(next) && { next: text(next) }), count: total ?? rooms.length };
	};
}
