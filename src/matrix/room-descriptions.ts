import type { Guard } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import type { Link, Mapping } from "../core/mapping.ts";
import type { Description } from "../core/room-info.ts";
import { createTurns } from "../core/turns.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import { type Content, text } from "./event.ts";
import { topicOf } from "./message/happenings.ts";

/** The key of the setting that has the name or topic of the other network's room that the bridge has seen last. */
const keyOf = (what: "name" | "topic", room: string) => `${what} of ${room}`;

/** The state that a room has of this type now; empty where it has none. @throws MatrixError, TemporaryError */
async function stateOf(client: Pick<Client, "state">, room: string, type: string): Promise<Content> {
	try {
		return await client.state<Content>(room, type, "");
	} catch (error) {
		if (hasCode(error, "M_NOT_FOUND")) return {};
		throw error;
	}
}

/**
 * Returns the function that gives a Matrix room the name and topic that another network's room has: both in a
 * room that the bridge made, and a topic in any other room that has none. A change that people make on Matrix stays
 * until the other room changes, too. Returns at once.
 */
export function createRoomDescriptions(deps: {
	client: Pick<Client, "state" | "setState">;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	guard: Guard;
	log: Log;
}) {
	const { client, mapping, guard, log } = deps;
	const inTurn = createTurns();

	async function show(room: string, ours: boolean, what: "name" | "topic", value: string): Promise<void> {
		const key = keyOf(what, room);
		if ((await mapping.setting(key)) === value) return;
		const type = `m.room.${what}`;
		const now = await stateOf(client, room, type);
		const shown = what === "name" ? text(now.name) : topicOf(now);
		if (shown !== value && (ours || (what === "topic" && shown === "")))
			await client.setState(room, type, "", { [what]: value });
		await mapping.saveSetting(key, value);
	}

	return ({ room, role, ours }: Link, { name, topic }: Description): void => {
		if (room === undefined || role === "hosted" || role === "direct") return;
		void guard.run("name and topic of a room", () =>
			inTurn([room], async () => {
				try {
					if (name !== undefined) await show(room, ours === true, "name", name);
					if (topic !== undefined) await show(room, ours === true, "topic", topic);
				} catch (error) {
					if (!(error instanceof MatrixError)) throw error;
					log.debug({ err: error, room }, "the homeserver refused the name or topic of a room");
				}
			}),
		);
	};
}

/**
 * Returns the function that gives a room the topic that a person of another network has set in theirs, as their ghost, or as
 * the bot where only the bot has the power. Resolves with the id of the ghost's event: it tells by itself who did that.
 */
export const createTopicSender =
	(client: Pick<Client, "state" | "setState">, mapping: Pick<Mapping, "setting" | "saveSetting">) =>
	async (room: string, topic: string, ghost: string, bot: string): Promise<string | undefined> => {
		// The other room keeps this topic if it refuses a later one: then it is no news at the bridge's next join.
		const key = keyOf("topic", room);
		if ((await mapping.setting(key)) !== topic) await mapping.saveSetting(key, topic);
		if (topicOf(await stateOf(client, room, "m.room.topic")) === topic) return undefined;
		for (const as of ghost === bot ? [bot] : [ghost, bot])
			try {
				const { event_id: id } = await client.setState(
					room,
					"m.room.topic",
					"",
					{ topic },
					as === bot ? undefined : as,
				);
				return as === bot ? undefined : id;
			} catch (error) {
				// Words tell of the topic where nobody of ours may set it.
				if (!hasCode(error, "M_FORBIDDEN")) throw error;
			}
		return undefined;
	};
