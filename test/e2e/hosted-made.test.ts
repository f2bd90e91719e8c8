import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoomFacts } from "../../src/core/hosting.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { domain, type HostingWorld, hostingWorld } from "./hosting-world.ts";
import { png } from "./png.ts";

let world: HostingWorld;
let alice: MatrixClient;
const ghost = `@_xmpp_romeo:${domain}`;

beforeAll(async () => {
	world = await hostingWorld();
	alice = await MatrixClient.connect(world.bed.matrix.url, await world.bed.matrixUser("alice"));
});
afterAll(async () => {
	await alice?.close();
	await world?.stop();
});

const state = (room: string, type: string) =>
	alice.request("GET", `v3/rooms/${encodeURIComponent(room)}/state/${type}/`);
const list = (room: string) => alice.request("GET", `v3/directory/list/room/${encodeURIComponent(room)}`);
const make = (alias: string, settings: object = {}): Promise<RoomFacts> =>
	world.hosting().create(alias, world.romeo, settings, `seed of ${alias}`);
const look = (alias: string) => world.hosting().look({ kind: "alias", parts: [alias] }, world.romeo);

describe("a room that the bot makes for a person of another network", () => {
	test("has the settings that the person gave, the person as owner, and the bot above all", async () => {
		const facts = await make("orchard", { name: "Orchard", topic: "Under the balcony", listed: true });
		const { room } = facts;
		expect(facts).toMatchObject({ made: true, seed: "seed of orchard", name: "Orchard", entry: "everybody" });
		expect(await world.enter(room)).toEqual({ kind: "in" });
		await alice.join(`#orchard:${domain}`);
		expect(await state(room, "m.room.name")).toEqual({ name: "Orchard" });
		expect(await list(room)).toEqual({ visibility: "public" });
		const { users, kick, redact } = await state(room, "m.room.power_levels");
		expect([users, kick, redact]).toEqual([expect.objectContaining({ [ghost]: 100 }), 25, 25]);
		const { members, facts: shown } = await world.hosting().view(room);
		expect(members.map(({ name }) => name).sort()).toEqual(["Romeo", "alice"]);
		expect(shown.made).toBe(true);
	});

	test("is found again by its seed, and its alias is refused to another room", async () => {
		const first = await make("once");
		expect((await make("once")).room).toBe(first.room);
		await expect(world.hosting().create("once", world.juliet, {}, "another seed")).rejects.toMatchObject({
			reason: "failed",
		});
		await expect(make("_xmpp_verona")).rejects.toMatchObject({ reason: "invalid" });
	});

	test("is changed in the name of its owner", async () => {
		const { room } = await make("changing");
		await world.enter(room);
		await alice.join(`#changing:${domain}`);
		const picture = png(8, [120, 30, 200]);
		await world.hosting().configure(room, world.romeo, {
			...{ name: "Changed", topic: "New", entry: "invited", listed: true, pastPublic: true },
			needed: { speak: 10, topic: 10, invite: 50 },
			levels: [{ whom: world.juliet, level: 50 }],
		});
		await world.hosting().setPicture(room, world.romeo, { type: "image/png", bytes: picture });
		expect(await state(room, "m.room.name")).toEqual({ name: "Changed" });
		const { sender } = await alice.waitFor("the new name", (one) => one.content.name === "Changed");
		expect(sender).toBe(ghost);
		expect(await state(room, "m.room.topic")).toMatchObject({ topic: "New" });
		expect(await state(room, "m.room.join_rules")).toEqual({ join_rule: "invite" });
		expect(await state(room, "m.room.history_visibility")).toEqual({ history_visibility: "world_readable" });
		expect(await list(room)).toEqual({ visibility: "public" });
		expect(await state(room, "m.room.power_levels")).toMatchObject({
			...{ events_default: 10, invite: 50, users: { [ghost]: 100, [`@_xmpp_juliet:${domain}`]: 50 } },
			events: { "m.room.topic": 10 },
		});
		const bot = { whom: ["trivium"], level: 50 };
		await expect(world.hosting().configure(room, world.romeo, { levels: [bot] })).rejects.toMatchObject({
			reason: "forbidden",
		});
		const { url } = (await state(room, "m.room.avatar")) as { url: string };
		expect(await alice.download(url)).toEqual(picture);
	});

	test("ends with its address free at once, and its members out, also over a restart", async () => {
		const { room } = await make("ending", { listed: true });
		await world.enter(room);
		await alice.join(`#ending:${domain}`);
		await world.hosting().destroy(room, world.romeo, "Good night");
		expect(await look("ending")).toBeUndefined();
		await world.restart(async () => undefined);
		const again = await make("ending");
		expect(again.room).not.toBe(room);
		const out = await alice.waitFor(
			"the end of the room",
			(one) => one.room_id === room && one.state_key === alice.userId && one.content.membership === "leave",
			20_000,
		);
		expect(out.content.reason).toBe("Romeo has closed this room: Good night");
	});
});

describe("a room that people of Matrix have made", () => {
	test("is changed by the ghost of a person, as a whole or not at all", async () => {
		const room = (await alice.createRoom({ preset: "public_chat", name: "Ours" })) as RoomFacts["room"];
		await world.enter(room);
		const { configure, destroy } = world.hosting();
		await expect(configure(room, world.romeo, { name: "Mine" })).rejects.toMatchObject({
			reason: "forbidden",
		});
		const levels = await state(room, "m.room.power_levels");
		const users = { ...(levels.users as object), [ghost]: 50 };
		await alice.request("PUT", `v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels/`, {
			...levels,
			users,
		});
		await configure(room, world.romeo, { name: "Everybody's" });
		// A level of 50 does not suffice for power levels.
		await expect(
			configure(room, world.romeo, { name: "Mine", needed: { invite: 50 } }),
		).rejects.toMatchObject({ reason: "forbidden" });
		expect(await state(room, "m.room.name")).toEqual({ name: "Everybody's" });
		await expect(destroy(room, world.romeo)).rejects.toMatchObject({ reason: "forbidden" });
	});
});
