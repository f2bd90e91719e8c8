import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RoomId } from "../../src/core/ids.ts";
import { until } from "../fakes.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { byId, domain, type HostingWorld, hostingWorld, viewOf } from "./hosting-world.ts";

// hs.test has the bridge; carol is at hs2.test, whose rooms hs.test is not in.
let world: HostingWorld;
let carol: MatrixClient;

beforeAll(async () => {
	world = await hostingWorld(["synapse", "synapse2"]);
	const account = await world.bed.matrixUser("carol", { server: "synapse2" });
	carol = await MatrixClient.connect(world.bed.homeserver("synapse2").url, account);
});
afterAll(async () => {
	await carol?.close();
	await world?.stop();
});

const remote = (name: string) => ({ kind: "alias", parts: [name, "hs2.test"] }) as const;
const makeRoom = (name: string, more: object = {}) =>
	carol.createRoom({ preset: "public_chat", name: `The ${name}`, room_alias_name: name, ...more });

describe("a room of another homeserver", () => {
	test("is looked at without being joined, and comes with its past when somebody joins it", async () => {
		const { hosting, romeo, enter, xmpp, said } = world;
		const room = await makeRoom("far", { room_version: "12" });
		await carol.send(room, "long ago");
		expect(await hosting().look(remote("far"), romeo)).toMatchObject({
			...{ room, name: "The far", alias: ["far", "hs2.test"], entry: "everybody", local: false, count: 1 },
		});
		expect(await hosting().look(remote("nowhere"), romeo)).toBeUndefined();
		expect((await carol.members(room)).size).toBe(1);
		expect(await enter(room)).toEqual({ kind: "in" });
		expect((await carol.members(room)).get(`@_xmpp_romeo:${domain}`)).toBe("Romeo");
		await carol.send(room, "hello from hs2.test");
		await said(room, "hello from hs2.test");
		await xmpp.say(viewOf(room), "romeo", "hello from here");
		await carol.waitForMessage("hello from here", room);
		await said(room, "hello from here");
		const { facts, members } = await hosting().view(room as RoomId);
		expect(facts).toMatchObject({ local: true, count: 2 });
		expect(members.map(({ domain: of }) => of).sort()).toEqual(["hs2.test", "xmpp"]);
		const { places } = await hosting().earlier(room as RoomId, undefined, 10, romeo);
		const events = await hosting().events(
			room as RoomId,
			places.map(({ id }) => id),
			romeo,
		);
		const texts = places
			.map(({ id }) => events.get(id)?.what)
			.map((what) => what?.kind === "said" && what.event);
		expect(texts.map((event) => event && "text" in event && event.text)).toEqual([
			"long ago",
			"hello from hs2.test",
			"hello from here",
		]);
		expect(await hosting().look(byId(room), world.juliet)).toMatchObject({ local: true, count: 2 });
	});

	test("lets a person in by the join that is under way, as soon as its server answers", async () => {
		const { bed, hosting, romeo, enter } = world;
		const room = await makeRoom("slow");
		await hosting().look(remote("slow"), romeo);
		bed.pause("synapse2");
		const first = enter(room);
		const patience = new Promise((resolve) => setTimeout(() => resolve("no answer yet"), 1_000));
		expect(await Promise.race([first, patience])).toBe("no answer yet");
		const second = enter(room);
		bed.resume("synapse2");
		expect(await Promise.all([first, second])).toEqual([{ kind: "in" }, { kind: "in" }]);
		expect(await enter(room)).toEqual({ kind: "in" });
	});

	test("lets in a person who was invited from there, though nothing else tells of the room", async () => {
		const { hosting, romeo, enter, invitations } = world;
		const room = await carol.createRoom({ name: "Secret", room_version: "12" });
		expect(await hosting().look(byId(room), romeo)).toBeUndefined();
		await carol.invite(room, `@_xmpp_romeo:${domain}`);
		await until(
			() => invitations.length > 0,
			() => "no invitation came",
			20_000,
		);
		expect(invitations).toEqual(["carol invites Romeo to Secret: undefined"]);
		expect(await enter(room)).toEqual({ kind: "in" });
	});

	test("is told apart from one that is closed", async () => {
		const { hosting, romeo, enter } = world;
		const room = await makeRoom("closed", { preset: "private_chat" });
		expect(await hosting().look(remote("closed"), romeo)).toMatchObject({ entry: "invited", local: false });
		expect(await enter(room)).toMatchObject({ kind: "refused", why: "invited-only" });
	});
});
