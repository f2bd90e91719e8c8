import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Outbound } from "../../src/core/network.ts";
import { createMatrix } from "../../src/matrix/index.ts";
import { writeRegistration } from "../../src/matrix/registration.ts";
import { ghostsOnMatrix as ghostsOf } from "../../src/networks.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, quiet, until } from "../fakes.ts";
import { startTestbed, type Testbed } from "../testbed/index.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";

// These tests connect a real homeserver with a fictional network in XMPP's place.

const domain = "hs.test";
const bot = "@trivium:hs.test";
const romeo = "@_xmpp_romeo:hs.test";
const id = (text: string) => text as MessageId;
const mapping = createMemoryMapping();
let bed: Testbed;
let xmpp: Fake;
let core: Running;
let boot: () => Promise<void>;
let alice: MatrixClient;
let bob: MatrixClient;
/** A room of alice's that is linked to a fictional room, with bob as a member. Only alice has power in it. */
let room: string;
const muc = "verona" as RoomId;

beforeAll(async () => {
	let text = "";
	bed = await startTestbed({
		servers: ["synapse"],
		registrations: ({ appservice }) => {
			const url = `http://127.0.0.1:${appservice}`;
			text = writeRegistration({ url, domain, bot: "trivium", networks: ghostsOf });
			return [text];
		},
	});
	const registration = join(bed.folder, "registration.yaml");
	writeFileSync(registration, text);
	const port = bed.ports.appservice;
	const appservice = { listen: { host: "127.0.0.1", port }, url: `http://127.0.0.1:${port}`, registration };
	boot = async () => {
		const options = { homeserver: bed.matrix.url, domain, bot: "trivium", prefix: "!bridge", appservice };
		xmpp = fakeNetwork("xmpp");
		xmpp.rooms.set(muc, []);
		core = bridgeOf(
			[createMatrix(options, { mapping, log: quiet, ghostsOf }), xmpp],
			rulesFor({ "*": "use", "@alice:hs.test": "link" }, { membersMirrored: 50 }),
			{
				mapping,
				// Each boot makes a new journal, as if all ids of messages were lost.
				journal: createMemoryJournal(),
			},
		);
		await core.start();
	};
	await boot();
	[alice, bob] = (await Promise.all(
		["alice", "bob"].map(async (name) => MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name))),
	)) as [MatrixClient, MatrixClient];
	room = await alice.createRoom({ preset: "public_chat" });
	await bob.join(room);
	await alice.invite(room, bot);
	await alice.waitFor("the bot", (event) => event.state_key === bot && event.content.membership === "join");
	await alice.send(room, `!bridge link xmpp ${muc}`);
	await until(
		() => xmpp.attached.has(muc),
		() => "not linked",
		20_000,
	);
});
afterAll(async () => {
	await Promise.all([alice?.close(), bob?.close()]);
	await core?.stop(1_000);
	await bed?.down();
});
/** The outbound events of earlier tests. */
const all: Outbound[] = [];
beforeEach(() => {
	all.push(...xmpp.sent);
	xmpp.sent.length = 0;
});

let count = 0;
type What = {
	[K in BridgeEvent["kind"]]: Omit<Extract<BridgeEvent, { kind: K }>, "id" | "room" | "sender" | "at">;
}[BridgeEvent["kind"]];
/** Sends an event as a person of the fictional network. Resolves with its id there. */
async function does(what: What & { at?: number }, who = "romeo"): Promise<MessageId> {
	const event = { id: id(`x${++count}`), room: muc, sender: xmpp.person(who), at: Date.now(), ...what };
	await xmpp.bridge.receive([event as BridgeEvent]);
	return event.id;
}
/** Sends a message as a person of the fictional network. Resolves when alice has received it. */
async function says(text: string, who = "romeo", more: object = {}) {
	const own = id(`own x${count + 1}`);
	const there = await does({ kind: "message", style: "text", text, aka: [own], ...more }, who);
	const seen = await alice.waitForMessage(text, room);
	return { there, own, here: id(seen.event_id ?? ""), seen };
}
const unique = (text: string) => `${text} ${++count}`;
const here = (what: string, fits: (event: SeenEvent) => boolean) =>
	alice.waitFor(what, (event) => event.room_id === room && fits(event), 15_000);
const relation = ({ content }: SeenEvent) => (content["m.relates_to"] ?? {}) as Record<string, unknown>;
const stored = (event: string) =>
	alice.request<SeenEvent>("GET", `v3/rooms/${encodeURIComponent(room)}/event/${encodeURIComponent(event)}`);
const redact = (who: MatrixClient, event: string, reason?: string) =>
	who.request<{ event_id: string }>(
		"PUT",
		`v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/t${++count}`,
		reason ? { reason } : {},
	);
/** Resolves with the next fitting outbound event of this kind. */
async function crossed(kind: BridgeEvent["kind"], fits: (out: Outbound) => boolean = () => true) {
	const found = () => xmpp.sent.find((out) => out.event.kind === kind && fits(out));
	await until(
		() => found() !== undefined,
		() => `no ${kind}: ${JSON.stringify(xmpp.sent.map(({ event }) => event))}`,
		15_000,
	);
	return found() as Outbound;
}
/** Returns the fictional network's id of a message that came from Matrix. */
const idThere = (out: Outbound) => id(`xmpp:${out.operation}`);
const reply = (event: string) => ({ "m.relates_to": { "m.in_reply_to": { event_id: event } } });

describe("events from the fictional network", () => {
	test("a reply, an edit and the edit of an edit become a Matrix reply and edits of the first event", async () => {
		const first = await says(unique("one"));
		const answer = await says(unique("an answer"), "juliet", { replyTo: { id: first.there } });
		expect(relation(answer.seen)).toEqual({ "m.in_reply_to": { event_id: first.here } });
		expect(answer.seen.content.body).not.toContain(">");
		for (const text of ["two", "three"]) {
			const words = unique(text);
			await does({ kind: "edit", style: "text", text: words, target: { id: first.own, own: first.own } });
			const edit = await here(text, ({ content }) => content.body === `* ${words}`);
			expect(edit.sender).toBe(romeo);
			expect(relation(edit)).toEqual({ rel_type: "m.replace", event_id: first.here });
			expect(edit.content["m.new_content"]).toMatchObject({ msgtype: "m.text", body: words });
		}
		const now = (await stored(first.here)).unsigned?.["m.relations"] as Record<string, SeenEvent>;
		expect(now["m.replace"]?.content.body).toMatch(/^\* three/);
	});

	test("a deletion by the author redacts all versions of the message", async () => {
		const said = await says(unique("regretted"));
		const edited = unique("worse");
		await does({ kind: "edit", style: "text", text: edited, target: { id: said.own, own: said.own } });
		const edit = await here("the edit", ({ content }) => content.body === `* ${edited}`);
		await does({ kind: "redaction", target: { id: said.own, own: said.own } });
		const both = [said.here, edit.event_id ?? ""];
		for (const event of both)
			expect(
				await here(
					"its redaction",
					(one) => one.type === "m.room.redaction" && one.content.redacts === event,
				),
			).toMatchObject({ sender: romeo });
		for (const event of both) expect((await stored(event)).content).toEqual({});
	});

	test("a moderator's deletion redacts the message with its reason, with the power that is available", async () => {
		const said = await says(unique("spam"));
		await does({ kind: "redaction", target: { id: said.there }, reason: "off topic" }, "moderator");
		const gone = await here("its redaction", (one) => one.content.redacts === said.here);
		expect([gone.sender, gone.content.reason]).toEqual([romeo, "off topic"]);
		const words = unique("mine");
		const mine = await alice.send(room, words);
		const out = await crossed("message", ({ event }) => "text" in event && event.text === words);
		await does({ kind: "redaction", target: { id: idThere(out) } }, "moderator");
		await until(
			() => xmpp.refused.length > 0,
			() => "the moderator is not told",
		);
		expect(xmpp.refused.at(-1)?.sentence).toMatch(/Matrix server refused/);
		expect((await stored(mine)).content.body).toBe(words);
		const power = `v3/rooms/${encodeURIComponent(room)}/state/m.room.power_levels/`;
		const levels = await alice.request<{ users: Record<string, number> }>("GET", power);
		await alice.request("PUT", power, { ...levels, users: { ...levels.users, [bot]: 50 } });
		await does({ kind: "redaction", target: { id: idThere(out) }, reason: "rude" }, "moderator");
		expect(await here("its redaction", (one) => one.content.redacts === mine)).toMatchObject({
			sender: bot,
			content: { reason: "rude" },
		});
		await alice.request("PUT", power, levels);
	});

	test("a new set of reactions adds and removes the differences, and leaves the others untouched", async () => {
		const target = { id: (await says(unique("cake"))).there };
		const set = (...emoji: string[]) => does({ kind: "reaction", mode: "set", emoji, target });
		const shown = (key: string) =>
			here(
				key,
				(one) => one.type === "m.reaction" && relation(one).key === key && relation(one).event_id !== "",
			);
		const before = alice.inbox.items.length;
		await set("👍️", "❤");
		const [thumb, heart] = [await shown("👍️"), await shown("❤️")];
		expect(thumb.sender).toBe(romeo);
		await set("❤", "🎉");
		await shown("🎉");
		await here("the removal of the thumb", (one) => one.content.redacts === thumb.event_id);
		await set();
		await here("the removal of the heart", (one) => one.content.redacts === heart.event_id);
		const since = alice.inbox.items.slice(before).filter((one) => one.room_id === room);
		expect(since.filter((one) => one.type === "m.reaction")).toHaveLength(3);
		await until(
			() => alice.inbox.items.slice(before).filter((one) => one.type === "m.room.redaction").length === 3,
			() => JSON.stringify(since),
		);
	});

	test("a reaction that exists already is a success, and can be removed", async () => {
		const said = await says(unique("tea"));
		// The test sends the reaction itself, as an earlier run of the bridge would have.
		const content = { "m.relates_to": { rel_type: "m.annotation", event_id: said.here, key: "☕️" } };
		const token = /^as_token: (.*)$/m.exec(readFileSync(join(bed.folder, "registration.yaml"), "utf8"))?.[1];
		const sent = await fetch(
			`${bed.matrix.url}/_matrix/client/v3/rooms/${encodeURIComponent(room)}/send/m.reaction/t${++count}?user_id=${encodeURIComponent(romeo)}`,
			{ method: "PUT", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify(content) },
		);
		const { event_id } = (await sent.json()) as { event_id: string };
		await does({ kind: "reaction", mode: "set", emoji: ["☕"], target: { id: said.there } });
		await does({ kind: "reaction", mode: "set", emoji: [], target: { id: said.there } });
		await here("the removal of the reaction", (one) => one.content.redacts === event_id);
	});

	test("a thread stays one thread, also where a reply in it names a message", async () => {
		const root = await says(unique("plans"));
		const one = await says(unique("tea"), "juliet", { thread: { id: root.there } });
		expect(relation(one.seen)).toMatchObject({
			...{ rel_type: "m.thread", event_id: root.here, is_falling_back: true },
			"m.in_reply_to": { event_id: root.here },
		});
		const two = await says(unique("no"), "romeo", { thread: { id: root.there }, replyTo: { id: one.there } });
		expect(relation(two.seen)).toMatchObject({ event_id: root.here, is_falling_back: false });
		const three = await says(unique("so"), "romeo", { thread: { id: two.there } });
		expect(relation(three.seen)).toMatchObject({ rel_type: "m.thread", event_id: root.here });
	});

	test("formatting, pills, locations and the original time of delayed messages arrive", async () => {
		const person = { ...xmpp.person("x"), network: "matrix", id: alice.userId } as never;
		const said = await says(unique("hi Alice"), "romeo", {
			rich: [
				{ tag: "bold", children: ["hi"] },
				" ",
				{ tag: "mention", person, children: ["Alice"] },
				{ tag: "mention", person: xmpp.person("romeo"), children: ["me"] },
			],
		});
		expect(said.seen.content).toMatchObject({
			format: "org.matrix.custom.html",
			formatted_body: `<strong>hi</strong> <a href="https://matrix.to/#/@alice:hs.test">Alice</a><a href="https://matrix.to/#/${romeo}">me</a>`,
			"m.mentions": { user_ids: [alice.userId, romeo] },
		});
		const location = { geo: "geo:51.5,0.1", description: unique("Big Ben") };
		await does({ kind: "message", style: "text", text: "", location });
		const place = await here("the place", ({ content }) =>
			String(content.body).startsWith(location.description),
		);
		expect(place.content).toMatchObject({ msgtype: "m.location", geo_uri: "geo:51.5,0.1" });
		const old = await says(unique("old"), "romeo", { at: Date.now() - 3_600_000 });
		expect(Date.now() - (old.seen.origin_server_ts ?? 0)).toBeGreaterThan(3_500_000);
	});

	test("a poll arrives as a poll, and a number, as a message or a reaction, counts as a vote", async () => {
		const answers = [
			{ id: "a", text: "Now" },
			{ id: "b", text: "Later" },
		];
		const there = await does({ kind: "poll", question: "Lunch?", answers });
		const poll = await here("the poll", (one) => one.type === "org.matrix.msc3381.poll.start");
		expect(poll.sender).toBe(romeo);
		const vote = (who: string, answer: string) =>
			here(`a vote of ${who}`, (one) => {
				const given = one.content["org.matrix.msc3381.poll.response"] as { answers: string[] } | undefined;
				return one.sender === `@_xmpp_${who}:hs.test` && given?.answers[0] === answer;
			});
		await does({ kind: "message", style: "text", text: "2", replyTo: { id: there } }, "juliet");
		await does({ kind: "reaction", mode: "set", emoji: ["1️⃣"], target: { id: there } }, "tybalt");
		expect(relation(await vote("juliet", "b")).event_id).toBe(poll.event_id);
		await vote("tybalt", "a");
	});
});

describe("events from Matrix", () => {
	test("a reply points at its message, which either network may have sent", async () => {
		const said = await says(unique("lunch?"));
		const words = unique("yes");
		const mine = await bob.send(room, { msgtype: "m.text", body: words, ...reply(said.here) });
		const out = await crossed("message", ({ event }) => "text" in event && event.text === words);
		expect(out.event).toMatchObject({
			replyTo: { author: { id: "romeo@xmpp" }, text: said.seen.content.body },
		});
		expect(out.refs[said.here]?.[0]).toBe(said.there);
		await alice.send(room, { msgtype: "m.text", body: unique("no"), ...reply(mine) });
		const next = await crossed("message", ({ event }) => "replyTo" in event && event.replyTo?.id === mine);
		expect(next.refs[mine]).toContain(idThere(out));
		expect(next.event).toMatchObject({ replyTo: { author: { id: bob.userId } } });
	});

	test("an edit and the edit of an edit name the first version, and only the author's edits cross", async () => {
		const words = unique("one");
		const mine = await bob.send(room, words);
		const out = await crossed("message");
		const edit = (who: MatrixClient, body: string) =>
			who.send(room, {
				msgtype: "m.text",
				body: `* ${body}`,
				"m.new_content": { msgtype: "m.text", body },
				"m.relates_to": { rel_type: "m.replace", event_id: mine },
			});
		for (const body of ["two", "three"]) {
			await edit(bob, body);
			const { event, refs } = await crossed("edit", (one) => "text" in one.event && one.event.text === body);
			expect(event.kind === "edit" && refs[event.target.own ?? ""]).toContain(idThere(out));
		}
		await edit(alice, "forged");
		const after = unique("after it");
		await alice.send(room, after);
		await crossed("message", ({ event }) => "text" in event && event.text === after);
		expect(xmpp.sent.filter(({ event }) => "text" in event && /forged/.test(event.text))).toEqual([]);
	});

	test("a deletion crosses from the author or a moderator only", async () => {
		const mine = await bob.send(room, unique("regretted"));
		const out = await crossed("message");
		await redact(bob, mine);
		const own = await crossed("redaction");
		const author = own.event.kind === "redaction" ? own.refs[own.event.target.own ?? ""] : [];
		expect(author).toContain(idThere(out));
		xmpp.sent.length = 0;
		const said = await says(unique("spam"));
		await redact(alice, said.here, "off topic");
		const other = await crossed("redaction");
		expect(other.event).toMatchObject({ reason: "off topic", sender: { id: alice.userId } });
		expect(other.refs[said.here]?.[0]).toBe(said.there);
		expect(other.event.kind === "redaction" && other.event.target).not.toHaveProperty("own");
	});

	test("a redacted edit restores the text of the version before", async () => {
		const words = unique("fine");
		const mine = await bob.send(room, words);
		const version = await bob.send(room, {
			...{ msgtype: "m.text", body: "* secret", "m.new_content": { msgtype: "m.text", body: "secret" } },
			"m.relates_to": { rel_type: "m.replace", event_id: mine },
		});
		await crossed("edit");
		xmpp.sent.length = 0;
		await redact(bob, version);
		expect((await crossed("edit")).event).toMatchObject({ text: words, target: { id: mine } });
	});

	test("reactions are added and removed", async () => {
		const said = await says(unique("cake"));
		const react = (key: string) =>
			bob.send(
				room,
				{ "m.relates_to": { rel_type: "m.annotation", event_id: said.here, key } },
				"m.reaction",
			);
		const thumb = await react("👍️");
		await react("❤️");
		await redact(bob, thumb);
		const sets = () =>
			xmpp.sent.flatMap(({ event }) => (event.kind === "reaction" ? [event.emoji.join("")] : []));
		await until(
			() => sets().length === 3,
			() => JSON.stringify(sets()),
		);
		expect(sets()).toEqual(["👍️", "👍️❤️", "❤️"]);
		expect((await crossed("reaction")).refs[said.here]?.[0]).toBe(said.there);
	});

	test("threads, formatting, mentions of the fictional network's people, and locations cross", async () => {
		const root = await says(unique("plans"));
		await bob.send(room, {
			msgtype: "m.text",
			body: "romeo: *tea*",
			format: "org.matrix.custom.html",
			formatted_body: `<a href="https://matrix.to/#/${romeo}">romeo</a>: <em>tea</em>`,
			"m.mentions": { user_ids: [romeo] },
			"m.relates_to": {
				...{ rel_type: "m.thread", event_id: root.here, is_falling_back: true },
				"m.in_reply_to": { event_id: root.here },
			},
		});
		const { event, refs } = await crossed("message");
		expect(event).toMatchObject({
			text: "romeo: *tea*",
			rich: [
				{ tag: "mention", person: { id: "romeo@xmpp", name: "romeo" }, children: ["romeo"] },
				": ",
				{ tag: "italic", children: ["tea"] },
			],
			thread: { id: root.here },
		});
		expect(refs[root.here]?.[0]).toBe(root.there);
		await bob.send(room, { msgtype: "m.location", body: "Big Ben", geo_uri: "geo:51.5,0.1" });
		await crossed("message", (out) => "text" in out.event && /Big Ben.*geo:51.5,0.1/.test(out.event.text));
	});

	test("a poll, its votes and its result cross as text to a room without polls", async () => {
		const start = {
			// A poll without a kind is secret until its end. // MSC3381
			kind: "org.matrix.msc3381.poll.disclosed",
			question: { "org.matrix.msc1767.text": "Lunch?" },
			answers: [
				{ id: "a", "org.matrix.msc1767.text": "Now" },
				{ id: "b", "org.matrix.msc1767.text": "Later" },
			],
		};
		const poll = await alice.send(
			room,
			{ "org.matrix.msc3381.poll.start": start, "org.matrix.msc1767.text": "Lunch?" },
			"org.matrix.msc3381.poll.start",
		);
		const asked = await crossed("message");
		expect(lines(xmpp)).toEqual([
			"alice: asks: Lunch?\n1. Now\n2. Later\n(To vote, write the number of an answer.)",
		]);
		const about = { "m.relates_to": { rel_type: "m.reference", event_id: poll } };
		await bob.send(
			room,
			{ ...about, "org.matrix.msc3381.poll.response": { answers: ["b"] } },
			"org.matrix.msc3381.poll.response",
		);
		await does({ kind: "message", style: "text", text: "2", replyTo: { id: idThere(asked) } });
		await here("romeo's vote", (one) => one.sender === romeo && relation(one).event_id === poll);
		await alice.send(
			room,
			{ ...about, "org.matrix.msc3381.poll.end": {}, "org.matrix.msc1767.text": "Closed" },
			"org.matrix.msc3381.poll.end",
		);
		await until(
			() => lines(xmpp).length === 3,
			() => JSON.stringify(lines(xmpp)),
		);
		expect(lines(xmpp).slice(1)).toEqual(["bob: voted: Later", "alice: ended the poll. Now: 0, Later: 2"]);
	});

	test("an encrypted chat of two is answered with the reason, and continues in an unencrypted room", async () => {
		const encrypted = await bob.createRoom({
			preset: "trusted_private_chat",
			is_direct: true,
			invite: [romeo],
			initial_state: [
				{ type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" } },
			],
		});
		const inThere = (event: SeenEvent) => event.room_id === encrypted;
		await bob.waitFor(
			"romeo",
			(one) => inThere(one) && one.state_key === romeo && one.content.membership === "join",
		);
		await bob.send(
			encrypted,
			{
				algorithm: "m.megolm.v1.aes-sha2",
				ciphertext: "x",
				session_id: "x",
				device_id: "x",
				sender_key: "x",
			},
			"m.room.encrypted",
		);
		const invite = await bob.waitFor(
			"an invite",
			(one) => one.from === "invite" && one.state_key === bob.userId,
		);
		await bob.waitFor("the reason", (one) => inThere(one) && /encrypted/.test(String(one.content.body)));
		await bob.waitFor(
			"romeo leaves",
			(one) => inThere(one) && one.state_key === romeo && one.content.membership === "leave",
		);
		await bob.join(invite.room_id);
		const words = unique("in the clear");
		await bob.send(invite.room_id, words);
		const out = await crossed("message", ({ event }) => "text" in event && event.text === words);
		expect(out.portal.between).toBeDefined();
	});

	test("no event of the bridge's own ghosts comes back", () => {
		expect(all.length).toBeGreaterThan(10);
		expect(all.filter(({ event }) => event.sender.network === xmpp.name)).toEqual([]);
	});
});

test("after the loss of the journal, events about the fictional network's messages still find them", async () => {
	const said = await says(unique("remember me"));
	await core.stop(5_000);
	await boot();
	await until(
		() => xmpp.attached.has(muc),
		() => "not linked",
		20_000,
	);
	await bob.send(room, { msgtype: "m.text", body: unique("I do"), ...reply(said.here) });
	const { event, refs } = await crossed("message");
	expect(event).toMatchObject({ replyTo: { author: { id: "romeo@xmpp" }, text: said.seen.content.body } });
	expect(refs[said.here]).toEqual([said.there, said.own]);
	await redact(alice, said.here);
	expect((await crossed("redaction")).refs[said.here]).toEqual([said.there, said.own]);
});
