import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createGuard } from "../../src/core/guard.ts";
import type { RoomId } from "../../src/core/ids.ts";
import type { Portal } from "../../src/core/mapping.ts";
import { MatrixError } from "../../src/matrix/client.ts";
import type { Rooms } from "../../src/matrix/rooms.ts";
import { createUpgrades } from "../../src/matrix/upgrades.ts";
import { quiet, until } from "../fakes.ts";
import { type MatrixWorld, matrixWorld } from "./world.ts";

let world: MatrixWorld;
let room: NonNullable<ReturnType<MatrixWorld["hs"]["find"]>>;

beforeEach(async () => {
	world = await matrixWorld({ permissions: { "*": "link" } });
	const { hs, alice } = world;
	await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent("#_xmpp_verona:hs.test")}`);
	room = hs.find("#_xmpp_verona:hs.test") as typeof room;
	await hs.push([hs.member(room, alice, "join")]);
});
afterEach(() => world.stop());

/** Has Alice replace the room by a new one, which names `predecessor`. */
async function replace(predecessor: string, joinable = true) {
	const { hs, alice } = world;
	const next = hs.room(alice, { preset: joinable ? "public_chat" : "private_chat" });
	next.state.set("m.room.create ", {
		...{ type: "m.room.create", key: "", sender: alice },
		content: { room_version: "11", predecessor: { room_id: predecessor, event_id: "$last" } },
	});
	const content = { body: "replaced", replacement_room: next.id };
	await hs.push([hs.emit(room, alice, "m.room.tombstone", content, { state_key: "" })]);
	return next;
}
/** Resolves when the MUC has read what Alice says in a room. */
async function crosses(where: typeof room, text: string): Promise<void> {
	const { hs, alice, xmpp } = world;
	await hs.push([hs.emit(where, alice, "m.room.message", { msgtype: "m.text", body: text })]);
	await until(
		() => xmpp.sent.some(({ event }) => "text" in event && event.text === text),
		() => `not said: ${text}`,
	);
}
const inside = (where: typeof room, mxid = "@trivium:hs.test") => where.members.get(mxid) === "join";

describe("a room that is replaced", () => {
	test("is followed by the bot and its portal", async () => {
		const next = await replace(room.id);
		await until(
			() => inside(next),
			() => "not there",
		);
		await crosses(next, "here");
	});

	test("is not followed to a room that does not name it", async () => {
		const next = await replace("!another:hs.test");
		await until(
			() => inside(next),
			() => "not there",
		);
		await crosses(room, "still here");
	});

	test("is followed once the bot is invited to a room that it may not enter by itself", async () => {
		const { hs, alice } = world;
		const next = await replace(room.id, false);
		await until(
			() =>
				room.timeline.some(({ content }) => String(content.body).includes("Invite @trivium:hs.test there")),
			() => "not told",
		);
		expect(inside(next)).toBe(false);
		await hs.push([hs.member(next, "@trivium:hs.test", "invite", alice)]);
		await until(
			() => inside(next),
			() => "not there",
		);
		await crosses(next, "here");
	});
});

describe("a replacement that an earlier run has read of", () => {
	/** The parts of a bridge that is killed and started again: what is on disk stays. */
	const stored = new Map<string, string>();
	const moved: string[] = [];
	const sent: string[] = [];
	const joins = async () => ({ room_id: "!new:hs.test" });
	let join: typeof joins;
	const old = "!old:hs.test" as RoomId;
	let linked: RoomId;

	const run = () =>
		createUpgrades({
			client: {
				join: () => join(),
				async send(room) {
					sent.push(room);
					return { event_id: "$notice" };
				},
				state: async <T>(room: string, type: string) => {
					if (type === "m.room.tombstone") return { replacement_room: "!new:hs.test" } as T;
					return { predecessor: { room_id: room === "!new:hs.test" ? old : "" } } as T;
				},
			},
			rooms: { withBot: new Map(), botCame: () => undefined } as unknown as Pick<
				Rooms,
				"withBot" | "botCame"
			>,
			bridge: {
				portal: async (_, room) => (room === linked ? ({ links: [] } as unknown as Portal) : undefined),
				async moved(_, from, to) {
					moved.push(`${from} to ${to}`);
					linked = to;
					return true;
				},
				cursors: async (prefix) =>
					[...stored].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value })),
				async saveCursor({ key, value }) {
					if (value === undefined) stored.delete(key);
					else stored.set(key, value);
				},
			},
			bot: "@trivium:hs.test",
			guard: createGuard(quiet),
			log: quiet,
		});
	const tombstone = {
		...{ type: "m.room.tombstone", event_id: "$1", room_id: old, sender: "@alice:hs.test", state_key: "" },
		...{ origin_server_ts: 1, content: { replacement_room: "!new:hs.test" } },
	};
	const refused = () => Promise.reject(new MatrixError(403, "M_FORBIDDEN", "no"));

	beforeEach(() => {
		stored.clear();
		moved.length = 0;
		sent.length = 0;
		linked = old;
	});

	/** Resolves when the portal has moved, and no mark of it is left. */
	const followed = () =>
		until(
			() => moved.length === 1 && stored.size === 0,
			() => `moved: ${moved}, stored: ${[...stored]}`,
		);

	test("is followed by the next one, if the homeserver did not answer before a kill", async () => {
		join = () => new Promise(() => undefined);
		await run().replaced(tombstone);
		expect(stored.size).toBe(1);
		join = joins;
		await run().start();
		await followed();
		expect(moved).toEqual(["!old:hs.test to !new:hs.test"]);
	});

	test("is followed by the next one, if the room lets the bot in by then, and asks for an invite once", async () => {
		join = refused;
		await run().replaced(tombstone);
		await until(
			() => sent.length === 1,
			() => "not asked",
		);
		await run().start();
		expect(stored.size).toBe(1);
		join = joins;
		await run().start();
		await followed();
		expect(sent).toEqual([old]);
	});

	test("is forgotten when the bot was invited to the new room, and when the old room is unlinked", async () => {
		join = refused;
		const first = run();
		await first.replaced(tombstone);
		await first.arrived("!new:hs.test" as RoomId);
		expect([moved.length, stored.size]).toEqual([1, 0]);
		linked = old;
		await first.replaced(tombstone);
		linked = "!other:hs.test" as RoomId;
		await run().start();
		expect([moved.length, stored.size]).toEqual([1, 0]);
	});
});
