import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Seen } from "../../src/core/hosting.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Content } from "../../src/matrix/event.ts";
import { matrixNetwork } from "../../src/matrix/mxid.ts";
import { until } from "../fakes.ts";
import { lineOf } from "../matrix/hosting/world.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { byId, domain, type HostingWorld, hostingWorld, viewOf } from "./hosting-world.ts";

let world: HostingWorld;
let { xmpp, reflected, invitations, romeo, juliet, hosting, enter, linesIn, shows, said } =
	{} as HostingWorld;
let alice: MatrixClient;
let bob: MatrixClient;

beforeAll(async () => {
	world = await hostingWorld();
	({ xmpp, reflected, invitations, romeo, juliet, hosting, enter, linesIn, shows, said } = world);
	[alice, bob] = (await Promise.all(
		["alice", "bob"].map(async (name) =>
			MatrixClient.connect(world.bed.matrix.url, await world.bed.matrixUser(name)),
		),
	)) as [MatrixClient, MatrixClient];
	await alice.displayName("Alice");
});
afterAll(async () => {
	await Promise.all([alice?.close(), bob?.close()]);
	await world?.stop();
});
beforeEach(() => {
	reflected.length = 0;
	invitations.length = 0;
});

let count = 0;
const openToAll = (more: object = {}) => ({
	preset: "public_chat",
	name: `Room ${++count}`,
	topic: "Stars",
	...more,
});

describe("a look at a room from outside", () => {
	test("tells its names, its entry and whether it is in the directory", async () => {
		const room = await alice.createRoom(openToAll({ room_alias_name: "lobby", visibility: "public" }));
		const facts = await hosting().look({ kind: "alias", parts: ["lobby"] }, romeo);
		expect(facts).toMatchObject({
			...{ room, id: room.slice(1), alias: ["lobby"], name: `Room ${count}`, topic: "Stars" },
			...{ entry: "everybody", listed: true, local: true, count: 1 },
		});
		expect(await hosting().look(byId(room), juliet)).toEqual(facts);
		expect(await hosting().look({ kind: "alias", parts: ["nowhere"] }, romeo)).toBeUndefined();
		expect((await hosting().listed(10)).rooms).toContainEqual(
			expect.objectContaining({ room, name: `Room ${count}` }),
		);
	});

	test("tells of a private room that it needs an invitation, and names it to those who are invited", async () => {
		const room = await alice.createRoom({ name: "Secret", room_alias_name: "secret" });
		const secret = { kind: "alias", parts: ["secret"] } as const;
		expect(await hosting().look(secret, romeo)).toEqual({
			...{ room, id: room.slice(1), entry: "invited", listed: false, local: true, count: 0 },
		});
		expect(await hosting().look(byId(room), romeo)).toBeUndefined();
		await alice.invite(room, `@_xmpp_romeo:${domain}`);
		await until(
			() => invitations.length > 0,
			() => "no invitation came",
			10_000,
		);
		expect(invitations).toEqual(["Alice invites romeo to Secret: undefined"]);
		expect(await hosting().look(secret, romeo)).toMatchObject({ name: "Secret", entry: "invited" });
	});

	test("tells of encrypted rooms and spaces that no other network can show them", async () => {
		const encrypted = await alice.createRoom(
			openToAll({
				initial_state: [
					{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
				],
			}),
		);
		const space = await alice.createRoom(openToAll({ creation_content: { type: "m.space" } }));
		expect(await hosting().look(byId(encrypted), romeo)).toMatchObject({ unfit: "encrypted" });
		expect(await hosting().look(byId(space), romeo)).toMatchObject({ unfit: "space" });
	});
});

describe("a person of another network", () => {
	test("comes in under a name of this room alone, and goes", async () => {
		const [one, two] = [await alice.createRoom(openToAll()), await alice.createRoom(openToAll())];
		expect(await enter(one)).toEqual({ kind: "in" });
		expect(await enter(two, { ...romeo, name: "Montague" })).toEqual({ kind: "in" });
		const ghost = `@_xmpp_romeo:${domain}`;
		expect((await alice.members(one)).get(ghost)).toBe("Romeo");
		expect((await alice.members(two)).get(ghost)).toBe("Montague");
		await hosting().rename(one as RoomId, { ...romeo, name: "Roméo" });
		expect((await alice.members(one)).get(ghost)).toBe("Roméo");
		expect((await alice.members(two)).get(ghost)).toBe("Montague");
		await shows(one, "Romeo (xmpp) is in", "Roméo (xmpp) is profile");
		await shows(two, "Montague (xmpp) is in");
		await hosting().leave(one as RoomId, romeo, "Good night");
		await hosting().leave(one as RoomId, romeo);
		expect((await alice.members(one)).has(ghost)).toBe(false);
		await shows(one, "Romeo (xmpp) is in", "Roméo (xmpp) is profile", "Roméo (xmpp) is out: Good night");
	});

	test("never bears a name that looks like a member's, not even until it is known who is there", async () => {
		const room = await alice.createRoom(openToAll());
		const name = "alіce";
		expect(await enter(room, { ...romeo, name }, false)).toEqual({ kind: "in", name: "alіce (romeo)" });
		expect(await enter(room, { ...juliet, name }, false)).toEqual({ kind: "in", name: "alіce (juliet)" });
		await hosting().leave(room as RoomId, juliet);
		await hosting().leave(room as RoomId, romeo);
		expect(await enter(room, romeo, false)).toEqual({ kind: "in" });
		const { chunk } = await alice.request("GET", `v3/rooms/${room}/messages?dir=f&limit=100`);
		const shown = (chunk as Content[]).flatMap(({ type, content, state_key }) => {
			const { membership, displayname } = content as Content;
			const isGhost = type === "m.room.member" && String(state_key).startsWith("@_xmpp_");
			return isGhost && membership === "join" ? [displayname] : [];
		});
		expect(shown).toEqual(["alіce (romeo)", "alіce (juliet)", "Romeo (romeo)", "Romeo"]);
		// Somebody comes later whose name looks like that of the ghost.
		await bob.displayName("rоmeo");
		await bob.join(room);
		await alice.waitFor(
			"the ghost's address",
			(one) => one.room_id === room && one.content.displayname === "Romeo (romeo)" && one.from === "timeline",
		);
		await bob.displayName("bob");
		const claims = "Bob (bob@example.org)";
		expect(await enter(room, { ...juliet, name: claims })).toEqual({
			kind: "in",
			name: `${claims} (juliet)`,
		});
	});

	test("is told apart: banned, not invited, invited, no such room", async () => {
		const room = await alice.createRoom({ name: "Private" });
		expect(await enter(room)).toMatchObject({ kind: "refused", why: "invited-only" });
		await alice.invite(room, `@_xmpp_romeo:${domain}`);
		expect(await enter(room)).toEqual({ kind: "in" });
		await alice.request("POST", `v3/rooms/${room}/ban`, {
			user_id: `@_xmpp_romeo:${domain}`,
			reason: "rude",
		});
		await shows(
			room,
			// Until the members of the room are read, people have the names of their addresses.
			expect.stringMatching(/^romeo \(xmpp\) is invited by alice$/i),
			"Romeo (xmpp) is in",
			"Romeo (xmpp) is banned by Alice: rude",
		);
		expect(await enter(room)).toMatchObject({ kind: "refused", why: "banned" });
		expect(await hosting().enter("!nowhere:hs.test" as RoomId, romeo)).toMatchObject({ why: "unknown" });
	});

	test("comes in by the membership in another room, where the room asks for that", async () => {
		const club = await alice.createRoom(openToAll());
		const allow = [{ type: "m.room_membership", room_id: club }];
		const rule = { type: "m.room.join_rules", state_key: "", content: { join_rule: "restricted", allow } };
		const room = await alice.createRoom({ name: "Members", room_version: "11", initial_state: [rule] });
		expect(await enter(room, juliet)).toMatchObject({ kind: "refused", why: "invited-only" });
		expect(await enter(club, juliet)).toEqual({ kind: "in" });
		expect(await hosting().look(byId(room), juliet)).toMatchObject({ name: "Members", entry: "invited" });
		expect(await enter(room, juliet)).toEqual({ kind: "in" });
	});

	test("has the power of their own ghost: a topic is theirs to set only where the room lets them", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room);
		await expect(hosting().setTopic(room as RoomId, romeo, "mine")).rejects.toMatchObject({
			reason: "forbidden",
		});
		const levels = await alice.request("GET", `v3/rooms/${room}/state/m.room.power_levels/`);
		await alice.request("PUT", `v3/rooms/${room}/state/m.room.power_levels/`, {
			...levels,
			users: { ...(levels.users as object), [`@_xmpp_romeo:${domain}`]: 50 },
		});
		await hosting().setTopic(room as RoomId, romeo, "mine");
		await shows(room, "Romeo (xmpp) is in", `facts: Room ${count}`, "Romeo sets the topic mine");
		const { facts, members } = await hosting().view(room as RoomId);
		expect(facts).toMatchObject({ topic: "mine", levels: { others: 0, needed: { topic: 50, speak: 0 } } });
		expect(facts.levels?.of.get("xmpp romeo@xmpp")).toBe(50);
		expect(facts.levels?.of.get(`matrix @alice:${domain}`)).toBeGreaterThanOrEqual(100);
		expect(members.map(({ network, name }) => `${network} ${name}`).sort()).toEqual([
			"matrix Alice",
			"xmpp Romeo",
		]);
	});
});

describe("a hosted room shows", () => {
	test("shows what people of both sides say, change and take back, with the ids that those of XMPP gave", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room);
		const view = viewOf(room);
		await xmpp.say(view, "romeo", "good morrow", { id: "S1" as MessageId });
		const { id: morrow } = await said(room, "good morrow");
		const target = {
			id: morrow,
			own: "S1" as MessageId,
			copies: [{ network: matrixNetwork, room: room as RoomId, id: morrow }],
		};
		const base = { room: view, at: Date.now(), sender: romeo };
		const { bridge } = xmpp;
		await bridge.receive([
			{ ...base, kind: "edit", style: "text", text: "good night", id: "S2" as MessageId, target },
		]);
		await said(room, "good night");
		await bridge.receive([
			{ ...base, kind: "reaction", mode: "set", emoji: ["🌹", "👍"], id: "S3" as MessageId, target },
		]);
		await said(room, "🌹 👍");
		await bridge.receive([
			{ ...base, kind: "reaction", mode: "set", emoji: ["🌹"], id: "S4" as MessageId, target },
		]);
		await until(
			() => linesIn(room).filter((line) => line.includes("reaction")).length === 3,
			() => JSON.stringify(linesIn(room)),
			10_000,
		);
		await bridge.receive([{ ...base, kind: "redaction", id: "S5" as MessageId, target }]);
		await said(room, "redaction");
		const answer = await alice.send(room, {
			msgtype: "m.text",
			body: "what?",
			"m.relates_to": { "m.in_reply_to": { event_id: morrow } },
		});
		await alice.send(
			room,
			{ "m.relates_to": { rel_type: "m.annotation", event_id: answer, key: "❤️" } },
			"m.reaction",
		);
		await said(room, "❤️");
		const from = (id: string) => expect.stringMatching(new RegExp(`\\(${id}[ )]`));
		const lines = linesIn(room);
		expect(lines.slice(0, 3)).toEqual([
			"Romeo (xmpp) is in",
			expect.stringMatching(/^Romeo: message good morrow \(S1[ )]/),
			expect.stringMatching(`^Romeo: edit \\${morrow} good night`),
		]);
		expect(lines[2]).toEqual(from("S2"));
		expect(lines.slice(3, 6)).toEqual([
			expect.stringMatching(`^Romeo: reaction \\${morrow} 🌹 \\(S3`),
			expect.stringMatching(`^Romeo: reaction \\${morrow} 🌹 👍\uFE0F? \\(S3`),
			expect.stringMatching(`^Romeo: reaction \\${morrow} 🌹 \\(S4`),
		]);
		expect(lines.find((line) => line.includes(`redaction ${morrow}`))).toEqual(from("S5"));
		// The deletion takes back the edit as well, of which nobody has to hear.
		expect(lines.filter((line) => /: (edit|redaction) /.test(line))).toHaveLength(2);
		expect(lines.slice(-2)).toEqual(["Alice: message what?", `Alice: reaction ${answer} ❤️`]);
	});

	test("shows who was invited, kicked and renamed, by whom and why", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room);
		await alice.invite(room, bob.userId);
		await bob.join(room);
		await bob.displayName("Robert");
		// Synapse writes the name into the room later on.
		await said(room, "Robert (matrix) is profile");
		await alice.request("POST", `v3/rooms/${room}/kick`, { user_id: bob.userId, reason: "loud" });
		await alice.request("POST", `v3/rooms/${room}/kick`, { user_id: `@_xmpp_romeo:${domain}` });
		await shows(
			room,
			"Romeo (xmpp) is in",
			"bob (matrix) is invited by Alice",
			"bob (matrix) is in",
			"Robert (matrix) is profile",
			"Robert (matrix) is out by Alice: loud",
			"Romeo (xmpp) is out by Alice",
		);
		// A message must not bring back a person who was kicked.
		await xmpp.say(viewOf(room), "romeo", "I am still here");
		await until(
			() => xmpp.refused.some(({ event }) => event.room === viewOf(room)),
			() => "the message is not refused",
			20_000,
		);
		expect((await alice.members(room)).has(`@_xmpp_romeo:${domain}`)).toBe(false);
	});

	test("changes of the room itself as facts, and none of them in words as well", async () => {
		const room = await alice.createRoom(openToAll({ room_version: "12" }));
		await enter(room);
		const set = (type: string, content: object) =>
			alice.request("PUT", `v3/rooms/${room}/state/${type}/`, content);
		await set("m.room.name", { name: "Renamed" });
		await set("m.room.topic", { topic: "Moons" });
		await set("m.room.join_rules", { join_rule: "invite" });
		await set("m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" });
		await set("m.room.tombstone", { body: "moved", replacement_room: "!next" });
		await shows(
			room,
			"Romeo (xmpp) is in",
			"facts: Renamed",
			"Alice sets the topic Moons",
			...["facts: Renamed", "facts: Renamed", "facts: Renamed"],
		);
		const last = reflected.at(-1)?.what;
		expect(last?.kind === "facts" && last.facts).toMatchObject({
			...{ topic: "Moons", entry: "invited", unfit: "encrypted", successor: { kind: "id", id: "next" } },
		});
		// Room version 12: the creator stands above all levels and is in none of them.
		const levels = last?.kind === "facts" ? last.facts.levels : undefined;
		expect(levels?.of.get(`matrix ${alice.userId}`)).toBe(Number.MAX_SAFE_INTEGER);
	});

	test("the name of a person there, also after a chat of two has named their account otherwise", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room, { ...juliet, name: "Capulet" });
		await world
			.bridge()
			.openDirect(
				{ ...xmpp.person("juliet"), name: "Juliet of Verona" },
				{ ...xmpp.person("alice"), network: matrixNetwork, id: alice.userId as never, address: ["alice"] },
				"chat of juliet" as RoomId,
			);
		const ghost = `@_xmpp_juliet:${domain}`;
		const profile = () => alice.request<{ displayname: string }>("GET", `v3/profile/${ghost}/displayname`);
		expect((await profile()).displayname).toBe("Juliet of Verona");
		await alice.send(room, "good night");
		await said(room, "good night");
		expect((await alice.members(room)).get(ghost)).toBe("Capulet");
		expect(linesIn(room).filter((line) => line.includes("Verona"))).toEqual([]);
	});

	test("a command to the bot and its answer as everybody in the room sees them", async () => {
		const room = await alice.createRoom(openToAll());
		await alice.invite(room, `@trivium:${domain}`);
		await alice.waitFor(
			"the greeting",
			(event) => event.room_id === room && event.sender === `@trivium:${domain}`,
		);
		await enter(room);
		await alice.send(room, "!bridge version");
		await said(room, "!bridge version");
		await until(
			() => linesIn(room).some((line) => line.startsWith("Trivium: message")),
			() => JSON.stringify(linesIn(room)),
			10_000,
		);
	});
});

describe("the archive of a hosted room", () => {
	test("holds what was said before anybody came, in order, as the reader may see it", async () => {
		const room = await alice.createRoom(openToAll());
		const ids: string[] = [];
		for (let line = 1; line <= 45; line++) ids.push(await alice.send(room, `line ${line}`));
		await alice.request("PUT", `v3/rooms/${room}/redact/${ids[4]}/gone`, { reason: "typo" });
		await enter(room);
		await shows(room, "Romeo (xmpp) is in");
		const last = await hosting().earlier(room as RoomId, undefined, 10, romeo);
		expect(last).toMatchObject({ end: false, whole: true });
		const read: string[] = last.places.map((place) => place.id);
		for (let end = false; !end; ) {
			const page = await hosting().earlier(room as RoomId, read[0] as MessageId, 7, romeo);
			expect(page.whole).toBe(true);
			expect(page.places.length).toBeLessThanOrEqual(7);
			read.unshift(...page.places.map((place) => place.id));
			end = page.end;
		}
		// The deletion has a place of its own.
		expect(read.slice(0, 45)).toEqual(ids);
		expect(read).toHaveLength(46);
		const found = await hosting().events(room as RoomId, read as MessageId[], romeo);
		expect(read.map((one) => lineOf(found.get(one as MessageId) as Seen)).slice(3, 6)).toEqual([
			"Alice: message line 4",
			"deleted by Alice: typo",
			"Alice: message line 6",
		]);
	});

	test("shows nothing from before the join in a room that hides it, and no more to somebody who has left", async () => {
		const hidden = {
			type: "m.room.history_visibility",
			state_key: "",
			content: { history_visibility: "joined" },
		};
		const room = await alice.createRoom(openToAll({ initial_state: [hidden] }));
		const before = (await alice.send(room, "before")) as MessageId;
		await enter(room);
		const after = (await alice.send(room, "after")) as MessageId;
		await shows(room, "Romeo (xmpp) is in", "Alice: message after");
		expect([...(await hosting().events(room as RoomId, [before, after], romeo)).keys()]).toEqual([after]);
		const page = await hosting().earlier(room as RoomId, after, 10, romeo);
		expect(page).toEqual({ places: [], end: true, whole: false });
		await enter(room, juliet);
		expect([...(await hosting().events(room as RoomId, [before, after], juliet)).keys()]).toEqual([]);
		await expect(hosting().earlier(room as RoomId, after, 10, juliet)).rejects.toMatchObject({
			reason: "not-found",
		});
	});
});

describe("a hosted room after a gap", () => {
	test("keeps what was said while nobody of ours was in it for its archive", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room);
		await alice.send(room, "one");
		await shows(room, "Romeo (xmpp) is in", "Alice: message one");
		await hosting().leave(room as RoomId, romeo);
		await shows(room, "Romeo (xmpp) is in", "Alice: message one", "Romeo (xmpp) is out");
		await alice.send(room, "two");
		await bob.displayName("Robert");
		await bob.join(room);
		await bob.send(room, "three");
		reflected.length = 0;
		expect(await enter(room)).toEqual({ kind: "in" });
		await alice.send(room, "four");
		await shows(room, "Romeo (xmpp) is in", "Alice: message four");
		const range = { limit: 10, last: true };
		const { places } = await xmpp.bridge.views.places(matrixNetwork, room as RoomId, range, romeo);
		const events = await hosting().events(
			room as RoomId,
			places.map(({ id }) => id),
			romeo,
		);
		const said = places.map(({ id }) => events.get(id)?.what);
		expect(said.map((what) => what?.kind === "said" && "text" in what.event && what.event.text)).toEqual([
			...["one", "two", "three", "four"],
		]);
	});

	test("shows what was said while the bridge was down, in order", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room);
		await xmpp.say(viewOf(room), "romeo", "good night");
		await shows(room, "Romeo (xmpp) is in", expect.stringMatching(/^Romeo: message good night \(xmpp-\d+/));
		await world.restart(async () => {
			reflected.length = 0;
			await alice.send(room, "anybody?");
		});
		await shows(room, "Alice: message anybody?");
		const { members } = await hosting().view(room as RoomId);
		expect(members).toHaveLength(2);
	});

	test("shows what the homeserver forgot to hand over when it died meanwhile, in order", async () => {
		const room = await alice.createRoom(openToAll());
		await enter(room);
		await alice.send(room, "one");
		await shows(room, "Romeo (xmpp) is in", "Alice: message one");
		await world.restart(async () => {
			reflected.length = 0;
			await alice.send(room, "two");
			await alice.request("PUT", `v3/rooms/${room}/state/m.room.topic/`, { topic: "Comets" });
			await alice.send(room, "three");
			await world.bed.kill("synapse");
			await world.bed.start("synapse");
		});
		await said(room, "three");
		await alice.send(room, "four");
		await said(room, "four");
		expect(linesIn(room)).toEqual([
			"Alice: message two",
			"Alice sets the topic Comets",
			"Alice: message three",
			"Alice: message four",
		]);
	}, 60_000);
});
