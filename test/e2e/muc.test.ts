import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { until } from "../fakes.ts";
import { soak } from "../soak.ts";
import { startTestbed, type Testbed, type XmppAccount, type XmppServerName } from "../testbed/index.ts";
import { XmppClient, xml } from "../testbed/xmpp-client.ts";
import { type Fictional, fictional } from "./fictional.ts";

let bed: Testbed;
beforeAll(async () => {
	bed = await startTestbed({ servers: ["prosody", "ejabberd"] });
});
afterAll(() => bed?.down());

const accounts = new Map<string, Promise<XmppAccount>>();
/**
 * Connects a client for this person; registers the account once, because ejabberd refuses a second registration.
 */
async function connect(server: XmppServerName, name: string): Promise<XmppClient> {
	const key = `${name} on ${server}`;
	const account = accounts.get(key) ?? bed.xmppUser(server, name);
	accounts.set(key, account);
	return XmppClient.connect(await account);
}

let count = 0;

describe.each(["prosody", "ejabberd"] as const)("a joined MUC on %s", (server) => {
	let romeo: XmppClient;
	let bridge: Fictional;
	let room: string;
	const clients: XmppClient[] = [];

	async function client(name: string): Promise<XmppClient> {
		const one = await connect(server, name);
		clients.push(one);
		return one;
	}

	/** Makes a new MUC that romeo owns. */
	async function makeRoom(): Promise<string> {
		const fresh = `verona${++count}@${bed.xmpp(server).muc}`;
		await romeo.joinRoom(fresh, "Romeo");
		await romeo.configureRoom(fresh);
		return fresh;
	}

	beforeEach(async () => {
		romeo = await client("romeo");
		room = await makeRoom();
		bridge = await fictional(bed.xmpp(server));
		bridge.fake.rooms.set("plaza", [bridge.person("alice", "Alice")]);
	});
	afterEach(async () => {
		await bridge?.stop();
		await Promise.all(clients.splice(0).map((one) => one.close()));
	});

	const link = async () => expect(await bridge.command(`link xmpp ${room}`)).toMatch(/^Linked to/);
	const seen = (...lines: string[]) =>
		until(
			() => lines.every((line) => bridge.lines().includes(line)),
			() => bridge.lines().join(" | "),
			15_000,
		);
	/** The acts of moderators that reached the other side, as "act name (reason) by moderator". */
	const acts = () =>
		bridge.fake.sent.flatMap(({ event }) =>
			event.kind === "moderation"
				? [`${event.act} ${event.whom.name} (${event.reason}) by ${event.sender.name}`]
				: [],
		);
	const acted = (act: string) =>
		until(
			() => acts().includes(act),
			() => acts().join(" | "),
			15_000,
		);
	const administer = (attrs: Record<string, string>, reason?: string) => {
		const item = xml("item", attrs, ...(reason === undefined ? [] : [xml("reason", {}, reason)]));
		return romeo.iq(room, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
	};
	const presences = (of: XmppClient, nick: string) =>
		of.inbox.items.filter((one) => one.is("presence") && one.attrs.from === `${room}/${nick}`);
	/** Waits for a presence of this occupant. */
	const came = (nick: string) =>
		romeo.waitFor(
			`${nick} in the room`,
			(one) => one.is("presence") && one.attrs.from === `${room}/${nick}` && !one.attrs.type,
		);
	const left = (nick: string) =>
		romeo.waitFor(
			`${nick} gone`,
			(one) => one.attrs.from === `${room}/${nick}` && one.attrs.type === "unavailable",
		);

	test("people of the other side are occupants by name, and messages cross both ways", async () => {
		await link();
		await came("Alice");
		await bridge.say("plaza", bridge.person("alice", "Alice"), "hello <verona> & all");
		const received = await romeo.waitForMessage("hello <verona> & all", `${room}/Alice`);
		expect(received.attrs.type).toBe("groupchat");
		await romeo.sendMessage(room, "hello Alice", "groupchat");
		await seen("Romeo: hello Alice");
		await romeo.sendMessage(room, "/me waves", "groupchat");
		await bridge.say("plaza", bridge.person("alice", "Alice"), "bows", "emote");
		await romeo.waitForMessage("/me bows", `${room}/Alice`);
		await until(
			() =>
				bridge.fake.sent.some(
					({ event }) => event.kind === "message" && event.style === "emote" && event.text === "waves",
				),
			() => bridge.lines().join(" | "),
		);
		expect(romeo.inbox.items.map(String).join()).not.toMatch(/=40|@alice:hs\.test/);
	});

	test("people who are silent leave after the time that the admin sets, and come back with their next line", async () => {
		await bridge.stop();
		bridge = await fictional(bed.xmpp(server), { idleAfter: 2_000 });
		const [alice, bob] = [bridge.person("alice"), bridge.person("bob")];
		bridge.fake.rooms.set("plaza", [alice, bob]);
		await link();
		await came("Bob");
		await left("Bob");
		await left("Alice");
		await romeo.sendMessage(room, "anybody?", "groupchat");
		await seen("Romeo: anybody?");
		const before = presences(romeo, "Alice").length;
		await bridge.say("plaza", alice, "I am");
		await romeo.waitForMessage("I am", `${room}/Alice`);
		expect(presences(romeo, "Alice").slice(before)[0]?.attrs.type).toBeUndefined();
		expect(presences(romeo, "Bob").at(-1)?.attrs.type).toBe("unavailable");
	});

	const crowd = soak ? 20 : 8;
	test(`each of ${crowd} people gets each message once, in order, and no echo of their own`, async () => {
		const people = Array.from({ length: crowd }, (_, n) => bridge.person(`p${n}`, `Person ${n}`));
		bridge.fake.rooms.set("plaza", people);
		await link();
		await Promise.all(people.map((one) => came(one.name ?? "")));
		for (const one of people) await bridge.say("plaza", one, `I am ${one.name}`);
		await Promise.all(people.map((one) => romeo.waitForMessage(`I am ${one.name}`, `${room}/${one.name}`)));
		for (let n = 0; n < 30; n++) await romeo.sendMessage(room, `line ${n}`, "groupchat");
		await seen("Romeo: line 29");
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(bridge.lines()).toEqual(Array.from({ length: 30 }, (_, n) => `Romeo: line ${n}`));
		const received = romeo.inbox.items.filter(
			(one) => one.is("message") && one.getChild("body")?.getText().startsWith("I am"),
		);
		expect(received.map((one) => one.getChild("body")?.getText())).toEqual(
			people.map((one) => `I am ${one.name}`),
		);
	});

	test("each message sent during our joins arrives", async () => {
		const sent: string[] = [];
		let linked = false;
		const talks = (async () => {
			for (; !linked; await new Promise((resolve) => setTimeout(resolve, 10))) {
				sent.push(`line ${sent.length}`);
				await romeo.sendMessage(room, sent.at(-1) ?? "", "groupchat");
			}
		})();
		await new Promise((resolve) => setTimeout(resolve, 1_500));
		const asked = sent.length;
		await link();
		linked = true;
		await talks;
		await seen(`Romeo: ${sent.at(-1)}`);
		const lines = bridge.lines();
		expect(lines).toEqual(sent.slice(-lines.length).map((line) => `Romeo: ${line}`));
		// A MUC's history has times of whole seconds.
		const joined = romeo.inbox.items.findIndex((one) => one.attrs.from === `${room}/Trivium`);
		const before = romeo.inbox.items.slice(0, joined).filter((one) => one.getChild("body")).length;
		expect(lines.length, "from before the room knew of us").toBeGreaterThan(sent.length - before);
		expect(lines.length, "from before we were asked to come").toBeLessThan(sent.length - asked + 110);
	});

	test("two messages with the same id and different texts are two messages", async () => {
		await link();
		await romeo.sendMessage(room, "first", "groupchat", "1-1-1-1-1");
		await romeo.sendMessage(room, "second", "groupchat", "1-1-1-1-1");
		await seen("Romeo: first", "Romeo: second");
	});

	test("a name with an emoji gets a nick that the server accepts, and the full name in a nick element", async () => {
		const alice = bridge.person("alice", "Alice 🎉");
		bridge.fake.rooms.set("plaza", [alice]);
		await link();
		await bridge.say("plaza", alice, "party");
		const line = await romeo.waitForMessage("party", room);
		const nick = line.attrs.from?.split("/")[1] ?? "";
		expect(nick).toMatch(/^Alice( 🎉)?$/);
		const [presence] = presences(romeo, nick);
		if (nick !== "Alice 🎉")
			expect(presence?.getChild("nick", "http://jabber.org/protocol/nick")?.getText()).toBe("Alice 🎉");
	});

	test("a person whose nick is taken gets another one, and their messages cross", async () => {
		await link();
		await bridge.say("plaza", bridge.person("r2", "Romeo"), "I am another Romeo");
		const line = await romeo.waitForMessage("I am another Romeo", room);
		expect(line.attrs.from).toBe(`${room}/Romeo (r2)`);
		await romeo.sendMessage(room, "no, I am", "groupchat");
		await seen("Romeo: no, I am");
		expect(bridge.lines()).not.toContain("Romeo: I am another Romeo");
	});

	test("joins, leaves and renames on XMPP appear on the other side", async () => {
		await link();
		const juliet = await client("juliet");
		await juliet.joinRoom(room, "Juliet");
		await juliet.send(xml("presence", { to: `${room}/Jules` }));
		await juliet.sendMessage(room, "it is me", "groupchat");
		await seen("Jules: it is me");
		await juliet.leaveRoom(room, "Jules");
		const story = () =>
			bridge.fake.sent.flatMap(({ event }) =>
				event.kind === "membership"
					? [`${event.sender.name} ${event.change}`]
					: event.kind === "profile"
						? [`now ${event.sender.name}`]
						: [],
			);
		await until(
			() => story().includes("Jules leave"),
			() => story().join(" | "),
		);
		expect(story().filter((one) => one.includes("Romeo"))).toEqual(["Romeo join"]);
		expect(story()).toContain("Juliet join");
		const people = bridge.fake.sent.flatMap(({ event }) =>
			event.sender.name?.startsWith("Ju") ? [event.sender] : [],
		);
		if (story().includes("now Jules")) expect(new Set(people.map((one) => one.id)).size).toBe(1);
	});

	test("leaves and renames on the other side appear in the MUC", async () => {
		await link();
		await came("Alice");
		const renamed = bridge.person("alice", "Alicia");
		await bridge.bridge.receive([
			{ kind: "profile", id: "p1" as never, room: "plaza" as never, sender: renamed, at: Date.now() },
		]);
		await came("Alicia");
		await bridge.say("plaza", renamed, "same as ever");
		await romeo.waitForMessage("same as ever", `${room}/Alicia`);
		await bridge.move("plaza", renamed, "leave");
		await left("Alicia");
		expect(bridge.lines()).toEqual([]);
	});

	test("unlink removes all our occupants", async () => {
		await link();
		await came("Alice");
		expect(await bridge.command("unlink xmpp")).toContain("Unlinked");
		await left("Alice");
		await left("Trivium");
		const items = await romeo.iq(
			room,
			"get",
			xml("query", { xmlns: "http://jabber.org/protocol/disco#items" }),
		);
		const names = items.getChildren("item").map((one) => one.attrs.name);
		expect(names.filter((name) => name !== "Romeo")).toEqual([]);
	});

	test("a clean stop removes all our occupants", async () => {
		await link();
		await came("Alice");
		await bridge.stop();
		await left("Alice");
		await left("Trivium");
	});

	test("after a restart the same people are occupants, and messages cross both ways", async () => {
		const [mapping, journal] = [createMemoryMapping(), createMemoryJournal()];
		await bridge.stop();
		bridge = await fictional(bed.xmpp(server), { mapping, journal });
		bridge.fake.rooms.set("plaza", [bridge.person("alice", "Alice")]);
		await link();
		await came("Alice");
		await bridge.stop();
		await left("Alice");
		romeo.inbox.items.splice(0);
		bridge = await fictional(bed.xmpp(server), { mapping, journal });
		await came("Alice");
		await bridge.say("plaza", bridge.person("alice", "Alice"), "here again");
		await romeo.waitForMessage("here again", `${room}/Alice`);
		await romeo.sendMessage(room, "welcome", "groupchat");
		await seen("Romeo: welcome");
		expect(bridge.lines()).toEqual(["Romeo: welcome"]);
	});

	test("a kicked person stays out, reads so at their next message, and can join again", async () => {
		await link();
		await came("Alice");
		await administer({ nick: "Alice", role: "none" }, "enough");
		await left("Alice");
		const alice = bridge.person("alice", "Alice");
		await acted("kick Alice (enough) by Romeo");
		await bridge.say("plaza", alice, "am I heard?");
		await until(
			() => bridge.fake.refused.length > 0,
			() => "no message was refused",
		);
		expect(bridge.fake.refused[0]?.sentence).toMatch(/kicked.*enough.*join it again/s);
		await bridge.move("plaza", alice, "leave");
		await bridge.move("plaza", alice, "join");
		await bridge.say("plaza", alice, "here again");
		await romeo.waitForMessage("here again", `${room}/Alice`);
		expect(romeo.inbox.items.filter((one) => one.getChild("body")?.getText() === "am I heard?")).toEqual([]);
	});

	test("bans and kicks by moderators cross both ways, and a refused one tells its moderator", async () => {
		await link();
		await came("Alice");
		const juliet = await client("juliet");
		await juliet.joinRoom(room, "Juliet");
		const [carol, alice] = [bridge.person("carol", "Carol"), bridge.person("alice", "Alice")];
		await bridge.move("plaza", carol, "join");
		await came("Carol");
		const joins = () =>
			bridge.fake.sent.flatMap(({ event: { kind, sender, ...event } }) =>
				sender.name === "Juliet" && "change" in event && event.change === "join" ? [sender] : [],
			);
		const joined = (times: number) =>
			until(
				() => joins().length === times,
				() => `Juliet came ${joins().length} times`,
			);
		await joined(1);
		const act = (what: "kick" | "ban", id: string) =>
			bridge.bridge.receive([
				{
					...{ kind: "moderation", act: what, whom: joins().at(-1) as never, reason: "brawl" },
					...{ id: id as never, room: "plaza" as never, sender: alice, at: Date.now() },
				},
			]);
		await act("kick", "k1");
		await until(
			() => bridge.fake.refused.length === 1,
			() => "nobody was told",
		);
		expect(bridge.fake.refused[0]?.sentence).toMatch(/only a moderator/);
		const jid = romeo.inbox.items
			.find((one) => one.attrs.from === `${room}/Alice`)
			?.getChild("x")
			?.getChild("item")?.attrs.jid;
		await administer({ jid: jid?.split("/")[0] ?? "", affiliation: "admin" });
		await act("kick", "k2");
		const kicked = await left("Juliet");
		expect(String(kicked)).toMatch(/brawl.*307|307.*brawl/s);
		await juliet.joinRoom(room, "Juliet");
		await joined(2);
		await act("ban", "b1");
		await juliet.waitFor("a ban", (one) => String(one).includes("301"));
		await administer({ nick: "Carol", affiliation: "outcast" }, "spam");
		await acted("ban Carol (spam) by Romeo");
		// Alice hears of it, as an admin.
		const carols = await romeo.waitFor("Carol's JID", (one) => one.attrs.from === `${room}/Carol`);
		const her = carols.getChild("x")?.getChild("item")?.attrs.jid?.split("/")[0] ?? "";
		await administer({ jid: her, affiliation: "none" });
		await until(
			() => acts().some((one) => one.startsWith("unban ")),
			() => acts().join(" | "),
			15_000,
		);
	});

	test("a person whom a room for members puts out reads that this is the reason", async () => {
		await link();
		await came("Alice");
		const grant = async (nick: string, affiliation: string) => {
			const there = await romeo.waitFor(nick, (one) => one.attrs.from === `${room}/${nick}`);
			const jid = there.getChild("x")?.getChild("item")?.attrs.jid?.split("/")[0] ?? "";
			const item = xml("item", { jid, affiliation });
			await romeo.iq(room, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
		};
		await grant("Alice", "member");
		await grant("Trivium", "member");
		await romeo.configureRoom(room, { "muc#roomconfig_membersonly": "1" });
		await grant("Alice", "none");
		await left("Alice");
		await until(
			() => acts().some((act) => /^kick Alice .*member/.test(act)),
			() => acts().join(" | "),
		);
		await bridge.say("plaza", bridge.person("alice", "Alice"), "am I heard?");
		await until(
			() => bridge.fake.refused.length > 0,
			() => "no message was refused",
		);
		expect(bridge.fake.refused[0]?.sentence).toMatch(/admins can grant membership/);
	});

	test("messages sent after our listener was kicked still arrive", async () => {
		await link();
		await came("Alice");
		await romeo.sendMessage(room, "before", "groupchat");
		const item = xml("item", { nick: "Trivium", role: "none" }, xml("reason", {}, "no lurkers"));
		await romeo.iq(room, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
		for (const n of [1, 2, 3]) await romeo.sendMessage(room, `after ${n}`, "groupchat");
		await seen("Romeo: after 3");
		expect(bridge.lines().filter((line) => line.startsWith("Romeo: "))).toEqual([
			"Romeo: before",
			"Romeo: after 1",
			"Romeo: after 2",
			"Romeo: after 3",
		]);
		expect(bridge.lines().join()).toMatch(/The bridge was kicked.*no lurkers/);
		await bridge.say("plaza", bridge.person("alice", "Alice"), "still here");
		await romeo.waitForMessage("still here", `${room}/Alice`);
	});

	test("a ban of our listener ends the portal, and the other side reads why", async () => {
		await link();
		await came("Alice");
		const listener = romeo.inbox.items.find((one) => one.attrs.from === `${room}/Trivium`);
		const jid = listener?.getChild("x")?.getChild("item")?.attrs.jid?.split("/")[0] ?? "";
		await administer({ jid, affiliation: "outcast" });
		await left("Alice");
		expect(bridge.fake.announced).toEqual([
			expect.stringMatching(/^plaza: .* has banned the bridge.*for good/),
		]);
		expect(await bridge.command("unlink xmpp")).toMatch(/not bridged/);
	});

	test("only the sender of a message that was refused on the other side reads the reason", async () => {
		const tybalt = await client("tybalt");
		await tybalt.joinRoom(room, "Tybalt");
		await link();
		bridge.fake.trouble = () => Promise.reject(new PermanentError("forbidden", "may not speak there."));
		await romeo.sendMessage(room, "am I heard?", "groupchat");
		const notice = "Not delivered to MATRIX: may not speak there.";
		const word = await romeo.waitForMessage(notice, `${room}/Trivium`);
		expect(word.attrs.type).toBe("chat");
		bridge.fake.trouble = () => Promise.resolve();
		await romeo.sendMessage(room, "and now?", "groupchat");
		await seen("Romeo: and now?");
		expect(tybalt.inbox.items.filter((one) => one.getChild("body")?.getText() === notice)).toEqual([]);
	});

	test("a person without voice reads that they may not speak", async () => {
		await link();
		await came("Alice");
		const mute = xml("item", { nick: "Alice", role: "visitor" });
		await romeo.configureRoom(room, { "muc#roomconfig_moderatedroom": "1" });
		await romeo.iq(room, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, mute));
		await bridge.say("plaza", bridge.person("alice", "Alice"), "am I heard?");
		await until(
			() => bridge.fake.refused.length > 0,
			() => "no message was refused",
		);
		expect(bridge.fake.refused[0]?.sentence).toMatch(/voice/);
	});

	test("a room that does not exist, or is no MUC, is the reason of the refusal", async () => {
		const { muc, domain } = bed.xmpp(server);
		expect(await bridge.command(`link xmpp nowhere@${muc}`)).toContain(
			`there is no XMPP room nowhere@${muc}`,
		);
		expect(await bridge.command(`link xmpp romeo@${domain}`)).toMatch(/is not an XMPP room/);
		expect(await bridge.command("link xmpp @alice:hs.test")).toMatch(/is not an XMPP address/);
		expect(await bridge.command(`link xmpp x@${bed.xmpp(server).component}`)).toMatch(/bridge itself/);
		expect(await bridge.command("link xmpp room@muc.unknown.test")).toMatch(
			/no XMPP server|not answer|refused/,
		);
	});

	test("a members-only room is linked once its admin lets the stated address in, and speaks by name", async () => {
		const { component } = bed.xmpp(server);
		const listener = `trivium@${component}`;
		const affiliate = (jid: string, affiliation: string) =>
			romeo.iq(
				room,
				"set",
				xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, xml("item", { jid, affiliation })),
			);
		await romeo.configureRoom(room, { "muc#roomconfig_membersonly": "1" });
		expect(await bridge.command(`link xmpp ${room}`)).toContain(`make ${listener} a member`);
		await affiliate(listener, "member");
		await affiliate(`bob@${component}`, "member");
		await link();
		const [alice, bob] = [bridge.person("alice", "Alice"), bridge.person("bob", "Bob")];
		await bridge.say("plaza", alice, "one of many");
		await bridge.say("plaza", bob, "one of you");
		await romeo.waitForMessage("Alice: one of many", `${room}/Trivium`);
		await romeo.waitForMessage("one of you", `${room}/Bob`);
		await romeo.sendMessage(room, "welcome", "groupchat");
		await seen("Romeo: welcome");
		// The admin takes the listener's membership: the ghost that is a member listens in its place.
		await affiliate(listener, "none");
		await romeo.waitFor(
			"the listener gone",
			(one) => one.attrs.from === `${room}/Trivium` && one.attrs.type === "unavailable",
		);
		await bridge.say("plaza", alice, "and now?");
		await until(
			() => bridge.fake.refused.length > 0,
			() => "no refusal",
		);
		expect(bridge.fake.refused[0]?.sentence).toContain(`make ${listener} a member`);
		await bridge.say("plaza", bob, "still here");
		await romeo.waitForMessage("still here", `${room}/Bob`);
		await romeo.sendMessage(room, "so are we", "groupchat");
		await seen("Romeo: so are we");
	});

	test("a room that becomes one for members only goes on through the stated address", async () => {
		await link();
		const alice = bridge.person("alice", "Alice");
		await bridge.say("plaza", alice, "in the open");
		await romeo.waitForMessage("in the open", `${room}/Alice`);
		const jid = `trivium@${bed.xmpp(server).component}`;
		const item = xml("item", { jid, affiliation: "member" });
		await romeo.iq(room, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
		await romeo.configureRoom(room, { "muc#roomconfig_membersonly": "1" });
		await romeo.sendMessage(room, "closed", "groupchat");
		await seen("Romeo: closed");
		await bridge.say("plaza", alice, "behind doors");
		await romeo.waitForMessage("Alice: behind doors", `${room}/Trivium`);
	});

	test("every character, and texts of any length, arrive", async () => {
		await link();
		const alice = bridge.person("alice", "Alice");
		const quotes = '"'.repeat(60_000);
		const odd = "\u0001\u202eright to left\u202c <&>\"' \ud800 שלום 👩‍👩‍👧 ]]> \ufffe end";
		await bridge.say("plaza", alice, odd);
		await bridge.say("plaza", alice, quotes);
		await bridge.say("plaza", alice, "after");
		await romeo.waitForMessage("after", `${room}/Alice`);
		await romeo.waitForMessage(quotes, `${room}/Alice`);
		const line = await romeo.waitFor(
			"the odd line",
			(one) => !!one.getChild("body")?.getText().includes("right to left"),
		);
		expect(line.getChild("body")?.getText()).toBe(
			"\u202eright to left\u202c <&>\"' \ufffd שלום 👩‍👩‍👧 ]]>  end",
		);
		await romeo.sendMessage(room, quotes, "groupchat");
		await romeo.sendMessage(room, "שלום 👩‍👩‍👧 <&>", "groupchat");
		await seen(`Romeo: ${quotes}`, "Romeo: שלום 👩‍👩‍👧 <&>");
	});

	test("an encrypted message is neither shown as ciphertext nor dropped in silence", async () => {
		await link();
		const omemo = xml(
			"encrypted",
			{ xmlns: "eu.siacs.conversations.axolotl" },
			xml("payload", {}, "c2VjcmV0"),
		);
		await romeo.send(
			xml(
				"message",
				{ to: room, type: "groupchat", id: "o1" },
				xml("body", {}, "I sent you an OMEMO message"),
				omemo,
			),
		);
		await until(
			() => bridge.lines().length > 0,
			() => "no message arrived",
		);
		expect(bridge.lines().join()).toMatch(/Romeo: .*encrypted message/);
		expect(bridge.lines().join()).not.toContain("OMEMO");
	});

	test("a private message has a chat of its own, which follows a new nick and ends with a notice when its person leaves", async () => {
		await link();
		await came("Alice");
		const mercutio = await client("mercutio");
		await mercutio.joinRoom(room, "Mercutio");
		await romeo.sendMessage(`${room}/Alice`, "psst");
		await seen("Romeo: psst");
		const alice = bridge.person("alice", "Alice");
		const chat = bridge.fake.sent.find(({ event }) => event.kind === "message")?.room as string;
		expect(chat).not.toBe("plaza");
		await bridge.say(chat, alice, "what is it?");
		const answer = await romeo.waitForMessage("what is it?", `${room}/Alice`);
		expect(answer.attrs.type).toBe("chat");
		expect(answer.getChild("x", "http://jabber.org/protocol/muc#user")).toBeDefined();
		await romeo.send(xml("presence", { to: `${room}/Montague` }));
		await came("Montague");
		await bridge.say(chat, alice, "a new name?");
		await romeo.waitForMessage("a new name?", `${room}/Alice`);
		const quiet = mercutio.inbox.items.filter((one) => /psst|what is it|a new name/.test(String(one)));
		expect(quiet).toEqual([]);
		await romeo.leaveRoom(room, "Montague");
		await until(
			() => bridge.lines().some((line) => /Montague has left the room/.test(line)),
			() => bridge.lines().join(" | "),
		);
		await bridge.say(chat, alice, "are you there?");
		await until(
			() => bridge.fake.refused.length > 0,
			() => "no refusal",
		);
		expect(bridge.fake.refused[0]?.sentence).toContain("not in the room");
		await mercutio.leaveRoom(room, "Mercutio");
	});
});

describe.each(["prosody", "ejabberd"] as const)("a restart of %s", (server) => {
	test("all our occupants come back, and messages sent meanwhile arrive, once and in order", async () => {
		const before = await connect(server, "mercutio");
		const room = `plague@${bed.xmpp(server).muc}`;
		await before.joinRoom(room, "Mercutio");
		await before.configureRoom(room, { "muc#roomconfig_persistentroom": "1" });
		const bridge = await fictional(bed.xmpp(server));
		const alice = bridge.person("alice", "Alice");
		bridge.fake.rooms.set("plaza", [alice]);
		let after: XmppClient | undefined;
		try {
			expect(await bridge.command(`link xmpp ${room}`)).toMatch(/^Linked/);
			await bridge.say("plaza", alice, "before");
			await before.waitForMessage("before", `${room}/Alice`);
			await bed.stop(server);
			for (const n of [1, 2, 3]) await bridge.say("plaza", alice, `meanwhile ${n}`);
			await bed.start(server);
			// The MUC's history holds the messages that the bridge delivers before mercutio joins.
			after = await connect(server, "mercutio");
			await after.joinRoom(room, "Mercutio", { history: 20 });
			await after.waitFor(
				"the last line",
				(one) => one.getChild("body")?.getText() === "meanwhile 3",
				40_000,
			);
			const said = () => after?.inbox.items.flatMap((one) => one.getChild("body")?.getText() ?? []) ?? [];
			expect(said().filter((one) => one.startsWith("meanwhile"))).toEqual([
				"meanwhile 1",
				"meanwhile 2",
				"meanwhile 3",
			]);
			await after.sendMessage(room, "welcome back", "groupchat");
			await until(
				() => bridge.lines().includes("Mercutio: welcome back"),
				() => bridge.lines().join(" | "),
				15_000,
			);
		} finally {
			await bridge.stop();
			await before.close();
			await after?.close();
		}
	});
});
