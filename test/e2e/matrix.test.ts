import { writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { createMatrix } from "../../src/matrix/index.ts";
import { writeRegistration } from "../../src/matrix/registration.ts";
import { ghostsOnMatrix as ghostsOf } from "../../src/networks.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, quiet, until } from "../fakes.ts";
import { startTestbed, type Testbed } from "../testbed/index.ts";
import { MatrixClient, MatrixError, type SeenEvent } from "../testbed/matrix-client.ts";

const domain = "hs.test";
const bot = "@trivium:hs.test";
let bed: Testbed;
let wire: Awaited<ReturnType<typeof breakable>>;
let core: Running;
let boot: () => Running;
const mapping = createMemoryMapping();
const journal = createMemoryJournal();
const xmpp: Fake = fakeNetwork("xmpp");
let alice: MatrixClient;
let bob: MatrixClient;

/** Starts a proxy that drops the responses to chosen requests after the homeserver has handled them. */
async function breakable(target: string) {
	let losing: (path: string) => boolean = () => false;
	const server = http.createServer((request, response) => {
		const { method, headers, url = "/" } = request;
		const onward = http.request(target + url, { method: method ?? "GET", headers }, (answer) => {
			if (losing(url)) {
				answer.resume().on("end", () => request.socket.destroy());
				return;
			}
			response.writeHead(answer.statusCode ?? 500, answer.headers);
			answer.pipe(response);
		});
		onward.on("error", () => response.destroy());
		request.pipe(onward);
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		lose(which: (path: string) => boolean) {
			losing = which;
		},
		close() {
			server.closeAllConnections();
			server.close();
		},
	};
}

beforeAll(async () => {
	let text = "";
	bed = await startTestbed({
		servers: ["synapse"],
		registrations: ({ appservice }) => {
			text = writeRegistration({
				url: `http://127.0.0.1:${appservice}`,
				domain,
				bot: "trivium",
				networks: ghostsOf,
			});
			return [text];
		},
	});
	const registration = join(bed.folder, "registration.yaml");
	writeFileSync(registration, text);
	wire = await breakable(bed.matrix.url);
	const port = bed.ports.appservice;
	const appservice = { listen: { host: "127.0.0.1", port }, url: `http://127.0.0.1:${port}`, registration };
	boot = () => {
		const options = { homeserver: wire.url, domain, bot: "trivium", prefix: "!bridge", appservice };
		return bridgeOf(
			[createMatrix(options, { mapping, log: quiet, ghostsOf }), xmpp],
			rulesFor({ "*": "use", "@alice:hs.test": "link" }, { membersMirrored: 50 }),
			{ mapping, journal },
		);
	};
	core = boot();
	await core.start();
	[alice, bob] = (await Promise.all(
		["alice", "bob"].map(async (name) => MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name))),
	)) as [MatrixClient, MatrixClient];
	await alice.displayName("Alice Capulet");
});
afterAll(async () => {
	await Promise.all([alice?.close(), bob?.close()]);
	await core?.stop(1_000);
	wire?.close();
	await bed?.down();
});
beforeEach(() => {
	xmpp.sent.length = 0;
	xmpp.trouble = () => Promise.resolve();
	wire.lose(() => false);
});

let count = 0;
/** Makes a portal for one test, with alice as a member. */
async function portal() {
	const muc = `muc${++count}`;
	xmpp.rooms.set(muc, []);
	const room = await alice.join(`#_xmpp_${muc}:${domain}`);
	await until(
		() => xmpp.attached.has(muc),
		() => `${muc} is not joined`,
		10_000,
	);
	return { muc, room };
}
const crosses = (...expected: string[]) =>
	until(
		() => lines(xmpp).length >= expected.length,
		() => JSON.stringify(lines(xmpp)).slice(0, 500),
		10_000,
	).then(() => expect(lines(xmpp)).toEqual(expected));
const state = (who: MatrixClient, room: string, type: string, key = "") =>
	who.request("GET", `v3/rooms/${encodeURIComponent(room)}/state/${type}/${encodeURIComponent(key)}`);
const in_ = (room: string) => (event: SeenEvent) => event.room_id === room && event.type === "m.room.message";

describe("a portal by alias", () => {
	test("is made by joining it, takes the remote room's name, and gets each speaker as a member", async () => {
		const { muc, room } = await portal();
		expect(await state(alice, room, "m.room.name")).toEqual({ name: `The ${muc}` });
		await xmpp.say(muc, "romeo", "hello");
		const event = await alice.waitForMessage("hello", room);
		expect(event.sender).toBe("@_xmpp_romeo:hs.test");
		expect((await alice.members(room)).get("@_xmpp_romeo:hs.test")).toBe("romeo");
		await alice.send(room, "good evening");
		await crosses("Alice Capulet: good evening");
		await alice.waitFor(
			"the bridge info event",
			({ type, room_id }) => type === "m.bridge" && room_id === room,
		);
	});
	test("has one room for all spellings of its address", async () => {
		xmpp.rooms.set("verona@muc.x", []);
		const one = await alice.join("#_xmpp_verona@muc.x:hs.test");
		expect(await bob.join("#_xmpp_verona=40muc.x:hs.test")).toBe(one);
	});
	test("does not exist where its address is invalid", async () => {
		await expect(alice.join("#_xmpp_nowhere:hs.test")).rejects.toMatchObject({ status: 404 });
	});
	test("carries every character, the emote and the notice, both ways", async () => {
		const { muc, room } = await portal();
		const odd = "Ĥî <b>&amp; ]]> \"q\" 'a' \\ שלום \u202eabc\u202c 👩‍👩‍👧 \u0001\t\u0007 a\u0301";
		await alice.send(room, odd);
		await alice.send(room, { msgtype: "m.emote", body: "waves" });
		await alice.send(room, { msgtype: "m.notice", body: "beep" });
		await crosses(`Alice Capulet: ${odd}`, "Alice Capulet: waves", "Alice Capulet: beep");
		expect(xmpp.sent.map(({ event }) => event.kind === "message" && event.style).filter(Boolean)).toEqual([
			"text",
			"emote",
			"notice",
		]);
		await xmpp.say(muc, "romeo", odd);
		await alice.waitForMessage(odd, room);
		await xmpp.say(muc, "romeo", "bows", { style: "emote" });
		expect((await alice.waitForMessage("bows", room)).content.msgtype).toBe("m.emote");
	});
	test("carries 60 kB of quotes both ways", async () => {
		const { muc, room } = await portal();
		const quotes = '"'.repeat(60_000);
		await xmpp.say(muc, "romeo", quotes);
		const event = await alice.waitFor(
			"the file",
			(one) => in_(room)(one) && one.content.msgtype === "m.file",
		);
		const [, server, media] = /^mxc:\/\/(.*)\/(.*)$/.exec(String(event.content.url)) ?? [];
		const file = await fetch(`${bed.matrix.url}/_matrix/client/v1/media/download/${server}/${media}`, {
			headers: { authorization: `Bearer ${alice.accessToken}` },
		});
		expect(await file.text()).toBe(quotes);
		// Synapse takes at most this many of them in one event.
		const most = '"'.repeat(31_000);
		await alice.send(room, most);
		await crosses(`Alice Capulet: ${most}`);
	});
	test("accepts the longest text that fits into one event", async () => {
		const { muc, room } = await portal();
		const long = "ü".repeat(29_900);
		await xmpp.say(muc, "romeo", long);
		expect((await alice.waitForMessage(long, room)).content.msgtype).toBe("m.text");
	});
	test("sends no second message when a response of the homeserver is lost", async () => {
		const { muc, room } = await portal();
		await xmpp.say(muc, "romeo", "first");
		await alice.waitForMessage("first", room);
		// The homeserver's echo of the event confirms it, or the retry under the same txnId does.
		let lost = 0;
		wire.lose((path) => path.includes("/send/m.room.message/") && lost++ < 3);
		await xmpp.say(muc, "romeo", "once");
		await xmpp.say(muc, "romeo", "after");
		await alice.waitForMessage("after", room);
		expect(lost).toBeGreaterThan(0);
		expect(
			await alice.inbox.settled((event) => in_(room)(event) && event.content.body === "once", 500),
		).toHaveLength(1);
	});
	test("shows joins and leaves, both ways", async () => {
		const { room } = await portal();
		await bob.join(room);
		await bob.leave(room);
		const moves = () =>
			xmpp.sent.flatMap(({ event }) =>
				event.kind === "membership" ? [`${event.sender.name} ${event.change}`] : [],
			);
		await until(
			() => moves().length >= 3,
			() => moves().join(),
			10_000,
		);
		expect(moves()).toEqual(["Alice Capulet join", "bob join", "bob leave"]);
	});
	test("shows a changed display name", async () => {
		const { muc } = await portal();
		const renamed = () => xmpp.sent.find(({ event, room }) => event.kind === "profile" && room === muc);
		await alice.displayName("Lady Alice");
		await until(
			() => renamed() !== undefined,
			() => JSON.stringify(xmpp.sent),
			10_000,
		);
		expect(renamed()?.event.sender.name).toBe("Lady Alice");
		expect(xmpp.sent.filter(({ event, room }) => event.kind === "membership" && room === muc)).toHaveLength(
			1,
		);
		await alice.displayName("Alice Capulet");
	});
	test("lets only the bridge turn encryption on", async () => {
		const { room } = await portal();
		const path = `v3/rooms/${encodeURIComponent(room)}/state/m.room.encryption/`;
		await expect(alice.request("PUT", path, { algorithm: "m.megolm.v1.aes-sha2" })).rejects.toBeInstanceOf(
			MatrixError,
		);
	});
});

describe("a chat of two", () => {
	test("opens by inviting a ghost that did not exist before, without losing the first message", async () => {
		const ghost = "@_xmpp_mercutio:hs.test";
		const room = await alice.createRoom({ preset: "private_chat", is_direct: true, invite: [ghost] });
		await alice.send(room, "are you there?");
		await crosses("Alice Capulet: are you there?");
		await xmpp.say("mercutio+alice", "mercutio", "aye");
		expect((await alice.waitForMessage("aye", room)).sender).toBe(ghost);
		expect((await alice.members(room)).get(ghost)).toBe("mercutio");
		expect(await alice.invitesTo(room)).toEqual([]);
		await alice.request("POST", `v3/rooms/${encodeURIComponent(room)}/kick`, { user_id: ghost });
		await xmpp.say("mercutio+alice", "mercutio", "peppered");
		const next = await alice.waitFor("an invite elsewhere", ({ from, room_id, sender }) => {
			return from === "invite" && room_id !== room && sender === ghost;
		});
		await alice.join(next.room_id);
		await alice.waitForMessage("peppered", next.room_id);
		expect(await alice.invitesTo(next.room_id)).toMatchObject([{ is_direct: true }]);
	});
	test("with an address that nobody has is declined with the reason", async () => {
		const room = await alice.createRoom({ is_direct: true, invite: ["@_xmpp_nobody:hs.test"] });
		const gone = await alice.waitFor(
			"the decline",
			(event) =>
				event.room_id === room && event.type === "m.room.member" && event.content.membership === "leave",
		);
		expect(gone.content.reason).toBe("nobody has the address nobody.");
	});
	test("begun on the other side invites, shows the ghost's name without an alias, and continues after a leave", async () => {
		const local = {
			network: "matrix" as never,
			id: bob.userId as never,
			address: ["bob"],
			name: "bob",
			handles: [bob.userId],
			domain,
			local: true as const,
		};
		await xmpp.say("tybalt+bob", "tybalt", "draw", { to: local });
		const invite = await bob.waitFor(
			"the invite",
			({ from, type, state_key }) =>
				from === "invite" && type === "m.room.member" && state_key === bob.userId,
		);
		expect(invite.content.is_direct).toBe(true);
		const room = await bob.join(invite.room_id);
		await bob.waitForMessage("draw", room);
		expect(await state(bob, room, "m.room.canonical_alias")).toEqual({});
		await expect(state(bob, room, "m.room.name")).rejects.toMatchObject({ status: 404 });
		const encryption = `v3/rooms/${encodeURIComponent(room)}/state/m.room.encryption/`;
		await expect(bob.request("PUT", encryption, { algorithm: "m.megolm.v1.aes-sha2" })).rejects.toMatchObject(
			{ status: 403 },
		);
		await bob.send(room, "peace");
		await crosses("bob: peace");
		await bob.leave(room);
		const left = "bob: has left this chat. Your next message invites them again.";
		await crosses("bob: peace", left);
		const before = bob.inbox.items.length;
		await xmpp.say("tybalt+bob", "tybalt", "hate the word", { to: local });
		await bob.waitFor(
			"another invite",
			(event) =>
				bob.inbox.items.indexOf(event) >= before && event.from === "invite" && event.room_id === room,
		);
		await bob.join(room);
		await bob.waitForMessage("hate the word", room);
		await xmpp.say("mercutio+bob", "mercutio", "a word with one of us?", { to: local });
		const other = await bob.waitFor(
			"an invite by another",
			({ from, sender }) => from === "invite" && String(sender).includes("mercutio"),
		);
		await bob.leave(other.room_id);
		await crosses("bob: peace", left, "bob: has declined the invitation to this chat.");
		expect(await bob.invitesTo(room)).toMatchObject([{ is_direct: true }, { is_direct: true }]);
	});
});

describe("commands", () => {
	test("are answered in a chat with the bot, also when sent right after the invite", async () => {
		const room = await alice.createRoom({ is_direct: true, invite: [bot] });
		await alice.send(room, "help");
		const said = (what: string, words: RegExp) =>
			alice.waitFor(
				what,
				(event) => in_(room)(event) && event.sender === bot && words.test(String(event.content.body)),
			);
		const greeting = await said(
			"the greeting",
			/^Hello Alice Capulet! I am Trivium.*\njoin ROOM \[PASSWORD\] – .*“help” lists/s,
		);
		expect(greeting.content).toMatchObject({ msgtype: "m.notice", "m.mentions": {} });
		const answer = await said("the answer", /I can do this here:\n.*\nstatus – /s);
		expect(answer.content).toMatchObject({ msgtype: "m.notice", "m.relates_to": { "m.in_reply_to": {} } });
		await alice.send(room, "status");
		await said("the state of the sides", /^Matrix: connected\.\n/);
	});
	test("link no encrypted room, and the greeting says why", async () => {
		xmpp.rooms.set("plumbed", []);
		const encryption = { type: "m.room.encryption", content: { algorithm: "m.megolm.v1.aes-sha2" } };
		const room = await alice.createRoom({ invite: [bot], initial_state: [encryption] });
		const said = (words: RegExp) =>
			alice.waitFor(
				String(words),
				(event) => in_(room)(event) && event.sender === bot && words.test(String(event.content.body)),
			);
		await said(/^Hello! This room is encrypted, so I cannot read/);
		await alice.send(room, "link plumbed");
		await said(/^That did not work: this room is encrypted/);
	});
	test("link and unlink a room for people with the permission", async () => {
		xmpp.rooms.set("plumbed", []);
		const room = await alice.createRoom({ preset: "public_chat", invite: [bot] });
		await alice.waitFor(
			"the bot",
			({ room_id, state_key, content }) =>
				room_id === room && state_key === bot && content.membership === "join",
		);
		await bob.join(room);
		await bob.send(room, "!bridge link xmpp plumbed");
		await alice.waitFor(
			"the refusal",
			(event) => in_(room)(event) && /may not use “link”/.test(String(event.content.body)),
		);
		await alice.send(room, "!bridge link xmpp plumbed");
		await alice.waitForMessage("Linked to The plumbed. Messages now cross in both directions.", room);
		await xmpp.say("plumbed", "romeo", "I am here");
		await alice.waitForMessage("I am here", room);
		await bob.send(room, "so am I");
		await crosses("bob: so am I");
		await alice.send(room, "!bridge unlink xmpp");
		await alice.waitFor(
			"the answer to unlink",
			(event) => in_(room)(event) && /^Unlinked from XMPP/.test(String(event.content.body)),
		);
		expect([...(await alice.members(room)).keys()].sort()).toEqual([alice.userId, bob.userId, bot].sort());
	});
});

describe("users, ghosts and refusals", () => {
	test("the appservice finds existing people and no others", async () => {
		const side = await core.findPerson("matrix" as never, ["alice"]);
		expect(side).toMatchObject({ id: alice.userId, name: "Alice Capulet" });
		expect(await core.findPerson("matrix" as never, ["nobody"])).toBeUndefined();
	});
	test("a ghost has a profile exactly where its person exists", async () => {
		const profile = (mxid: string) => alice.request("GET", `v3/profile/${encodeURIComponent(mxid)}`);
		await expect(profile("@_xmpp_nobody2:hs.test")).rejects.toMatchObject({ status: 404 });
	});
});

test("a refusal on the other side is reported in the room of the message", async () => {
	const { room } = await portal();
	const { PermanentError } = await import("../../src/core/errors.ts");
	xmpp.trouble = () => Promise.reject(new PermanentError("failed", "the room is full."));
	const said = await alice.send(room, "hi");
	const notice = await alice.waitForMessage("Not delivered to XMPP: the room is full.", room);
	expect(notice.content["m.relates_to"]).toEqual({ "m.in_reply_to": { event_id: said } });
	await alice.waitFor(
		"the status",
		({ type, room_id }) => type === "com.beeper.message_send_status" && room_id === room,
	);
});

test("messages sent while the bridge is down arrive after its start, once and in order", async () => {
	const { muc, room } = await portal();
	await alice.send(room, "before");
	await crosses("Alice Capulet: before");
	await core.stop(1_000);
	for (const line of ["one", "two", "three"]) await alice.send(room, line);
	core = boot();
	await core.start();
	await alice.send(room, "after");
	await crosses(
		"Alice Capulet: before",
		...["one", "two", "three", "after"].map((line) => `Alice Capulet: ${line}`),
	);
	await xmpp.say(muc, "romeo", "welcome back");
	await alice.waitForMessage("welcome back", room);
});
