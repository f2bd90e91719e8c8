import { createHash } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Avatar, Person } from "../../src/core/person.ts";
import type { Shown } from "../../src/core/signal.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { avatarData, avatarMetadata } from "../../src/xmpp/photo.ts";
import { until } from "../fakes.ts";
import { startTestbed, type Testbed, type XmppAccount, type XmppServerName } from "../testbed/index.ts";
import { startWire } from "../testbed/wire.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { type Fictional, fictional } from "./fictional.ts";
import { png } from "./png.ts";

let bed: Testbed;
beforeAll(async () => {
	bed = await startTestbed({ servers: ["prosody", "ejabberd"] });
});
afterAll(() => bed?.down());

const accounts = new Map<string, Promise<XmppAccount>>();
async function connect(server: XmppServerName, name: string, resource = "test"): Promise<XmppClient> {
	const key = `${name} on ${server}`;
	const account = accounts.get(key) ?? bed.xmppUser(server, name);
	accounts.set(key, account);
	return XmppClient.connect(await account, { resource });
}

describe.each(["prosody", "ejabberd"] as const)("a direct chat on %s", (server) => {
	let romeo: XmppClient;
	let bridge: Fictional;
	let alice: string;
	/** The presence of the people of the fictional network, by localpart. */
	const there = new Map<string, Shown>();
	let stores: Parameters<typeof fictional>[1];
	const run = () => fictional(bed.xmpp(server), stores);

	beforeEach(async () => {
		there.clear();
		stores = { mapping: createMemoryMapping(), journal: createMemoryJournal(), there };
		bridge = await run();
		romeo = await connect(server, "romeo");
		alice = `alice@${bed.xmpp(server).component}`;
	});
	afterEach(async () => {
		await bridge?.stop();
		await romeo?.close();
	});

	const seen = (line: string) =>
		until(
			() => bridge.lines().includes(line),
			() => bridge.lines().join(" | "),
			15_000,
		);
	const refusal = (id: string) =>
		romeo.waitFor("a refusal", (one) => one.attrs.type === "error" && one.attrs.id === id);
	const words = (error: Element) => error.getChild("error")?.getChild("text")?.getText();
	const presence = (type: string | undefined) =>
		romeo.waitFor(
			`presence ${type ?? "available"}`,
			(one) => one.is("presence") && one.attrs.from?.split("/")[0] === alice && one.attrs.type === type,
		);

	test("begins with a message from XMPP and carries messages both ways", async () => {
		await romeo.sendMessage(alice, "hello <alice> & 👋");
		await seen("romeo: hello <alice> & 👋");
		const [first] = bridge.fake.sent;
		await bridge.say(first?.room as string, bridge.person("alice", "Alice"), "hello Romeo");
		const line = await romeo.waitForMessage("hello Romeo", alice);
		expect(line.attrs.type).toBe("chat");
		expect(line.getChild("nick", "http://jabber.org/protocol/nick")?.getText()).toBe("Alice");
		await bridge.say(first?.room as string, bridge.person("alice", "Alice"), "waves", "emote");
		await romeo.waitForMessage("/me waves", alice);
	});

	test("shows equal lines of two sessions whose client counts its ids, and a line once that a client repeats", async () => {
		const again = await connect(server, "romeo", "another");
		const line = (id: string, body: string) =>
			xml("message", { to: alice, type: "chat", id }, xml("body", {}, body));
		await romeo.send(line("1", "on my way"));
		await again.send(line("1", "on my way"));
		await again.send(line("1", "on my way"));
		const unique = crypto.randomUUID();
		for (const one of [romeo, again]) await one.send(line(unique, "and back"));
		for (const one of [romeo, again]) await one.sendMessage(alice, `end of ${one.jid}`);
		for (const one of [romeo, again]) await seen(`romeo: end of ${one.jid}`);
		await again.close();
		const said = bridge.lines().filter((one) => !one.includes("end of"));
		expect(said.toSorted()).toEqual(["romeo: and back", "romeo: on my way", "romeo: on my way"]);
	});

	test("begins with a command on the other side", async () => {
		const jid = romeo.jid.split("/")[0] as string;
		expect(await bridge.command(`chat ${jid}`)).toMatch(/your chat with/);
		await bridge.say(`owner+${jid}`, bridge.person("owner"), "good morrow");
		await romeo.waitForMessage("good morrow", `owner@${bed.xmpp(server).component}`);
	});

	test("asks for a receipt of each line; that of the first lets the next one go at once", async () => {
		const jid = romeo.jid.split("/")[0] as string;
		await bridge.command(`chat ${jid}`);
		const owner = `owner@${bed.xmpp(server).component}`;
		for (const words of ["first", "second"]) void bridge.say(`owner+${jid}`, bridge.person("owner"), words);
		const first = await romeo.waitForMessage("first", owner);
		expect(first.getChild("request", "urn:xmpp:receipts")).toBeDefined();
		const began = Date.now();
		await romeo.send(
			xml(
				"message",
				{ to: first.attrs.from ?? "", type: "chat", id: "r1" },
				xml("received", { xmlns: "urn:xmpp:receipts", id: first.attrs.id ?? "" }),
			),
		);
		const next = await romeo.waitForMessage("second", owner);
		// Without the receipt the second line waits three seconds for an error.
		expect(Date.now() - began).toBeLessThan(2_500);
		expect(next.getChild("request", "urn:xmpp:receipts")).toBeDefined();
	});

	test("keeps the order of a burst, each line once", async () => {
		await romeo.sendMessage(alice, "hi");
		await seen("romeo: hi");
		const room = bridge.fake.sent[0]?.room as string;
		for (let n = 0; n < 100; n++) void bridge.say(room, bridge.person("alice"), `line ${n}`);
		await romeo.waitForMessage("line 99", alice, 20_000);
		const got = romeo.inbox.items.flatMap((one) =>
			one.is("message") ? (one.getChild("body")?.getText() ?? []) : [],
		);
		expect(got).toEqual(Array.from({ length: 100 }, (_, n) => `line ${n}`));
		for (let n = 0; n < 100; n++) await romeo.sendMessage(alice, `back ${n}`);
		await seen("romeo: back 99");
		expect(bridge.lines().slice(1)).toEqual(Array.from({ length: 100 }, (_, n) => `romeo: back ${n}`));
	});

	test("loses and repeats no line around a dozen stops: each is delivered once, or comes back", async () => {
		const [mapping, journal] = [createMemoryMapping(), createMemoryJournal()];
		await bridge.stop();
		let heard = "";
		const wire = await startWire((text) => {
			heard += text;
		});
		wire.leadsTo(Number(new URL(bed.xmpp(server).componentService).port));
		const addresses = { ...bed.xmpp(server), componentService: `xmpp://127.0.0.1:${wire.port}` };
		const run = () => fictional(addresses, { mapping, journal });
		bridge = await run();
		const muc = `stops@${bed.xmpp(server).muc}`;
		await romeo.joinRoom(muc, "Romeo");
		await romeo.configureRoom(muc);
		bridge.fake.rooms.set("plaza", [bridge.person("owner")]);
		expect(await bridge.command(`link xmpp ${muc}`)).toContain("Linked");
		await romeo.sendMessage(alice, "first");
		await seen("romeo: first");
		const delivered: string[] = [];
		const sent = { chat: [] as string[], muc: [] as string[] };
		let writing = true;
		const person = (async () => {
			for (let n = 0; writing; n++) {
				sent.chat.push(await romeo.sendMessage(alice, `chat ${n}`, "chat", `chat ${n}`));
				sent.muc.push(await romeo.sendMessage(muc, `muc ${n}`, "groupchat", `muc ${n}`));
				// Some lines are written at once.
				if (n % 8 > 1) await sleep(10 + (n % 9));
			}
		})();
		const durations: number[] = [];
		for (let stops = 0; stops < 12; stops++) {
			await sleep(50 + (stops % 10) * 7);
			const begin = Date.now();
			await bridge.stop();
			durations.push(Date.now() - begin);
			delivered.push(...bridge.lines());
			bridge = await run();
			bridge.fake.rooms.set("plaza", [bridge.person("owner")]);
		}
		writing = false;
		await person;
		await romeo.sendMessage(alice, "last", "chat");
		await romeo.sendMessage(muc, "last of all", "groupchat");
		await seen("romeo: last");
		await seen("Romeo: last of all");
		delivered.push(...bridge.lines());
		const back = () =>
			romeo.inbox.items.flatMap((one) => (one.attrs.type === "error" ? (one.attrs.id ?? []) : []));
		const ends = (id: string, nick: string) =>
			[...delivered, ...back().map((one) => `${nick}: ${one}`)].filter((one) => one === `${nick}: ${id}`)
				.length;
		// ejabberd loses a line that it routes while it processes the closing tag, at most one a stop: it neither writes nor
		// bounces it. The wire shows that the bridge has read none of them.
		const lost = () => sent.chat.filter((id) => ends(id, "romeo") === 0);
		const losesItself = server === "ejabberd" ? durations.length : 0;
		await until(
			() => lost().length <= losesItself,
			() => lost().join(", "),
			10_000,
		);
		expect(lost().filter((id) => heard.includes(`>${id}<`))).toEqual([]);
		expect(sent.chat.filter((id) => ends(id, "romeo") > 1)).toEqual([]);
		expect(sent.muc.filter((id) => ends(id, "Romeo") !== 1)).toEqual([]);
		const order = (of: string) =>
			delivered
				.flatMap((one) => (one.startsWith(of) ? Number(one.slice(of.length)) : []))
				.filter(Number.isInteger);
		for (const of of ["romeo: chat ", "Romeo: muc "])
			expect(order(of)).toEqual(order(of).toSorted((one, other) => one - other));
		expect(Math.max(...durations)).toBeLessThan(2_000);
		wire.close();
	}, 60_000);

	test("carries every character, and texts of any length", async () => {
		const quotes = '"'.repeat(60_000);
		await romeo.sendMessage(alice, quotes);
		await seen(`romeo: ${quotes}`);
		const room = bridge.fake.sent[0]?.room as string;
		await bridge.say(room, bridge.person("alice"), `\u0001\u0000a\u202e ${quotes}`);
		await romeo.waitForMessage(`a\u202e ${quotes}`, alice);
	});

	test("answers a message to an address without a person once", async () => {
		const id = await romeo.sendMessage(`nobody@${bed.xmpp(server).component}`, "anyone?");
		const error = await refusal(id);
		expect(error.getChild("error")?.getChild("item-not-found")).toBeTruthy();
		const all = await romeo.inbox.settled((one) => one.attrs.type === "error" && one.attrs.id === id, 300);
		expect(all).toHaveLength(1);
	});

	test("neither answers nor shows a stanza of type error", async () => {
		await romeo.send(xml("message", { to: alice, type: "error", id: "e1" }, xml("body", {}, "oops")));
		await romeo.send(
			xml(
				"message",
				{ to: `nobody@${bed.xmpp(server).component}`, type: "error", id: "e2" },
				xml("body", {}, "oops"),
			),
		);
		const all = await romeo.inbox.settled(
			(one) => one.is("message") && one.attrs.from?.includes(bed.xmpp(server).component) === true,
			500,
		);
		expect(all).toEqual([]);
		expect(bridge.lines()).toEqual([]);
	});

	test("tells the sender that the account does not exist", async () => {
		const jid = `tybalt@${bed.xmpp(server).domain}`;
		await bridge.command(`chat ${jid}`);
		await bridge.say(`owner+${jid}`, bridge.person("owner"), "anyone?");
		await until(
			() => bridge.fake.refused.length > 0,
			() => "no message was refused",
			15_000,
		);
		expect(bridge.fake.refused.map((one) => one.target)).toEqual(["XMPP"]);
	});

	test("tells the sender at once that the server does not exist", async () => {
		expect(await bridge.command("chat romeo@nowhere.test")).toMatch(/no XMPP server|refused|not answer/);
		expect(await bridge.command("chat not an address")).toMatch(/not an XMPP address/);
	});

	test("returns an error to the client that sent a refused message", async () => {
		const troll = await connect(server, "romeo", "other");
		bridge.fake.trouble = async () => {
			throw new (await import("../../src/core/errors.ts")).PermanentError(
				"forbidden",
				"they do not want to.",
			);
		};
		const id = await troll.sendMessage(alice, "hello");
		const error = await troll.waitFor(
			"a refusal",
			(one) => one.attrs.type === "error" && one.attrs.id === id,
		);
		expect(words(error)).toMatch(/they do not want to/);
		await troll.close();
	});

	test("refuses an encrypted message with the reason", async () => {
		const omemo = xml("encrypted", { xmlns: "eu.siacs.conversations.axolotl" });
		await romeo.send(
			xml(
				"message",
				{ to: alice, type: "chat", id: "o1" },
				xml("body", {}, "I sent you an OMEMO message"),
				omemo,
			),
		);
		expect(words(await refusal("o1"))).toMatch(/encrypted/);
		expect(bridge.lines()).toEqual([]);
	});

	const unfriend = async () => {
		const item = xml("item", { jid: alice, subscription: "remove" });
		await romeo.iq(
			romeo.jid.split("/")[0] as string,
			"set",
			xml("query", { xmlns: "jabber:iq:roster" }, item),
		);
	};

	/** Requests the roster, and removes Alice, whom the chats of earlier tests may have made a contact. */
	async function beginAsStrangers() {
		const account = romeo.jid.split("/")[0] as string;
		const roster = await romeo.iq(account, "get", xml("query", { xmlns: "jabber:iq:roster" }));
		const items = roster.getChild("query")?.getChildren("item") ?? [];
		if (items.some(({ attrs }) => attrs.jid === alice)) await unfriend();
	}

	/** Subscribes, lets the ghost subscribe in return, and begins the chat. */
	async function befriend() {
		await beginAsStrangers();
		await romeo.send(xml("presence", {}));
		await romeo.send(xml("presence", { to: alice, type: "subscribe" }));
		await presence("subscribe");
		await romeo.send(xml("presence", { to: alice, type: "subscribed" }));
		await romeo.sendMessage(alice, "good morrow");
		await seen("romeo: good morrow");
	}
	test("the two people of a chat see the presence of each other, until one of them ends that", async () => {
		there.set("alice", { show: "away", status: "at lunch" });
		await befriend();
		const shown = (show: string | undefined, status?: string) =>
			romeo.waitFor(
				`Alice ${show}`,
				(one) =>
					one.is("presence") &&
					one.attrs.from === `${alice}/trivium` &&
					one.getChild("show")?.getText() === show &&
					one.getChild("status")?.getText() === status,
			);
		const away = await shown("away", "at lunch");
		expect(away.getChild("c", "http://jabber.org/protocol/caps")).toBeDefined();
		bridge.bridge.signal({ kind: "presence", sender: bridge.person("alice", "Alice"), show: "online" });
		await shown(undefined);
		const romeoIs = (show: string, status?: string) =>
			until(
				() =>
					bridge.fake.signals.some(
						({ signal }) => signal.kind === "presence" && signal.show === show && signal.status === status,
					),
				() => JSON.stringify(bridge.fake.signals.map(({ signal }) => signal)),
				10_000,
			);
		await romeoIs("online");
		await romeo.send(xml("presence", {}, xml("show", {}, "dnd"), xml("status", {}, "asleep")));
		await romeoIs("busy", "asleep");
		// Prosody lets the bridge write the roster, in which the person is found by their name, whatever it becomes.
		const named = (name: string) =>
			romeo.waitFor(`${name} in the roster`, (one) => {
				const item = one.getChild("query", "jabber:iq:roster")?.getChild("item");
				return item?.attrs.name === name && item.getChild("group")?.getText() === "Matrix";
			});
		if (server === "prosody") {
			await named("Alice");
			const room = bridge.fake.sent[0]?.room as RoomId;
			const sender = bridge.person("alice", "Alice Capulet");
			await bridge.bridge.receive([
				{ kind: "profile", id: "renamed" as MessageId, room, sender, at: Date.now() },
			]);
			await named("Alice Capulet");
		}
		// A restart of the bridge learns and tells it all again.
		await bridge.stop();
		await presence("unavailable");
		romeo.inbox.items.length = 0;
		bridge = await run();
		await shown("away", "at lunch");
		await romeoIs("busy", "asleep");
		await unfriend();
		await presence("unavailable");
		await romeoIs("offline");
		bridge.bridge.signal({ kind: "presence", sender: bridge.person("alice", "Alice"), show: "busy" });
		await romeo.sendMessage(alice, "farewell");
		await seen("romeo: farewell");
		const later = romeo.inbox.items.filter((one) => one.getChild("show")?.getText() === "dnd");
		expect(later.filter(({ attrs }) => attrs.from?.startsWith(alice))).toEqual([]);
	});

	test("an account tells its new name and picture by its nodes alone, which its contacts may read", async () => {
		there.set("alice", { show: "online" });
		const paris = await connect(server, "paris");
		const jid = paris.jid.split("/")[0] as string;
		await paris.send(xml("presence", {}));
		await paris.send(xml("presence", { to: alice, type: "subscribe" }));
		await paris.waitFor("her request", ({ attrs }) => attrs.type === "subscribe" && attrs.from === alice);
		await paris.send(xml("presence", { to: alice, type: "subscribed" }));
		await paris.sendMessage(alice, "good morrow");
		await seen("paris: good morrow");
		const publish = (node: string, id: string, item: Element) =>
			paris.iq(
				jid,
				"set",
				xml(
					"pubsub",
					{ xmlns: "http://jabber.org/protocol/pubsub" },
					xml("publish", { node }, xml("item", { id }, item)),
				),
			);
		const news = (what: string, fits: (person: Person) => boolean) =>
			until(
				() => bridge.fake.sent.some(({ event }) => event.kind === "profile" && fits(event.sender)),
				() => `${what}: ${JSON.stringify(bridge.fake.sent.map(({ event }) => event.sender))}`,
				15_000,
			);
		const nick = "http://jabber.org/protocol/nick";
		// ejabberd drops what an account publishes before it has asked the ghost what this wants to hear.
		let heard = false;
		const named = news("a name", ({ name }) => name === "County Paris").then(() => {
			heard = true;
		});
		while (!heard) {
			await publish(nick, "current", xml("nick", { xmlns: nick }, "County Paris"));
			await Promise.race([named, sleep(500)]);
		}
		const picture = png(32);
		const hash = createHash("sha1").update(picture).digest("hex");
		const data = xml("data", { xmlns: avatarData }, picture.toString("base64"));
		await publish(avatarData, hash, data);
		const info = xml("info", { id: hash, type: "image/png", bytes: `${picture.length}` });
		await publish(avatarMetadata, hash, xml("metadata", { xmlns: avatarMetadata }, info));
		await news("a picture", ({ name, avatar }) => name === "County Paris" && avatar?.hash === hash);
		const told = bridge.fake.sent.findLast(({ event }) => event.sender.avatar?.hash === hash);
		const file = await bridge.bridge.open(told?.event.sender.avatar as Avatar);
		expect(await buffer(file.body)).toEqual(picture);
		await paris.close();
	});

	test("a ghost grants a contact its presence by name, and is not online for ever", async () => {
		// The server pushes a roster change only to clients that requested the roster (RFC 6121 §2.2).
		await beginAsStrangers();
		await romeo.send(xml("presence", { to: alice, type: "subscribe" }));
		const granted = await presence("subscribed");
		expect(granted.getChild("nick", "http://jabber.org/protocol/nick")?.getText()).toBe("Alice");
		// A later client of the account, whose server asks for the presence of all contacts.
		const phone = await connect(server, "romeo", "phone");
		await phone.waitFor(
			"the presence of Alice, who is not online",
			(one) =>
				one.is("presence") && one.attrs.from?.split("/")[0] === alice && one.attrs.type === "unavailable",
		);
		await phone.sendMessage(alice, "are you there?");
		await seen("romeo: are you there?");
		const online = [...romeo.inbox.items, ...phone.inbox.items].filter(
			(one) => one.is("presence") && one.attrs.from?.split("/")[0] === alice && one.attrs.type === undefined,
		);
		expect(online).toEqual([]);
		await phone.close();
		await romeo.send(xml("presence", { to: alice, type: "unsubscribe" }));
		await presence("unavailable");
		await romeo.send(xml("presence", { to: `nobody@${bed.xmpp(server).component}`, type: "subscribe" }));
		await romeo.waitFor(
			"the refusal",
			(one) => one.attrs.type === "unsubscribed" && one.attrs.from?.startsWith("nobody@") === true,
		);
	});

	test("answers a join to a room that the bridge does not have", async () => {
		const room = `#lobby@${bed.xmpp(server).component}`;
		await expect(romeo.joinRoom(room, "Romeo")).rejects.toThrow(/cannot be joined from here/);
		await expect(romeo.joinRoom(alice, "Romeo")).rejects.toThrow(/the address of a person/);
	});

	test("uses one room for the pair, whichever client writes", async () => {
		const other = await connect(server, "romeo", "phone");
		await romeo.sendMessage(alice, "from one");
		await other.sendMessage(alice, "from the other");
		await seen("romeo: from the other");
		expect(new Set(bridge.fake.sent.map((out) => out.room)).size).toBe(1);
		const portal = await bridge.bridge.portal(
			"xmpp" as never,
			`${romeo.jid.split("/")[0]} ${alice}` as RoomId,
		);
		expect(portal?.between).toHaveLength(2);
		await other.close();
	});
});
