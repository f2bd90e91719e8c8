import { beforeEach, describe, expect, test } from "vitest";
import { MatrixError } from "../../../src/matrix/client.ts";
import type { Content } from "../../../src/matrix/event.ts";
import { createRoomStates } from "../../../src/matrix/hosting/room-state.ts";
import { sampleEvent, samplePerson } from "../samples.ts";

const ann = "@ann:hs.test";
let state: Map<string, { content: Content; sender: string; origin_server_ts: number; unsigned?: Content }>;
let asked: number;
let states: ReturnType<typeof createRoomStates>;

const set = (type: string, content: Content, unsigned?: Content) =>
	void state.set(type, { content, sender: ann, origin_server_ts: 7, ...(unsigned && { unsigned }) });
beforeEach(() => {
	[state, asked] = [new Map(), 0];
	set("m.room.create", { room_version: "12" });
	set("m.room.name", { name: "Lobby" });
	const find = (type: string) => {
		asked++;
		const found = state.get(type);
		if (!found) throw new MatrixError(404, "M_NOT_FOUND", "no");
		return found;
	};
	states = createRoomStates({
		client: {
			state: (async (_room: string, type: string) => find(type).content) as never,
			call: (async (_method: string, path: string) => find(path.split("/").at(-2) ?? "")) as never,
			visibility: async () => ({ visibility: "public" }),
		},
		members: { of: () => new Map([[ann, "Ann"]]), known: () => true, read: async () => undefined },
		personOf: async (mxid) => samplePerson(mxid),
		bot: "@bot:hs.test",
		domain: "hs.test",
	});
});
const changes = (type: string, content: Content, state_key = "") =>
	states.after(sampleEvent({ type, content, state_key }), undefined);

describe("the state of a hosted room", () => {
	test("is read once, and then follows the timeline", async () => {
		const facts = await states.facts("!r", undefined);
		expect(facts).toMatchObject({ name: "Lobby", listed: true, local: true, count: 1, entry: "invited" });
		expect(facts.levels?.of.get(`matrix ${ann}`)).toBe(Number.MAX_SAFE_INTEGER);
		const before = asked;
		expect(await changes("m.room.name", { name: "Hall" })).toMatchObject({ name: "Hall" });
		expect(await changes("m.room.join_rules", { join_rule: "public" })).toMatchObject({
			...{ name: "Hall", entry: "everybody" },
		});
		expect(await states.facts("!r", undefined)).toMatchObject({ name: "Hall", entry: "everybody" });
		expect(asked).toBe(before);
		states.forget("!r");
		expect(await states.facts("!r", undefined)).toMatchObject({ name: "Lobby" });
	});

	test("names who set the topic, and when, also after a later change", async () => {
		set("m.room.topic", { topic: "Stars" });
		expect(await states.facts("!r", undefined)).toMatchObject({
			topic: "Stars",
			topicSet: { by: { id: ann }, at: 7 },
		});
		const { sender, origin_server_ts: at } = sampleEvent({ type: "m.room.topic" });
		expect(await changes("m.room.topic", { topic: "Moon" })).toMatchObject({
			topic: "Moon",
			topicSet: { by: { id: sender }, at },
		});
	});

	test("is read once for all who ask meanwhile, and an event that comes meanwhile counts", async () => {
		const [facts, after] = await Promise.all([
			states.facts("!r", undefined),
			changes("m.room.name", { name: "Hall" }),
		]);
		expect([facts.name, after?.name]).toEqual(["Lobby", "Hall"]);
		expect(await states.facts("!r", undefined)).toMatchObject({ name: "Hall" });
		expect(asked).toBe(12);
	});

	test("is changed by nothing but its own events", async () => {
		expect(await changes("m.room.member", { name: "x" })).toBeUndefined();
		expect(await changes("m.room.name", { name: "x" }, "a key")).toBeUndefined();
		expect(await states.facts("!r", undefined)).toMatchObject({ name: "Lobby" });
	});

	test("tells whether members may read what is said, and might ever since the room was made", async () => {
		const visibility = (history_visibility: string) => ({ history_visibility });
		expect(states.isOpenToMembers("!r")).toBe(false);
		// Without a setting the room is open. // Matrix spec, "Room History Visibility"
		expect(await states.wasAlwaysOpen("!r", undefined)).toBe(true);
		expect(states.isOpenToMembers("!r")).toBe(true);
		await changes("m.room.history_visibility", visibility("joined"));
		expect(states.isOpenToMembers("!r")).toBe(false);
		await changes("m.room.history_visibility", visibility("shared"));
		expect(states.isOpenToMembers("!r")).toBe(true);
		expect(await states.wasAlwaysOpen("!r", undefined)).toBe(false);
		states.forget("!r");
		set("m.room.history_visibility", visibility("shared"), { replaces_state: "$earlier" });
		expect(await states.wasAlwaysOpen("!r", undefined)).toBe(false);
		states.forget("!r");
		set("m.room.history_visibility", visibility("world_readable"));
		expect(await states.wasAlwaysOpen("!r", undefined)).toBe(true);
	});
});
