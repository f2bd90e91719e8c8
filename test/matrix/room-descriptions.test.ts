import { beforeEach, describe, expect, test } from "vitest";
import { createGuard } from "../../src/core/guard.ts";
import type { LinkId, NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Link } from "../../src/core/mapping.ts";
import type { Description } from "../../src/core/room-info.ts";
import { MatrixError } from "../../src/matrix/client.ts";
import { createRoomDescriptions, createTopicSender } from "../../src/matrix/room-descriptions.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { quiet } from "../fakes.ts";

const link = (more: Partial<Link> = {}): Link => ({
	...{ id: "l" as LinkId, network: "matrix" as NetworkName, room: "!r" as RoomId, role: "joined" },
	...{ in: true, out: true },
	...more,
});
const bot = "@bot:hs.test";
const romeo = "@_xmpp_romeo:hs.test";

let state: Map<string, object>;
let mapping: ReturnType<typeof createMemoryMapping>;
/** The accounts that may set state. */
let mighty: readonly string[];
/** Each state that was set, and by whom. */
let set: string[];
beforeEach(() => {
	state = new Map();
	mapping = createMemoryMapping();
	mighty = [bot, romeo];
	set = [];
});
const client = {
	async state<T>(_room: string, type: string) {
		const found = state.get(type);
		if (!found) throw new MatrixError(404, "M_NOT_FOUND", "none");
		return found as T;
	},
	async setState(_room: string, type: string, _key: string, body: object, as = bot) {
		if (!mighty.includes(as)) throw new MatrixError(403, "M_FORBIDDEN", "no");
		state.set(type, body);
		set.push(`${as} ${type} ${JSON.stringify(body)}`);
		return { event_id: "$set" };
	},
};
async function shows(to: Link, ...all: readonly Description[]): Promise<void> {
	const show = createRoomDescriptions({ client, mapping, guard: createGuard(quiet), log: quiet });
	for (const one of all) show(to, one);
	for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
}
const topic = () => (state.get("m.room.topic") as { topic?: string } | undefined)?.topic;

describe("the name and topic of another network's room", () => {
	test("are those of a room that the bridge made, and follow it", async () => {
		await shows(
			link({ ours: true }),
			{ name: "Verona", topic: "Love" },
			{ topic: "War" },
			{ name: "Mantua" },
		);
		expect([state.get("m.room.name"), topic()]).toEqual([{ name: "Mantua" }, "War"]);
	});

	test("change nothing that people of the room changed since", async () => {
		await shows(link({ ours: true }), { topic: "Love" });
		state.set("m.room.topic", { topic: "ours" });
		await shows(link({ ours: true }), { topic: "Love" });
		expect(topic()).toBe("ours");
		await shows(link({ ours: true }), { topic: "War" });
		expect(topic()).toBe("War");
	});

	test("give a room of people a topic if it has none, and never a name", async () => {
		await shows(link(), { name: "Verona", topic: "Love" });
		expect([state.get("m.room.name"), topic()]).toEqual([undefined, "Love"]);
		state.set("m.room.topic", { topic: "ours" });
		await shows(link(), { topic: "War" });
		expect(topic()).toBe("ours");
	});

	test("are nothing to a hosted room and a chat, nor where the bot lacks the power", async () => {
		for (const role of ["hosted", "direct"] as const)
			await shows(link({ ours: true, role }), { topic: "Love" });
		mighty = [];
		await shows(link({ ours: true }), { topic: "Love" });
		expect(set).toEqual([]);
	});
});

describe("a topic that a person of another network has set", () => {
	const send = (to = "Love", ghost = romeo) => createTopicSender(client, mapping)("!r", to, ghost, bot);

	test("is set by their ghost, which tells by itself who did it", async () => {
		expect(await send()).toBe("$set");
		expect(set).toEqual([`${romeo} m.room.topic {"topic":"Love"}`]);
		// A retry sets nothing twice.
		expect(await send()).toBeUndefined();
		expect(set).toHaveLength(1);
	});

	test("is set by the bot where the ghost may not, and told in words besides", async () => {
		mighty = [bot];
		expect(await send()).toBeUndefined();
		expect(set).toEqual([`${bot} m.room.topic {"topic":"Love"}`]);
	});

	test("does not come back in place of a later topic of this room that the other room refuses", async () => {
		await shows(link({ ours: true }), { topic: "Peace" });
		await send();
		state.set("m.room.topic", { topic: "ours" });
		await shows(link({ ours: true }), { topic: "Love" });
		expect(topic()).toBe("ours");
	});

	test("is told in words alone where nobody may", async () => {
		mighty = [];
		expect(await send()).toBeUndefined();
		expect(set).toEqual([]);
	});
});
