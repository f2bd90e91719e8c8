import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Link } from "../../src/core/mapping.ts";
import type { Avatar } from "../../src/core/person.ts";
import type { createMatrix } from "../../src/matrix/index.ts";
import { portalAlias } from "../../src/matrix/mxid.ts";
import { eventually } from "../eventually.ts";
import { type Fake, lines, quiet, until } from "../fakes.ts";
import type { FakeHomeserver } from "./fake-homeserver.ts";
import { domain, type MatrixWorld, matrixWorld } from "./world.ts";

const bot = "@trivium:hs.test";
const romeo = "@_xmpp_romeo:hs.test";
const verona = "#_xmpp_verona:hs.test";

let world: MatrixWorld;
let hs: FakeHomeserver;
let xmpp: Fake;
let side: ReturnType<typeof createMatrix>;
let core: Running;
let alice: string;
let warned: string[];

beforeEach(async () => {
	warned = [];
	world = await matrixWorld({
		bridges: ["@telegram_*:hs.test"],
		permissions: { "*": "use", "@admin:hs.test": "admin", "@bad:hs.test": "block", "no@xmpp": "block" },
		log: { ...quiet, warn: (_, message) => void warned.push(message) },
	});
	({ hs, xmpp, side, core, alice } = world);
});
afterEach(() => world.stop());

type Room = NonNullable<ReturnType<FakeHomeserver["find"]>>;
const says = (room: Room, who: string, body: string, more: object = {}) =>
	hs.push([hs.emit(room, who, "m.room.message", { msgtype: "m.text", body, ...more })]);
const heard = (room: Room) =>
	room.timeline.filter(
		({ type, sender }) => type === "m.room.message" && (sender === bot || sender.startsWith("@_")),
	);
const greeting = /^Hello .*! I am Trivium/;
/** Returns the lines of the bridge in a room, after its greeting. */
const bodies = (room: Room) =>
	heard(room)
		.filter(({ content }) => !greeting.test(String(content.body)))
		.map(({ sender, content }) => `${sender.slice(1, -8)}: ${content.body}`);
const reaches = (room: Room, ...expected: string[]) =>
	until(
		() => bodies(room).length >= expected.length,
		() => JSON.stringify(bodies(room)),
	).then(() => expect(bodies(room)).toEqual(expected));
const crosses = (...expected: string[]) =>
	until(
		() => lines(xmpp).length >= expected.length,
		() => JSON.stringify(lines(xmpp)),
	).then(() => expect(lines(xmpp)).toEqual(expected));
/** The bridge acknowledges a transaction after two seconds, even if an invite in it is not answered yet. */
const becomes = (room: Room, who: string, membership: "join" | "leave") =>
	until(
		() => room.members.get(who) === membership,
		() => `${who}: ${room.members.get(who)}`,
	);
const query = async (kind: "rooms" | "users", name: string) =>
	(await hs.ask("GET", `/_matrix/app/v1/${kind}/${encodeURIComponent(name)}`)).status;

/** Opens the portal of the MUC "verona" and lets alice join its room. */
async function inVerona(): Promise<Room> {
	expect(await query("rooms", verona)).toBe(200);
	const room = hs.find(verona) as Room;
	await hs.push([hs.member(room, alice, "join")]);
	await until(
		() => xmpp.attached.has("verona"),
		() => "verona is not joined",
	);
	return room;
}
/** Opens a direct chat by an invite of alice's. */
async function inDirect(): Promise<Room> {
	const room = hs.room(alice);
	await hs.push([hs.member(room, romeo, "invite", alice, { is_direct: true })]);
	await until(
		() => room.members.get(romeo) === "join",
		() => "romeo is not there",
	);
	return room;
}

/** The contents of all invites of alice into a room. */
const invitesOf = (room: Room) =>
	room.timeline
		.filter((one) => one.state_key === alice && one.content.membership === "invite")
		.map(({ content }) => content);

describe("the start", () => {
	test("registers and names the bot, and has the homeserver ping the bridge", async () => {
		expect(hs.users.get(bot)).toBe("Trivium");
		await until(
			() => hs.asked("POST", /appservice\/trivium\/ping/).length === 1,
			() => "no ping",
		);
	});
});

describe("a homeserver that was away", () => {
	const pings = () => hs.asked("POST", /\/ping$/).length;
	/** The bridge notices the outage when it sends an event. */
	async function away(): Promise<Room> {
		const room = await inVerona();
		hs.fail(() => "cut");
		await xmpp.say("verona", "romeo", "hi");
		await until(
			() => side.status?.().up === false,
			() => "not noticed",
		);
		return room;
	}
	test("is asked whether it is there as soon as it closes a connection, also while nothing comes in", async () => {
		const asked = () => hs.asked("GET", /whoami$/).length;
		await until(
			() => asked() > 0,
			() => "not asked",
		);
		const before = asked();
		hs.cut();
		// Else it would be asked ten seconds later.
		await until(
			() => asked() > before,
			() => `${asked()} times`,
		);
	});
	test("is asked to ping the bridge once it is back, again until it reaches it", async () => {
		await away();
		const before = pings();
		let refused = 0;
		hs.fail(({ path }) =>
			path.endsWith("/ping") && refused++ < 2
				? { status: 502, body: '{"errcode":"M_CONNECTION_FAILED","error":"refused"}' }
				: undefined,
		);
		await until(
			() => pings() === before + 3,
			() => `${pings()} pings`,
		);
	});
});

describe("a portal by alias", () => {
	test("is made on the first query, with the name of the room, and joins nobody there yet", async () => {
		expect(await query("rooms", verona)).toBe(200);
		expect(hs.find(verona)?.created).toMatchObject({ name: "The verona", preset: "public_chat" });
		expect(xmpp.attached.size).toBe(0);
	});
	test("is made once, for any spelling and any number of queries", async () => {
		xmpp.rooms.set("verona@muc.x", []);
		const names = ["#_xmpp_verona=40muc.x:hs.test", "#_xmpp_verona@muc.x:hs.test"];
		for (const name of [...names, ...names]) expect(await query("rooms", name)).toBe(200);
		expect(new Set(names.map((name) => hs.find(name)?.id)).size).toBe(1);
		expect(hs.rooms.size).toBe(1);
	});
	test("is made once when the homeserver's answer is lost", async () => {
		let lost = 0;
		hs.fail(({ path }) => (path.endsWith("/createRoom") && lost++ < 1 ? "drop" : undefined));
		expect(await query("rooms", verona)).toBe(503);
		expect(await query("rooms", verona)).toBe(200);
		expect(hs.asked("POST", /createRoom$/)).toHaveLength(2);
		expect(hs.rooms.size).toBe(1);
	});
	test("without a room on the other side is answered 404", async () => {
		expect(await query("rooms", "#_xmpp_nowhere:hs.test")).toBe(404);
		expect(await query("rooms", "#_xmpp_=4A:hs.test")).toBe(404);
		expect(await query("rooms", "#_irc_x:hs.test")).toBe(404);
		expect(hs.rooms.size).toBe(0);
	});
	test("carries messages both ways", async () => {
		const room = await inVerona();
		await says(room, alice, "hi");
		await crosses("Alice: hi");
		await xmpp.say("verona", "romeo", 'O <b>&amp; "speak"');
		await reaches(room, '_xmpp_romeo: O <b>&amp; "speak"');
		expect(hs.users.get(romeo)).toBe("romeo");
		expect(heard(room)[0]?.content).toMatchObject({ msgtype: "m.text", "m.mentions": {} });
	});
	test("is served a little later when a busy homeserver did not list its members", async () => {
		let looks = 0;
		// The first read is for the event after which the portal is served.
		const busy = { status: 503, body: '{"errcode":"M_UNKNOWN","error":"busy"}' };
		hs.fail(({ path }) => (path.endsWith("/joined_members") && looks++ === 1 ? busy : undefined));
		const room = await inVerona();
		const said = () => [...room.state.values()].some(({ type }) => type === "m.bridge");
		await until(
			() => looks > 1,
			() => `${looks} looks`,
		);
		expect(said()).toBe(false);
		await until(said, () => `${looks} looks`);
	});
	test("has one bridge info event", async () => {
		const room = await inVerona();
		await until(
			() => room.state.size >= 4,
			() => [...room.state.keys()].join(),
		);
		const infos = [...room.state.values()].filter(({ type }) => /bridge$/.test(type));
		expect(infos.map(({ type }) => type).sort()).toEqual(["m.bridge", "uk.half-shot.bridge"]);
		expect(infos[0]?.content).toMatchObject({
			bridgebot: bot,
			channel: { id: "verona" },
			protocol: { id: "xmpp" },
		});
	});
	test("shows joins, leaves and renames of the other side", async () => {
		const room = await inVerona();
		const event = (more: object) =>
			xmpp.bridge.receive([
				{
					id: JSON.stringify(more) as MessageId,
					room: "verona" as RoomId,
					sender: xmpp.person("romeo"),
					at: Date.now(),
					...more,
				} as BridgeEvent,
			]);
		await event({ kind: "membership", change: "join" });
		await until(
			() => room.members.get(romeo) === "join",
			() => "romeo did not come",
		);
		await event({ kind: "profile", sender: { ...xmpp.person("romeo"), name: "Romeo M." } });
		await until(
			() => hs.users.get(romeo) === "Romeo M.",
			() => "no new name",
		);
		await event({ kind: "membership", change: "leave", by: "Prince", reason: "brawl" });
		await until(
			() => room.members.get(romeo) === "leave",
			() => "romeo did not leave",
		);
		const last = room.timeline.findLast((one) => one.state_key === romeo);
		expect(last?.content).toMatchObject({ membership: "leave", reason: "removed by Prince: brawl" });
	});
	test("sends joins and leaves to the other side", async () => {
		const room = await inVerona();
		const bob = hs.person("bob", "Bob");
		await hs.push([hs.member(room, bob, "join")]);
		await hs.push([hs.member(room, bob, "leave")]);
		const moves = () =>
			xmpp.sent.flatMap(({ event }) =>
				event.kind === "membership" ? [`${event.sender.name} ${event.change}`] : [],
			);
		await until(
			() => moves().length >= 3,
			() => moves().join(),
		);
		expect(moves()).toEqual(["Alice join", "Bob join", "Bob leave"]);
	});
	test("sends no echo of its own ghosts to the other side", async () => {
		const room = await inVerona();
		await xmpp.say("verona", "romeo", "hi");
		await reaches(room, "_xmpp_romeo: hi");
		expect(await hs.push(room.timeline)).toBe(200);
		expect(lines(xmpp)).toEqual([]);
	});
	test("delays the acknowledgement of a transaction with echoes only, so that many echoes come in one", async () => {
		const room = await inVerona();
		const line = (who: string) => hs.emit(room, who, "m.room.message", { msgtype: "m.text", body: "hi" });
		const pushed = async (...events: object[]) => {
			const began = performance.now();
			expect(await hs.push(events)).toBe(200);
			return performance.now() - began;
		};
		const ours = "@_xmpp_romeo:hs.test";
		expect(await pushed(line(ours), line(ours))).toBeGreaterThan(9);
		expect(await pushed(line(ours), line(alice))).toBeLessThan(10_000);
		await crosses("Alice: hi");
	});
	test("delivers an event once that the homeserver sends twice", async () => {
		const room = await inVerona();
		const event = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "hi" });
		for (let i = 0; i < 3; i++) await hs.push([event]);
		await says(room, alice, "bye");
		await crosses("Alice: hi", "Alice: bye");
	});
});

describe("sending", () => {
	test("makes no second message when the answer is lost", async () => {
		const room = await inVerona();
		// More faults than the client's own retries, so that the lane retries, too.
		let lost = 0;
		hs.fail(({ path }) => (path.includes("/send/m.room.message") && lost++ < 2 ? "drop" : undefined));
		await xmpp.say("verona", "romeo", "once");
		await until(
			() => hs.asked("GET", /\/messages$/).length > 0,
			() => `${lost} tries`,
		);
		await xmpp.say("verona", "romeo", "twice");
		await reaches(room, "_xmpp_romeo: once", "_xmpp_romeo: twice");
	});
	test("makes no second message when the answer is lost and the homeserver was restarted meanwhile", async () => {
		const room = await inVerona();
		let lost = 0;
		hs.fail(({ path }) => {
			if (!path.includes("/send/m.room.message") || lost++ > 1) return undefined;
			// On a stale socket the client repeats at once, when the homeserver still knows the transaction id.
			setTimeout(hs.forget, 200);
			return "drop";
		});
		await xmpp.say("verona", "romeo", "once");
		await until(
			() => heard(room).length > 0,
			() => "nothing",
		);
		await xmpp.say("verona", "romeo", "twice");
		await reaches(room, "_xmpp_romeo: once", "_xmpp_romeo: twice");
	});
	test("takes the homeserver's echo as the confirmation when no answer comes", async () => {
		const room = await inVerona();
		let lost = 0;
		hs.fail(({ path }) => (path.includes("/send/m.room.message") && lost++ < 1 ? "mute" : undefined));
		await xmpp.say("verona", "romeo", "once");
		await xmpp.say("verona", "romeo", "twice");
		await until(
			() => heard(room).length === 1,
			() => "nothing",
		);
		await hs.push(heard(room));
		await reaches(room, "_xmpp_romeo: once", "_xmpp_romeo: twice");
	});
	test("makes two messages of the same text by two ghosts", async () => {
		const room = await inVerona();
		await xmpp.say("verona", "romeo", "hi");
		await xmpp.say("verona", "juliet", "hi");
		await reaches(room, "_xmpp_romeo: hi", "_xmpp_juliet: hi");
	});
	test("waits while the homeserver is busy or broken, and keeps the order", async () => {
		const room = await inVerona();
		const troubles = [
			{ status: 429, body: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":20}' },
			{ status: 502, body: "<html>Bad gateway</html>" },
		];
		hs.fail(({ path }) => (path.includes("/send/m.room.message") ? troubles.shift() : undefined));
		await xmpp.say("verona", "romeo", "one");
		await xmpp.say("verona", "romeo", "two");
		await reaches(room, "_xmpp_romeo: one", "_xmpp_romeo: two");
	});
	test("waits for the homeserver's retry_after_ms, and repeats the same request", async () => {
		const room = await inVerona();
		const tries: string[] = [];
		let busySince = 0;
		hs.fail(({ path }) => {
			if (!path.includes("/send/m.room.message") || tries.push(path) > 1) return undefined;
			busySince = Date.now();
			return { status: 429, body: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}' };
		});
		await xmpp.say("verona", "romeo", "one");
		await reaches(room, "_xmpp_romeo: one");
		expect(Date.now() - busySince).toBeGreaterThan(1_990);
		expect(tries).toHaveLength(2);
		expect(new Set(tries).size).toBe(1);
	});
	test("lets a ghost join again that was kicked unnoticed, and sends its message", async () => {
		const room = await inVerona();
		await xmpp.say("verona", "romeo", "one");
		await reaches(room, "_xmpp_romeo: one");
		room.members.set(romeo, "leave");
		await xmpp.say("verona", "romeo", "two");
		await reaches(room, "_xmpp_romeo: one", "_xmpp_romeo: two");
		await becomes(room, romeo, "join");
	});
	test("tries to join once for a ghost without the right to send, and then sends its person a notice", async () => {
		await inVerona();
		hs.fail(({ path }) =>
			path.includes("/send/")
				? { status: 403, body: '{"errcode":"M_FORBIDDEN","error":"muted"}' }
				: undefined,
		);
		await xmpp.say("verona", "romeo", "hi");
		await until(
			() => xmpp.refused.length === 1,
			() => "nobody was told",
		);
		expect(xmpp.refused[0]?.sentence).toContain("muted");
		expect(hs.asked("PUT", /\/send\/m\.room\.message/)).toHaveLength(2);
	});
	test("sends 60 kB of quotes as a file with the beginning as its caption", async () => {
		const room = await inVerona();
		await xmpp.say("verona", "romeo", '"'.repeat(60_000));
		await until(
			() => heard(room).length === 1,
			() => "nothing",
		);
		expect(heard(room)[0]?.content).toMatchObject({
			msgtype: "m.file",
			filename: "message.txt",
			info: { size: 60_000 },
		});
		expect(hs.uploads[0]?.bytes.toString()).toBe('"'.repeat(60_000));
	});
	test("sends a notice when that file is too large for the homeserver", async () => {
		const room = await inVerona();
		const large = { status: 413, body: '{"errcode":"M_TOO_LARGE","error":"too large"}' };
		hs.fail(({ path }) => (path.endsWith("/upload") ? large : undefined));
		await xmpp.say("verona", "romeo", '"'.repeat(60_000));
		await xmpp.say("verona", "romeo", "next");
		await reaches(room, "_xmpp_romeo: next");
		expect(xmpp.refused.map(({ sentence }) => sentence)).toEqual(["the Matrix server refused it: too large"]);
	});
	test("does not upload again for a retry", async () => {
		const room = await inVerona();
		// More faults than the client's own retries.
		let tries = 0;
		hs.fail(({ path }) => (path.includes("/send/m.room.message") && tries++ < 2 ? "cut" : undefined));
		await xmpp.say("verona", "romeo", '"'.repeat(60_000));
		await until(
			() => heard(room).length === 1,
			() => "nothing",
		);
		expect(tries).toBe(3);
		expect(hs.uploads).toHaveLength(1);
	});
	test("uploads again when the answer is lost, and shows the file once", async () => {
		const room = await inVerona();
		let lost = 0;
		hs.fail(({ path }) => (path.endsWith("/upload") && lost++ < 1 ? "drop" : undefined));
		const text = '"'.repeat(60_000);
		await xmpp.say("verona", "romeo", text);
		await xmpp.say("verona", "romeo", "next");
		await reaches(room, expect.stringMatching(/^_xmpp_romeo: "/) as unknown as string, "_xmpp_romeo: next");
		expect(hs.uploads.map(({ bytes }) => bytes.toString())).toEqual([text, text]);
	});
	test("puts its time into a late message", async () => {
		const room = await inVerona();
		await xmpp.say("verona", "romeo", "old", { at: 1_700_000_000_000 });
		await reaches(room, "_xmpp_romeo: old");
		expect(heard(room)[0]?.origin_server_ts).toBe(1_700_000_000_000);
	});
	test("invites a ghost into a room that needs an invite", async () => {
		const room = await inVerona();
		room.public = false;
		await xmpp.say("verona", "romeo", "hi");
		await reaches(room, "_xmpp_romeo: hi");
	});
	test("continues once an unreachable homeserver is back", async () => {
		const room = await inVerona();
		hs.fail(() => "cut");
		await xmpp.say("verona", "romeo", "hi");
		await new Promise((resolve) => setTimeout(resolve, 100));
		hs.fail(() => undefined);
		await reaches(room, "_xmpp_romeo: hi");
	});
	test("sends a notice to the sender after a permanent error", async () => {
		await inVerona();
		hs.fail(({ path }) =>
			path.includes("/send/") ? { status: 400, body: '{"errcode":"M_BAD_JSON","error":"no"}' } : undefined,
		);
		await xmpp.say("verona", "romeo", "hi");
		await until(
			() => xmpp.refused.length === 1,
			() => "nobody was told",
		);
		expect(xmpp.refused[0]).toMatchObject({ target: "Matrix", sentence: "the Matrix server refused it: no" });
	});
	test("names the power levels as the reason, without their numbers, where the ghost may not write", async () => {
		await inVerona();
		const error = "You don't have permission to post that to the room. user_level (-1) < send_level (0)";
		const body = JSON.stringify({ errcode: "M_FORBIDDEN", error });
		hs.fail(({ path }) => (path.includes("/send/") ? { status: 403, body } : undefined));
		await xmpp.say("verona", "romeo", "hi");
		await until(
			() => xmpp.refused.length === 1,
			() => "nobody was told",
		);
		expect(xmpp.refused[0]?.sentence).toMatch(/^the power levels of the Matrix room do not let you/);
	});
});

describe("a chat of two", () => {
	test("opened by an invite to a ghost carries messages both ways, the first one included", async () => {
		const room = hs.room(alice);
		const invite = hs.member(room, romeo, "invite", alice, { is_direct: true });
		hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "are you there?" });
		await hs.push([invite]);
		await crosses("Alice: are you there?");
		await xmpp.say("alice+romeo", "romeo", "yes", { to: alicePerson() });
		await reaches(room, "_xmpp_romeo: yes");
	});
	test("with a ghost that has no person is declined with the reason", async () => {
		const nobody = "@_xmpp_nobody:hs.test";
		const room = hs.room(alice);
		await hs.push([hs.member(room, nobody, "invite", alice)]);
		await becomes(room, nobody, "leave");
		expect(room.timeline.at(-1)?.content.reason).toBe("nobody has the address nobody.");
	});
	test("is left unanswered beyond the rate limit of one inviter on new ghosts, and answered for other inviters", async () => {
		const mallory = "@mallory:far.test";
		const room = hs.room(mallory);
		const nobodies = Array.from({ length: 25 }, (_, n) => `@_xmpp_nobody${n}:hs.test`);
		for (const one of nobodies) await hs.push([hs.member(room, one, "invite", mallory)]);
		const answered = nobodies.filter((one) => room.members.get(one) === "leave");
		expect(answered).toEqual(nobodies.slice(0, 20));
		expect(nobodies.filter((one) => hs.users.has(one))).toEqual(answered);
		await hs.push([hs.member(room, nobodies[24] as string, "invite", "@eve:far.test")]);
		expect(room.members.get(nobodies[24] as string)).toBe("invite");
		await inDirect();
	});
	test("is declined for a blocked person", async () => {
		const bad = hs.person("bad");
		const room = hs.room(bad);
		await hs.push([hs.member(room, romeo, "invite", bad)]);
		expect(room.timeline.at(-1)?.content).toMatchObject({
			membership: "leave",
			reason: expect.stringMatching(/blocked/),
		});
		expect(xmpp.sent).toEqual([]);
	});
	test("loses its ghost when the room has more than two members", async () => {
		const room = hs.room(alice);
		hs.member(room, hs.person("bob"), "join");
		await hs.push([hs.member(room, romeo, "invite", alice)]);
		await becomes(room, romeo, "leave");
	});
	test("opened a second time goes on there, and the ghost leaves the first room with the reason", async () => {
		const first = await inDirect();
		const second = await inDirect();
		await until(
			() => first.members.get(romeo) === "leave",
			() => "still in the first room",
		);
		const left = first.timeline.findLast(({ state_key }) => state_key === romeo);
		expect(left?.content.reason).toMatch(/goes on in the room that you opened later/);
		await becomes(second, romeo, "join");
	});
	test("begun on the other side makes a room without a name, and invites the person", async () => {
		await xmpp.say("romeo+alice", "romeo", "hello", { to: alicePerson() });
		await until(
			() => hs.rooms.size === 1,
			() => "no room",
		);
		const [room] = hs.rooms.values() as Iterator<Room> as unknown as [Room];
		await reaches(room, "_xmpp_romeo: hello");
		expect(room.created).toMatchObject({
			is_direct: true,
			initial_state: [{ type: "m.room.canonical_alias", content: {} }],
		});
		expect(room.created).not.toHaveProperty("name");
		expect(room.members.get(alice)).toBe("invite");
		expect(invitesOf(room)).toEqual([{ membership: "invite", displayname: "Alice", is_direct: true }]);
	});
	test("opened by a command invites the person once, and by a second command only after they left", async () => {
		const talk = hs.room(alice);
		await hs.push([hs.member(talk, bot, "invite", alice)]);
		const chat = (id: string) =>
			hs.push([
				{
					...hs.emit(talk, alice, "m.room.message", { msgtype: "m.text", body: "chat romeo" }),
					event_id: id,
				},
			]);
		await chat("$chat1");
		await until(
			() => hs.rooms.size === 2,
			() => "no room",
		);
		const room = [...hs.rooms.values()].at(-1) as Room;
		await chat("$chat2");
		await hs.push([hs.member(room, alice, "join")]);
		await chat("$chat3");
		await until(
			() => bodies(talk).filter((line) => /your chat with romeo/.test(line)).length === 3,
			() => bodies(talk).join(),
		);
		expect(invitesOf(room)).toHaveLength(1);
		await hs.push([hs.member(room, alice, "leave")]);
		await chat("$chat4");
		await until(
			() => invitesOf(room).length === 2,
			() => "not invited again",
		);
		expect(invitesOf(room).every((one) => one.is_direct === true)).toBe(true);
	});
	test("begun on the other side makes one room when the homeserver's answer is lost", async () => {
		let lost = 0;
		hs.fail(({ path }) => (path.endsWith("/createRoom") && lost++ < 1 ? "drop" : undefined));
		await xmpp.say("romeo+alice", "romeo", "hello", { to: alicePerson() });
		await until(
			() => [...hs.rooms.values()].some((room) => heard(room).length > 0),
			() => "nothing",
		);
		expect(hs.asked("POST", /createRoom$/)).toHaveLength(2);
		expect([...hs.rooms.values()].map(bodies)).toEqual([["_xmpp_romeo: hello"]]);
	});
	test("invites a person who left again at the next message, once", async () => {
		const room = await inDirect();
		await hs.push([hs.member(room, alice, "leave")]);
		await xmpp.say("alice+romeo", "romeo", "come back", { to: alicePerson() });
		await xmpp.say("alice+romeo", "romeo", "please", { to: alicePerson() });
		await reaches(room, "_xmpp_romeo: come back", "_xmpp_romeo: please");
		expect(invitesOf(room)).toEqual([{ membership: "invite", displayname: "Alice", is_direct: true }]);
	});
	test("gets a new room after the person kicked the ghost, and none after a ban", async () => {
		const room = await inDirect();
		const line = (text: string) => xmpp.say("romeo+alice", "romeo", text, { to: alicePerson() });
		await hs.push([hs.member(room, romeo, "leave", alice)]);
		await line("sorry");
		await until(
			() => hs.rooms.size === 2,
			() => "no new room",
		);
		const next = [...hs.rooms.values()].at(-1) as Room;
		await reaches(next, "_xmpp_romeo: sorry");
		expect(next.members.get(alice)).toBe("invite");
		await hs.push([hs.member(next, romeo, "ban", alice)]);
		await line("please");
		await until(
			() => xmpp.refused.length === 1,
			() => "romeo was not told",
		);
		expect(hs.rooms.size).toBe(2);
	});
	test("gets no new room after the person banned the ghost from a room of their own", async () => {
		const room = await inDirect();
		await hs.push([hs.member(room, romeo, "ban", alice)]);
		await xmpp.say("romeo+alice", "romeo", "please", { to: alicePerson() });
		await until(
			() => xmpp.refused.length === 1,
			() => "romeo was not told",
		);
		expect(hs.rooms.size).toBe(1);
	});
});
const alicePerson = () => ({
	network: side.name,
	id: "@alice:hs.test" as never,
	address: ["alice"],
	name: "Alice",
	handles: ["@alice:hs.test"],
	domain,
	local: true as const,
});

describe("the bot, invited to a room", () => {
	const invited = async (room: Room, who = alice, times = 1) => {
		for (let n = 0; n < times; n++) {
			if (n > 0) await hs.push([hs.member(room, bot, "leave", who)]);
			await hs.push([hs.member(room, bot, "invite", who)]);
		}
		return heard(room).map(({ content }) => String(content.body));
	};

	test("greets once, with what the inviter may do there", async () => {
		const [words = "", ...more] = await invited(hs.room(alice), alice, 2);
		expect(words).toMatch(/^Hello Alice! I am Trivium, the bridge between Matrix and XMPP\./);
		expect(words).toContain("\njoin ROOM [PASSWORD] – ");
		expect(words).not.toContain("link");
		expect(words).toMatch(/“help” lists everything\.$/);
		expect(more).toEqual([]);
		const crowd = hs.room(hs.person("admin"));
		hs.member(crowd, alice, "join");
		expect((await invited(crowd, "@admin:hs.test"))[0]).toContain("\n!bridge link ");
	});

	test("says in an encrypted room that it cannot read it, and links none", async () => {
		const admin = hs.person("admin");
		const room = hs.room(admin);
		hs.emit(room, admin, "m.room.create", { content: {} }, { state_key: "" });
		hs.emit(room, admin, "m.room.power_levels", { users: { [admin]: 50 } }, { state_key: "" });
		hs.emit(room, admin, "m.room.encryption", { algorithm: "m.megolm.v1.aes-sha2" }, { state_key: "" });
		expect(await invited(room, admin)).toEqual([expect.stringMatching(/^Hello! This room is encrypted/)]);
		await says(room, admin, "link verona");
		expect(bodies(room).at(-1)).toMatch(/That did not work: this room is encrypted/);
		expect(xmpp.attached.size).toBe(0);
	});
});

describe("commands", () => {
	async function withBot(who = alice): Promise<Room> {
		const room = hs.room(who);
		await hs.push([hs.member(room, bot, "invite", who, { is_direct: true })]);
		await becomes(room, bot, "join");
		return room;
	}
	test("need no prefix in a direct chat with the bot, and are answered by a reply", async () => {
		const room = await withBot();
		await says(room, alice, "help");
		expect(bodies(room)[0]).toMatch(/^trivium: I can do this here:/);
		expect(heard(room)[1]?.content).toMatchObject({
			msgtype: "m.notice",
			"m.relates_to": { "m.in_reply_to": {} },
		});
		await says(room, alice, "!bridge nonsense");
		expect(bodies(room)[1]).toMatch(/no command “nonsense”/);
	});
	test("answer with the link of a room, which clients show as a pill", async () => {
		const room = await withBot();
		await says(room, alice, "join verona");
		const url = "https://matrix.to/#/%23_xmpp_verona:hs.test";
		await until(
			() => bodies(room).length > 0,
			() => "no answer",
		);
		expect(bodies(room)[0]).toBe(`trivium: You are invited to The verona: ${url}`);
		expect(heard(room).at(-1)?.content).toMatchObject({
			format: "org.matrix.custom.html",
			formatted_body: `You are invited to The verona: <a href="${url}">${url}</a>`,
		});
		await says(room, alice, "join #_xmpp_verona:hs.test");
		await hs.push([hs.member(hs.find("#_xmpp_verona:hs.test") as Room, alice, "join")]);
		await says(room, alice, "join verona");
		await until(
			() => bodies(room).length > 2,
			() => bodies(room).join(),
		);
		expect(bodies(room)[2]).toBe(`trivium: You are in The verona already: ${url}`);
	});
	test("delay no other messages while they wait for a silent server", async () => {
		const verona = await inVerona();
		const room = await withBot();
		let asked = 0;
		xmpp.findPerson = () => {
			asked++;
			return new Promise(() => undefined);
		};
		const begun = Date.now();
		for (let i = 0; i < 10; i++) await says(room, alice, `!bridge chat ${i}@slow`);
		await says(verona, alice, "hello");
		await crosses("Alice: hello");
		expect(asked).toBe(10);
		// One timeout; ten in a row would take twenty seconds.
		expect(Date.now() - begun).toBeLessThan(15_000);
	});
	test("sent before the bot joined are run, too", async () => {
		const room = hs.room(alice);
		const invite = hs.member(room, bot, "invite", alice);
		hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "help" });
		await hs.push([invite]);
		await until(
			() => bodies(room).length > 0,
			() => "no answer",
		);
		expect(bodies(room)[0]).toMatch(/I can do this/);
	});
	test("run once, however often the homeserver sends them", async () => {
		const room = await withBot();
		const event = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "help" });
		for (let i = 0; i < 3; i++) await hs.push([event]);
		expect(bodies(room)).toHaveLength(1);
	});
	test("need the prefix in other rooms, and are not sent to the other side", async () => {
		const room = await inVerona();
		await says(room, alice, "help");
		await says(room, alice, "!bridge status");
		await says(room, alice, "!bridges fall");
		await crosses("Alice: help", "Alice: !bridges fall");
		expect(bodies(room)).toEqual([
			expect.stringMatching(/^trivium: Matrix, this room: connected\.\nXMPP, verona: connected\.$/),
		]);
	});
	test("are not run for notices, ghosts and blocked people", async () => {
		const room = await withBot();
		await says(room, alice, "help", { msgtype: "m.notice" });
		await says(room, "@_irc_eve:hs.test", "!bridge help");
		await says(room, romeo, "!bridge help");
		await says(room, bot, "!bridge help");
		expect(
			heard(room).filter(({ content }) => content.msgtype === "m.notice" && content["m.relates_to"]),
		).toEqual([]);
		const bad = hs.room(hs.person("bad"));
		await hs.push([hs.member(bad, bot, "invite", "@bad:hs.test")]);
		await becomes(bad, bot, "leave");
	});
	test("are not run for other bridges' ghosts, which the config lists or their bridge marks", async () => {
		const room = await withBot();
		const telegram = hs.person("telegram_1", "Eve");
		const slack = hs.person("slack_2", "Mallory");
		const puppet = hs.person("bob", "Bob");
		const marked = hs.person("sig", "Sig");
		hs.member(room, marked, "join", marked, { "com.beeper.bridge.remote_id": "1" });
		const info = { bridgebot: "@slackbot:hs.test", protocol: { id: "slack" } };
		await hs.push([hs.emit(room, "@slackbot:hs.test", "m.bridge", info, { state_key: "slack://1" })]);
		await says(room, telegram, "!bridge help");
		await says(room, slack, "!bridge help");
		await says(room, "@slackbot:hs.test", "!bridge help");
		await says(room, marked, "!bridge help");
		await says(room, puppet, "!bridge help", { "fi.mau.double_puppet_source": "mautrix-signal" });
		const answers = () => heard(room).filter(({ content }) => content["m.relates_to"]);
		expect(answers()).toEqual([]);
		await says(room, puppet, "!bridge help");
		expect(answers()).toHaveLength(1);
	});
	test("are run although a message event without a state key names its sender as another bridge", async () => {
		const room = await withBot();
		const info = { bridgebot: alice, protocol: { id: "alice" } };
		await hs.push([hs.emit(room, alice, "m.bridge", info)]);
		await says(room, alice, "!bridge help");
		expect(bodies(room)[0]).toMatch(/I can do this/);
	});
	test.each(["telegram_1", "_irc_eve"])(
		"an invite of the ghost %s of another bridge is declined",
		async (name) => {
			const ghost = hs.person(name, "Eve");
			const room = hs.room(ghost);
			await hs.push([hs.member(room, bot, "invite", ghost)]);
			await becomes(room, bot, "leave");
			await hs.push([hs.member(room, romeo, "invite", ghost, { is_direct: true })]);
			await becomes(room, romeo, "leave");
		},
	);
	test("are not run for ghosts of a bridge that was in the room before the bot", async () => {
		const slack = hs.person("slack_9", "Mallory");
		const info = { bridgebot: "@slackbot:hs.test", protocol: { id: "slack" } };
		const room = hs.room(alice);
		hs.member(room, slack, "join", slack);
		hs.emit(room, "@slackbot:hs.test", "uk.half-shot.bridge", info, { state_key: "slack://1" });
		await hs.push([hs.member(room, bot, "invite", alice)]);
		await becomes(room, bot, "join");
		await says(room, slack, "!bridge help");
		await says(room, "@slackbot:hs.test", "!bridge help");
		await says(room, alice, "!bridge help");
		expect(heard(room).filter(({ content }) => content["m.relates_to"])).toHaveLength(1);
		expect(hs.asked("GET", /\/messages$/).length).toBeLessThanOrEqual(2);
	});
	test("an invite of a ghost that its bridge marks in the room is declined", async () => {
		const marked = hs.person("sig_3", "Sig");
		const rooms = [hs.room(marked), hs.room(marked)];
		for (const room of rooms) hs.member(room, marked, "join", marked, { "com.beeper.bridge.remote_id": "1" });
		const [room, chat] = rooms as [Room, Room];
		await hs.push([hs.member(room, bot, "invite", marked)]);
		await becomes(room, bot, "leave");
		await hs.push([hs.member(chat, romeo, "invite", marked, { is_direct: true })]);
		await becomes(chat, romeo, "leave");
	});
	test("keep their place among messages: a message from before an unlink is delivered, or causes a notice", async () => {
		const admin = hs.person("admin");
		const room = await withBot(admin);
		hs.emit(room, admin, "m.room.create", { content: {} }, { state_key: "" });
		hs.emit(room, admin, "m.room.power_levels", { users: { [admin]: 50 } }, { state_key: "" });
		await says(room, admin, "!bridge link xmpp verona");
		const event = (body: string) => hs.emit(room, admin, "m.room.message", { msgtype: "m.text", body });
		await hs.push([event("last words"), event("!bridge unlink xmpp"), event("too late")]);
		const told = () => bodies(room).filter((line) => line.includes("no longer linked"));
		await until(
			() => lines(xmpp).length + told().length === 1,
			() => JSON.stringify([lines(xmpp), bodies(room)]),
		);
		expect(lines(xmpp)).not.toContain("admin: too late");
	});
	test("need the right to change the room's settings in order to link it", async () => {
		const admin = hs.person("admin");
		const room = await withBot(admin);
		const power = (users: object) =>
			hs.emit(room, admin, "m.room.power_levels", { users }, { state_key: "" });
		hs.emit(room, admin, "m.room.create", { content: {} }, { state_key: "" });
		power({ [alice]: 100 });
		await says(room, admin, "!bridge link xmpp verona");
		expect(bodies(room)[0]).toMatch(/right to change this room/);
		power({ [admin]: 50 });
		await says(room, admin, "!bridge link xmpp verona");
		expect(bodies(room)[1]).toMatch(/Linked to The verona/);
		await says(room, admin, "hi");
		await crosses("admin: hi");
		await says(room, admin, "!bridge unlink xmpp");
		expect(bodies(room)[2]).toMatch(/Unlinked/);
		expect(xmpp.attached.size).toBe(0);
	});
});

describe("a room that refuses the bridge info event", () => {
	const link = async (status: number, errcode: string) => {
		const body = JSON.stringify({ errcode, error: "no" });
		hs.fail(({ path }) => (/\/state\/m\.bridge\//.test(path) ? { status, body } : undefined));
		const room = await inVerona();
		await says(room, alice, "hi");
		await crosses("Alice: hi");
		await until(
			() => hs.asked("PUT", /\/state\/m\.bridge\//).length > 0,
			() => "not asked",
		);
		await new Promise((resolve) => setTimeout(resolve, 100));
		return () => warned.filter((one) => one.includes("served"));
	};
	test("is served without a warning", async () => {
		expect((await link(403, "M_FORBIDDEN"))()).toEqual([]);
	});
	test("because of another error causes a warning", async () => {
		const told = await link(400, "M_BAD_JSON");
		await until(
			() => told().length > 0,
			() => "nobody is warned",
		);
		expect(told()).toEqual(["a room is only partly served"]);
	});
});

describe("refusals", () => {
	const failing = (sentence: string) => {
		xmpp.trouble = () => Promise.reject(new PermanentError("failed", sentence));
	};
	test("reach the sender as a reply and as a status", async () => {
		const room = await inVerona();
		failing("the room is full.");
		await says(room, alice, "hi");
		await reaches(room, "trivium: Not delivered to XMPP: the room is full.");
		const said = room.timeline.find(({ content }) => content.body === "hi");
		expect(heard(room)[0]?.content["m.relates_to"]).toEqual({
			"m.in_reply_to": { event_id: said?.event_id },
		});
		expect(
			room.timeline.find(({ type }) => type === "com.beeper.message_send_status")?.content,
		).toMatchObject({
			status: "FAIL_PERMANENT",
			"m.relates_to": { event_id: said?.event_id },
		});
	});
	test("with the same text are sent once a minute", async () => {
		const room = await inVerona();
		failing("the room is full.");
		for (let i = 0; i < 5; i++) await says(room, alice, `line ${i}`);
		const statuses = () => room.timeline.filter(({ type }) => type === "com.beeper.message_send_status");
		await until(
			() => statuses().length === 5,
			() => `${statuses().length} statuses`,
		);
		expect(bodies(room)).toHaveLength(1);
	});
	test("of reactions are one reply to the message they react to", async () => {
		const room = await inVerona();
		await says(room, alice, "hi");
		const said = room.timeline.find(({ content }) => content.body === "hi");
		failing("the room is full.");
		for (const key of ["👍️", "🎉", "👀"]) {
			const content = { "m.relates_to": { rel_type: "m.annotation", event_id: said?.event_id, key } };
			await hs.push([hs.emit(room, alice, "m.reaction", content)]);
		}
		await reaches(room, "trivium: Not delivered to XMPP: the room is full.");
		const statuses = () => room.timeline.filter(({ type }) => type === "com.beeper.message_send_status");
		await until(
			() => statuses().length === 3,
			() => `${statuses().length} statuses`,
		);
		expect(heard(room).map(({ content }) => content["m.relates_to"])).toEqual([
			{ "m.in_reply_to": { event_id: said?.event_id } },
		]);
	});
	test("in a direct chat come from its ghost", async () => {
		const room = await inDirect();
		failing("gone.");
		await says(room, alice, "hi");
		await reaches(room, "_xmpp_romeo: Not delivered to XMPP: gone.");
	});
	test("of encrypted messages are sent once per room", async () => {
		const room = await inVerona();
		for (let i = 0; i < 2; i++)
			await hs.push([
				hs.emit(room, alice, "m.room.encrypted", { ciphertext: "…", algorithm: "m.megolm.v1.aes-sha2" }),
			]);
		await reaches(room, expect.stringMatching(/encrypted/) as unknown as string);
		expect(lines(xmpp)).toEqual([]);
	});
});

describe("a call", () => {
	const invite = (content: object = {}) => ({
		call_id: "c1",
		lifetime: 60_000,
		offer: { sdp: "" },
		...content,
	});
	const declines = (room: Room) =>
		room.timeline.filter(({ type, sender }) => sender === romeo && /call\.|decline/.test(type));

	test.each([
		["1", "m.call.reject", { call_id: "c1", version: "1" }],
		[0, "m.call.hangup", { call_id: "c1", version: 0 }],
	])(
		"in a direct chat (version %s) is declined, its caller reads why, and the other side reads of it",
		async (version, type, content) => {
			const room = await inDirect();
			await hs.push([hs.emit(room, alice, "m.call.invite", invite({ version }))]);
			await reaches(
				room,
				"_xmpp_romeo: Not delivered to the other side: calls do not cross the bridge. They read that you called.",
			);
			expect(declines(room)).toMatchObject([{ type, content }]);
			await until(
				() => lines(xmpp).length === 1,
				() => "nothing reached the other side",
			);
			expect(lines(xmpp)).toEqual(["Alice: is calling, but calls do not cross the bridge"]);
		},
	);

	test("in a room is words alone", async () => {
		const room = await inVerona();
		await hs.push([hs.emit(room, alice, "m.call.invite", invite({ version: "1" }))]);
		await until(
			() => lines(xmpp).length === 1,
			() => "nothing reached the other side",
		);
		expect([declines(room), bodies(room)]).toEqual([[], []]);
	});

	test("of MatrixRTC in a direct chat is declined when it rings, and its caller reads why", async () => {
		const room = await inDirect();
		const content = { application: "m.call" };
		const member = hs.emit(room, alice, "org.matrix.msc3401.call.member", content, { state_key: alice });
		const ring = hs.emit(room, alice, "org.matrix.msc4075.rtc.notification", { notification_type: "ring" });
		await hs.push([member, ring]);
		await reaches(
			room,
			"_xmpp_romeo: Not delivered to the other side: calls do not cross the bridge. They read that you called.",
		);
		await until(
			() => declines(room).length > 0,
			() => "not declined",
		);
		expect(declines(room)).toMatchObject([
			{ type: "org.matrix.msc4310.rtc.decline", content: { "m.relates_to": { event_id: ring.event_id } } },
		]);
		await until(
			() => lines(xmpp).length === 1,
			() => "nothing reached the other side",
		);
		expect([lines(xmpp), bodies(room).length]).toEqual([
			["Alice: started a call, which does not cross the bridge"],
			1,
		]);
	});

	test("of a group is told once, however many join it", async () => {
		const room = await inVerona();
		const bob = hs.person("bob", "Bob");
		await hs.push([hs.member(room, bob, "join")]);
		for (const one of [alice, bob])
			await hs.push([
				hs.emit(
					room,
					one,
					"org.matrix.msc3401.call.member",
					{ application: "m.call" },
					{ state_key: `_${one}` },
				),
			]);
		await says(room, alice, "join us");
		await until(
			() => lines(xmpp).length === 2,
			() => lines(xmpp).join(" | "),
		);
		expect(lines(xmpp)).toEqual(["Alice: started a call, which does not cross the bridge", "Alice: join us"]);
	});
});

describe("queries for people and rooms", () => {
	test("find a ghost whose person exists, and no other", async () => {
		expect(await query("users", romeo)).toBe(200);
		expect(hs.users.get(romeo)).toBe("romeo");
		expect(await query("users", "@_xmpp_nobody:hs.test")).toBe(404);
		expect(await query("users", "@_xmpp_=4A:hs.test")).toBe(404);
		expect(await query("users", "@_irc_a:hs.test")).toBe(404);
	});
	test("find a person by the parts of their address, and by a typed MXID", async () => {
		expect(await side.findPerson(["alice"])).toMatchObject({ id: alice, name: "Alice", local: true });
		expect(await side.findPerson(["@alice:hs.test"])).toMatchObject({ id: alice });
		expect(await side.findPerson(["nobody"])).toBeUndefined();
		expect(await side.findPerson(["_xmpp_romeo"])).toBeUndefined();
		await expect(side.findPerson(["a b"])).rejects.toThrow(/not a Matrix address/);
	});
	test("find a room by its alias, and reject any other text", async () => {
		const room = hs.room(alice);
		room.aliases.add("#lobby:hs.test");
		expect(await side.findRoom(["#lobby:hs.test"])).toMatchObject({ room: room.id });
		expect(side.show({ room: room.id } as never)).toBe("#lobby:hs.test");
		await expect(side.findRoom(["#nowhere:hs.test"])).rejects.toThrow(/there is no Matrix room/);
		await expect(side.findRoom(["lobby"])).rejects.toThrow(/not a Matrix address/);
	});
	test("remove the alias of an unlinked room", async () => {
		const room = await inVerona();
		const portal = await core.portal(side.name, room.id as RoomId);
		await core.close(portal as NonNullable<typeof portal>);
		expect(room.aliases.size).toBe(0);
		expect([...room.members].filter(([mxid, membership]) => mxid !== alice && membership === "join")).toEqual(
			[],
		);
		expect(portalAlias("xmpp", ["verona"], domain)).toBe(verona);
	});
});

test.each([
	["a person", () => alice],
	["a ghost", () => romeo],
])(
	"an event of %s that makes the bridge throw stops no other event, and is not repeated for ever",
	async (_, who) => {
		const room = await inVerona();
		const deep = hs.emit(room, who(), "org.example.deep", { deep: "DEEP" });
		const line = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "hi" });
		// Nested deeper than JSON.stringify can write.
		const text = JSON.stringify({ events: [deep, line] }).replace(
			'"DEEP"',
			`${"[".repeat(20_000)}${"]".repeat(20_000)}`,
		);
		expect((await hs.ask("PUT", "/_matrix/app/v1/transactions/deep", text)).status).toBe(200);
		await crosses("Alice: hi");
	},
);

test("an invalid event does not stop the rest of its transaction", async () => {
	const room = await inVerona();
	const good = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "hi" });
	expect(await hs.push([null, 7, {}, { type: "m.room.message" }, good])).toBe(200);
	await crosses("Alice: hi");
});

describe("an event that refers to an earlier message", () => {
	let room: Room;
	/** Sends romeo's message; resolves with its event. */
	let said: MessageId;
	let event: string;
	let count = 0;
	const does = async (what: object, who = "romeo") => {
		const id = `about-${++count}` as MessageId;
		const one = { id, room: "verona", sender: xmpp.person(who), at: Date.now(), ...what };
		await xmpp.bridge.receive([one as BridgeEvent]);
		return id;
	};
	const own = "own said" as MessageId;
	const ofType = (type: string) => room.timeline.filter((one) => one.type === type);
	/** Drops the answers to a kind of request until the lane retries, and makes the homeserver forget its transaction ids. */
	const loses = (path: string) => {
		let lost = 0;
		hs.fail((request) => {
			if (!request.path.includes(path) || lost++ > 1) return undefined;
			// On a stale socket the client repeats at once, when the homeserver still knows the transaction id.
			setTimeout(hs.forget, 200);
			return "drop";
		});
	};
	beforeEach(async () => {
		room = await inVerona();
		said = await does({ kind: "message", style: "text", text: "hi", aka: [own] });
		await reaches(room, "_xmpp_romeo: hi");
		event = heard(room)[0]?.event_id as string;
	});

	test("is sent once as an edit when the answer is lost", async () => {
		loses("/send/m.room.message");
		await does({ kind: "edit", style: "text", text: "hey", target: { id: own, own } });
		await does({ kind: "message", style: "text", text: "end" });
		await reaches(room, "_xmpp_romeo: hi", "_xmpp_romeo: * hey", "_xmpp_romeo: end");
		expect(heard(room)[1]?.content["m.relates_to"]).toEqual({ rel_type: "m.replace", event_id: event });
	});
	test("is sent once as a reaction when the answer is lost, and can be removed", async () => {
		loses("/send/m.reaction");
		await does({ kind: "reaction", mode: "set", emoji: ["👍️"], target: { id: said } });
		await does({ kind: "reaction", mode: "set", emoji: [], target: { id: said } });
		await until(
			() => ofType("m.room.redaction").length === 1,
			() => JSON.stringify(room.timeline.slice(-3)),
		);
		const [thumb, ...more] = ofType("m.reaction");
		expect(more).toEqual([]);
		expect(ofType("m.room.redaction")[0]).toMatchObject({
			sender: romeo,
			content: { redacts: thumb?.event_id },
		});
	});
	test("redacts all versions of the message, and is confirmed", async () => {
		await does({ kind: "edit", style: "text", text: "hey", target: { id: own, own } });
		await reaches(room, "_xmpp_romeo: hi", "_xmpp_romeo: * hey");
		loses("/redact/");
		await does({ kind: "redaction", target: { id: own, own } });
		await does({ kind: "message", style: "text", text: "end" });
		await until(
			() => heard(room).length === 3,
			() => JSON.stringify(bodies(room)),
		);
		expect(new Set(ofType("m.room.redaction").map(({ content }) => content.redacts))).toEqual(
			new Set([event, heard(room)[1]?.event_id]),
		);
	});
	test("is a redaction by the bot, with the reason, when a moderator deletes the message", async () => {
		await does({ kind: "redaction", target: { id: said }, reason: "spam" }, "moderator");
		await until(
			() => ofType("m.room.redaction").length === 1,
			() => "not deleted",
		);
		expect(ofType("m.room.redaction")[0]).toMatchObject({ sender: bot, content: { reason: "spam" } });
	});
	test("does not delay the room when the earlier event cannot be fetched", async () => {
		hs.fail(({ method, path }) => (method === "GET" && path.includes("/event/") ? "cut" : undefined));
		await says(room, alice, "yes", { "m.relates_to": { "m.in_reply_to": { event_id: "$unknown" } } });
		await crosses("Alice: yes");
	});
	test("fetches the earlier event once, and not at all if it came in a transaction", async () => {
		const old = hs.emit(room, alice, "m.room.message", { msgtype: "m.text", body: "old" }).event_id;
		const answer = (to: string) =>
			says(room, alice, "yes", { "m.relates_to": { "m.in_reply_to": { event_id: to } } });
		await answer(old);
		await answer(old);
		await crosses("Alice: > Alice: old\nyes", "Alice: > Alice: old\nyes");
		expect(hs.asked("GET", "/event/")).toHaveLength(1);
		// An own event, whose echo the homeserver sends.
		await hs.push([heard(room)[0] as object]);
		await answer(event);
		await until(
			() => lines(xmpp).length === 3,
			() => "no answer",
		);
		expect(hs.asked("GET", "/event/")).toHaveLength(1);
		expect(xmpp.sent.at(-1)?.event).toMatchObject({
			replyTo: { id: event, text: "hi", author: { id: "romeo@xmpp" } },
		});
	});
	test("counts a thousand votes as one result", async () => {
		const start = {
			question: { "org.matrix.msc1767.text": "Lunch?" },
			answers: [{ id: "a", "org.matrix.msc1767.text": "Now" }],
		};
		const poll = hs.emit(room, alice, "org.matrix.msc3381.poll.start", {
			"org.matrix.msc3381.poll.start": start,
		});
		const about = { "m.relates_to": { rel_type: "m.reference", event_id: poll.event_id } };
		for (let i = 0; i < 1_000; i++)
			hs.emit(room, `@p${i % 500}:hs.test`, "m.poll.response", { ...about, "m.selections": ["a"] });
		await hs.push([poll, hs.emit(room, alice, "m.poll.end", about)]);
		await crosses(
			"Alice: asks: Lunch?\n1. Now\n(To vote, write the number of an answer.)",
			"Alice: ended the poll. Now: 500",
		);
	});
});

describe("a MUC with more new people than may get accounts", () => {
	// One further account is allowed every three seconds, and a busy machine can stand still for as long. The limit takes
	// its clock when it is made.
	beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
	afterAll(() => void vi.useRealTimers());
	/** Sends one message of each person of the MUC. */
	async function flood(count: number): Promise<Room> {
		const room = await inVerona();
		await xmpp.bridge.receive(
			Array.from({ length: count }, (_, n) => ({
				kind: "message" as const,
				style: "text" as const,
				text: `line ${n}`,
				id: `f${n}` as MessageId,
				room: "verona" as RoomId,
				sender: { ...xmpp.person(`n${n}`), address: ["verona", `n${n}`] },
				at: Date.now(),
			})),
		);
		await until(
			() => heard(room).length >= count,
			() => `${heard(room).length} lines`,
		);
		return room;
	}

	test("loses no message: the bot sends those of the others with their names, once and in order", async () => {
		const room = await flood(130);
		const texts = heard(room).map(({ content }) => String(content.body));
		expect(texts).toEqual(
			Array.from({ length: 130 }, (_, n) => (n < 100 ? `line ${n}` : `n${n}: line ${n}`)),
		);
		expect(heard(room).filter(({ sender }) => sender === bot)).toHaveLength(30);
		expect(hs.asked("POST", /register$/)).toHaveLength(101);
	});

	test("loses and doubles no message when the homeserver's answer is lost", async () => {
		let lost = 0;
		hs.fail(({ path, body }) =>
			path.includes("/send/") && JSON.stringify(body).includes("line 110") && lost++ < 2 ? "drop" : undefined,
		);
		const room = await flood(111);
		// The last message is in the room before the bridge has its confirmation, and requests it again.
		await until(
			() => lost > 1,
			() => `lost ${lost} answers`,
		);
		expect(heard(room).map(({ content }) => content.body)).toContain("n110: line 110");
		expect(heard(room)).toHaveLength(111);
	});
	const later = (kind: "edit" | "message" | "poll", fields: object): BridgeEvent =>
		({
			kind,
			style: "text",
			id: `later ${JSON.stringify(fields)}` as MessageId,
			room: "verona" as RoomId,
			sender: { ...xmpp.person("n100"), address: ["verona", "n100"] },
			at: Date.now(),
			...fields,
		}) as never;

	test("edits a message that the bot sent for a person as the bot, also when the person has a ghost by then", async () => {
		const room = await flood(101);
		const spoke = () => heard(room).some(({ sender }) => sender === "@_xmpp_verona/n100:hs.test");
		await eventually(async () => {
			vi.setSystemTime(Date.now() + 3_000);
			await xmpp.bridge.receive([later("message", { text: `hello at ${Date.now()}` })]);
			expect(spoke()).toBe(true);
		}, 100);
		await xmpp.bridge.receive([later("edit", { text: "line 100, mended", target: { id: "f100" } })]);
		const edit = () => heard(room).find(({ content }) => content["m.new_content"]);
		await until(
			() => edit() !== undefined,
			() => "no edit",
		);
		expect(edit()).toMatchObject({
			sender: bot,
			content: {
				"m.new_content": { body: "n100: line 100, mended" },
				"m.relates_to": { rel_type: "m.replace", event_id: heard(room)[100]?.event_id },
			},
		});
	});

	test("sends the poll of a person without a ghost as the bot, with the person's name", async () => {
		const room = await flood(101);
		await xmpp.bridge.receive([later("poll", { question: "Lunch?", answers: [{ id: "a", text: "Now" }] })]);
		const polls = () => room.timeline.filter(({ type }) => type === "org.matrix.msc3381.poll.start");
		await until(
			() => polls().length > 0,
			() => "no poll",
		);
		expect(polls()[0]).toMatchObject({
			sender: bot,
			content: {
				"org.matrix.msc3381.poll.start": { question: { "org.matrix.msc1767.text": "n100: Lunch?" } },
			},
		});
	});
});

test("a new picture of the room is given to its other rooms, and none of a blocked person's or of our own", async () => {
	const room = await inVerona();
	const given: string[] = [];
	Object.assign(xmpp, {
		showPicture: (link: Link, picture: Avatar | null) =>
			given.push(`${link.room}: ${picture?.ref ?? "none"}`),
	});
	const sets = (who: string, content: Record<string, string>) =>
		hs.push([hs.emit(room, who, "m.room.avatar", content, { state_key: "" })]);
	await sets("@bad:hs.test", { url: "mxc://hs.test/bad" });
	await sets(bot, { url: "mxc://hs.test/ours" });
	await sets(alice, { url: "mxc://hs.test/new" });
	await sets(alice, {});
	await until(
		() => given.length >= 2,
		() => given.join(),
	);
	expect(given).toEqual(["verona: mxc://hs.test/new face", "verona: none"]);
});

test("a ghost whose name a member takes later gets its address behind it, and keeps that", async () => {
	const room = await inVerona();
	const named = (who: string, displayname: string) =>
		hs.push([hs.emit(room, who, "m.room.member", { membership: "join", displayname }, { state_key: who })]);
	for (const who of ["romeo", "mercutio"]) {
		await xmpp.say("verona", who, `I am ${who}`);
		await until(
			() => bodies(room).some((one) => one.endsWith(`I am ${who}`)),
			() => bodies(room).join(),
		);
		await named(`@_xmpp_${who}:hs.test`, who);
	}
	await named(alice, "Alice Capulet");
	expect(hs.users.get(romeo)).toBe("romeo");
	// The letters are Cyrillic.
	await named(alice, "R\u043eme\u043e");
	await until(
		() => hs.users.get(romeo) === "romeo (romeo)",
		() => String(hs.users.get(romeo)),
	);
	await xmpp.say("verona", "romeo", "still me");
	await until(
		() => bodies(room).some((one) => one.endsWith("still me")),
		() => bodies(room).join(),
	);
	expect(hs.users.get(romeo)).toBe("romeo (romeo)");
	expect(hs.users.get("@_xmpp_mercutio:hs.test")).toBe("mercutio");
});
