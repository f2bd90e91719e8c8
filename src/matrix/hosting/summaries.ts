import type { RoomId } from "../../core/ids.ts";
import { type Client, MatrixError } from "../client.ts";
import { type Content, isId, text } from "../event.ts";
import { isListed } from "./directory.ts";
import { factsOfSummary } from "./facts.ts";

const paths = [
	"/_matrix/client/v1/room_summary/",
	// COMPAT MSC3266, before Matrix v1.15.
	"/_matrix/client/unstable/im.nheko.summary/summary/",
];

/** Asks the homeserver what rooms tell of themselves to people who are not in them. `as`: the ghost that asks, else the bot. */
export function createSummaries(
	client: Pick<Client, "alias" | "summary" | "visibility" | "state">,
	domain: string,
) {
	/** Resolves with the summary; "hidden" if the room shows none to `as`, "unsupported" if the homeserver has none at all. */
	async function summaryOf(room: string, via: readonly string[], as: string | undefined) {
		for (const path of paths) {
			try {
				return await client.summary(room, path, { as, via });
			} catch (error) {
				if (!(error instanceof MatrixError)) throw error;
				if (error.errcode !== "M_UNRECOGNIZED") return "hidden" as const;
			}
		}
		return "unsupported" as const;
	}

	/** Resolves with the room that has taken the place of this one, as far as people outside can read it. */
	async function successorOf(
		room: string,
		summary: Content,
		as: string | undefined,
	): Promise<RoomId | undefined> {
		if (summary.world_readable !== true) return undefined;
		try {
			const { replacement_room: next } = await client.state<Content>(room, "m.room.tombstone", "", as);
			return text(next).startsWith("!") && isId(text(next)) ? (next as RoomId) : undefined;
		} catch (error) {
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	/** Resolves with the room of an alias and the servers that know it; undefined if there is none. */
	async function resolve(alias: string): Promise<{ room: string; via: readonly string[] } | undefined> {
		try {
			const { room_id: room, servers: given } = await client.alias(alias);
			const via = Array.isArray(given) ? given.filter((one): one is string => typeof one === "string") : [];
			return { room, via };
		} catch (error) {
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	/** Resolves with a room by its id; undefined if `as` may not see it. `local`: whether our server is in it, if known. */
	async function look(
		room: string,
		via: readonly string[],
		local: boolean | undefined,
		as: string | undefined,
	) {
		// Without a server to ask, our homeserver answers only about the rooms that it is in.
		const here = local === false ? ("hidden" as const) : await summaryOf(room, [], as);
		if (here === "unsupported") return here;
		const summary = here === "hidden" && via.length > 0 && !local ? await summaryOf(room, via, as) : here;
		if (typeof summary !== "object") return summary;
		const [listed, successor] = await Promise.all([isListed(client, room), successorOf(room, summary, as)]);
		return factsOfSummary(room, summary, { listed, local: here !== "hidden", successor }, domain);
	}

	return { resolve, look };
}
