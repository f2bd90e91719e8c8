import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import type { Mapping } from "../../src/core/mapping.ts";
import type { Person } from "../../src/core/person.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { until } from "../fakes.ts";
import { startTestbed, type Testbed, type XmppAccount, type XmppServerName } from "../testbed/index.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { type Fictional, fictional } from "./fictional.ts";
import { noArchive } from "./meeting.ts";

/**
 * Tests events about messages between a fictional network and real XMPP servers, with the XMPP network and core
 * alone.
 */

let bed: Testbed;
beforeAll(async () => {
	bed = await startTestbed({ servers: ["prosody", "ejabberd"] });
});
afterAll(() => bed?.down());

const accounts = new Map<string, Promise<XmppAccount>>();
async function connect(server: XmppServerName, name: string): Promise<XmppClient> {
	const key = `${name} on ${server}`;
	const account = accounts.get(key) ?? bed.xmppUser(server, name);
	accounts.set(key, account);
	return XmppClient.connect(await account);
}

const ns = {
	correct: "urn:xmpp:message-correct:0",
	retract: "urn:xmpp:message-retract:1",
	moderate: "urn:xmpp:message-moderate:1",
	reactions: "urn:xmpp:reactions:0",
	reply: "urn:xmpp:reply:0",
	fallback: "urn:xmpp:fallback:0",
	sid: "urn:xmpp:sid:0",
	muc: "http://jabber.org/protocol/muc",
};
const body = (stanza: Element) => stanza.getChild("body")?.getText();
const stanzaId = (stanza: Element) => stanza.getChild("stanza-id", ns.sid)?.attrs.id ?? "";
const reply = (id: string) => xml("reply", { xmlns: ns.reply, id });
const reactions = (id: string, ...emoji: string[]) =>
	xml("reactions", { xmlns: ns.reactions, id }, ...emoji.map((one) => xml("reaction", {}, one)));
const store = () => xml("store", { xmlns: "urn:xmpp:hints" });

type Where = { kind: "MUC" | "MUC without an archive" | "chat"; server: XmppServerName };
const places: Where[] = (["prosody", "ejabberd"] as const).flatMap((server) =>
	(["MUC", "MUC without an archive", "chat"] as const).map((kind) => ({ kind, server })),
);
let count = 0;

describe.each(places)("events in a $kind on $server", ({ kind, server }) => {
	const inMuc = kind !== "chat";
	const ids = kind !== "MUC without an archive";
	let romeo: XmppClient;
	let bridge: Fictional;
	/** The JID that romeo writes to, and the room of the fictional network. */
	let to: string;
	let room: string;
	let alice: Person;
	/** The stores that outlive a restart. */
	let stores: { mapping: Mapping; journal: Journal };

	/** Stops the bridge and starts another one on the same stores. */
	async function restart(journal = stores.journal): Promise<void> {
		stores = { ...stores, journal };
		await bridge.stop();
		const before = romeo.inbox.items.length;
		bridge = await fictional(bed.xmpp(server), stores);
		if (!inMuc) return;
		bridge.fake.rooms.set(room, [alice]);
		await romeo.waitFor(
			"Alice, again",
			(one) =>
				romeo.inbox.items.indexOf(one) >= before &&
				one.is("presence") &&
				one.attrs.from === `${to}/Alice` &&
				!one.attrs.type,
			30_000,
		);
	}

	async function makeRoom(): Promise<string> {
		const fresh = `verona${++count}@${bed.xmpp(server).muc}`;
		await romeo.joinRoom(fresh, "Romeo");
		await romeo.configureRoom(fresh, ids ? {} : noArchive[server]);
		return fresh;
	}

	beforeEach(async () => {
		romeo = await connect(server, "romeo");
		stores = { mapping: createMemoryMapping(), journal: createMemoryJournal() };
		bridge = await fictional(bed.xmpp(server), stores);
		alice = bridge.person("alice", "Alice");
		if (inMuc) {
			to = await makeRoom();
			room = "plaza";
			bridge.fake.rooms.set(room, [alice]);
			expect(await bridge.command(`link xmpp ${to}`)).toMatch(/^Linked/);
			await romeo.waitFor("Alice", (one) => one.attrs.from === `${to}/Alice` && one.is("presence"));
		} else {
			to = `alice@${bed.xmpp(server).component}`;
			await romeo.sendMessage(to, "hello");
			await until(
				() => bridge.lines().length > 0,
				() => "no message arrived",
			);
			room = bridge.fake.sent[0]?.room as string;
		}
	});
	afterEach(async () => {
		await bridge?.stop();
		await romeo?.close();
	});

	/** Sends a stanza as Romeo. Resolves with its id and, in a MUC, its stanza-id. */
	async function sends(
		words: string | undefined,
		...parts: Element[]
	): Promise<{ id: string; named: string }> {
		const id = `r${++count}`;
		const line = words === undefined ? [] : [xml("body", {}, words)];
		await romeo.send(xml("message", { to, type: inMuc ? "groupchat" : "chat", id }, ...line, ...parts));
		if (!inMuc) return { id, named: id };
		const back = await romeo.waitFor("the reflection", (one) => one.attrs.id === id && one.is("message"));
		return { id, named: stanzaId(back) };
	}
	/** Resolves with the next fitting event on the fictional network. */
	async function arrives<K extends BridgeEvent["kind"]>(
		kind: K,
		fits: (event: Extract<BridgeEvent, { kind: K }>) => boolean = () => true,
	) {
		type Sent = (typeof bridge.fake.sent)[number] & { event: Extract<BridgeEvent, { kind: K }> };
		const find = () =>
			bridge.fake.sent.find(
				(out): out is Sent => out.event.kind === kind && fits(out.event as Sent["event"]),
			);
		await until(
			() => find() !== undefined,
			() => JSON.stringify(bridge.fake.sent.map(({ event }) => event)),
			10_000,
		);
		return find() as Sent;
	}
	type What = { kind: BridgeEvent["kind"] } & Record<string, unknown>;
	/** Sends an event as Alice of the fictional network. Resolves with its id there. */
	async function does(what: What, sender = alice): Promise<MessageId> {
		const id = `a${++count}` as MessageId;
		await bridge.bridge.receive([
			{ id, room: room as RoomId, sender, at: Date.now(), ...what } as unknown as BridgeEvent,
		]);
		return id;
	}
	const says = (text: string, more: object = {}, sender = alice) =>
		does({ kind: "message", style: "text", text, ...more }, sender);
	/** Resolves with the first fitting message that romeo received from the other side. */
	const gets = (what: string, fits: (stanza: Element) => boolean) =>
		romeo.waitFor(
			what,
			(one) =>
				one.is("message") && one.attrs.type !== "error" && !one.attrs.from?.endsWith("/Romeo") && fits(one),
		);
	const nameOf = (line: Element) => (inMuc && ids ? stanzaId(line) : (line.attrs.id ?? ""));

	test("Romeo's correction, and a second one, changes the first message", async () => {
		const { id } = await sends("one");
		const first = await arrives("message", ({ text }) => text === "one");
		await sends("two", xml("replace", { xmlns: ns.correct, id }));
		const edit = await arrives("edit", ({ text }) => text === "two");
		await sends("three", xml("replace", { xmlns: ns.correct, id }));
		const again = await arrives("edit", ({ text }) => text === "three");
		for (const { event, refs } of [edit, again])
			expect(refs[event.target.own ?? event.target.id]?.[0]).toBe(`matrix:${first.operation}`);
		await sends("x", xml("replace", { xmlns: ns.correct, id: "unknown" }));
		await arrives("message", ({ text }) => text === "Correction: x");
	});

	test("Alice's correction, and a second one, names the first message by its original id", async () => {
		const id = await says("one");
		const line = await gets("the line", (one) => body(one) === "one");
		for (const text of ["two", "three"]) {
			await does({ kind: "edit", style: "text", text, target: { id, own: id } });
			const changed = await gets("the correction", (one) => body(one) === text);
			expect(changed.getChild("replace", ns.correct)?.attrs.id).toBe(line.attrs.id);
		}
		await does({ kind: "edit", style: "text", text: "x", target: { id: "old", own: "old" } });
		await gets("the reaction as text", (one) => body(one) === "Correction: x" && !one.getChild("replace"));
	});

	test("Romeo's deletion deletes the message on the fictional network", async () => {
		const { id, named } = await sends("oops");
		const line = await arrives("message", ({ text }) => text === "oops");
		if (!ids) return;
		await sends(
			"/me retracted a message",
			xml("retract", { xmlns: ns.retract, id: inMuc ? named : id }),
			xml("fallback", { xmlns: ns.fallback, for: ns.retract }),
			store(),
		);
		const { event, refs } = await arrives("redaction");
		expect(refs[event.target.own ?? ""]).toEqual([`matrix:${line.operation}`]);
		expect(bridge.lines().join()).not.toContain("retracted");
	});

	test("Alice's deletion deletes the message on XMPP", async () => {
		const id = await says("oops");
		const line = await gets("the line", (one) => body(one) === "oops");
		await does({ kind: "redaction", target: { id, own: id } });
		if (ids) {
			const retract = await gets("the retraction", (one) => !!one.getChild("retract", ns.retract));
			expect(retract.getChild("retract", ns.retract)?.attrs.id).toBe(nameOf(line));
			expect(retract.attrs.from?.split("/")[0]).toBe(line.attrs.from?.split("/")[0]);
		} else {
			const blank = await gets("the correction", (one) => !!one.getChild("replace", ns.correct));
			expect([body(blank), blank.getChild("replace")?.attrs.id]).toEqual(["(deleted)", line.attrs.id]);
		}
	});

	test("Romeo's reactions cross as a set, to messages of either network", async () => {
		const id = await says("cake");
		const line = await gets("the line", (one) => body(one) === "cake");
		const named = nameOf(line);
		await sends(undefined, reactions(named, "👍️", "❤️"), store());
		const { event, refs } = await arrives("reaction");
		expect(event).toMatchObject({ mode: "set", emoji: ["👍️", "❤️"] });
		expect(refs[event.target.id]).toEqual([id]);
		await sends(undefined, reactions(named, "❤"), store());
		await arrives("reaction", ({ emoji }) => emoji.join() === "❤️");
		await sends(undefined, reactions(named), store());
		await arrives("reaction", ({ emoji }) => emoji.length === 0);
		expect(bridge.lines().join()).not.toContain("react");
	});

	test("Alice's reactions cross as a set, or as text where no id can name the message", async () => {
		const { id, named } = await sends("cake");
		await arrives("message", ({ text }) => text === "cake");
		const copy = `matrix:${bridge.fake.sent.at(-1)?.operation}`;
		const target = { id: copy, text: "cake" };
		await does({ kind: "reaction", mode: "add", emoji: ["👍️"], target });
		if (!ids) {
			await gets("the reaction as text", (one) => body(one) === "/me reacted with 👍️ to “cake”");
			return;
		}
		await gets("the reaction", (one) => {
			const element = one.getChild("reactions", ns.reactions);
			return element?.attrs.id === (inMuc ? named : id) && element?.getChild("reaction")?.getText() === "👍️";
		});
		await does({ kind: "reaction", mode: "add", emoji: ["🎉"], target });
		await gets("both reactions", (one) => {
			const all = one.getChild("reactions", ns.reactions)?.getChildren("reaction") ?? [];
			return all.map((each) => each.getText()).join() === "👍️,🎉";
		});
		await does({ kind: "reaction", mode: "remove", emoji: ["👍️", "🎉"], target });
		const none = await gets("the removal of the reactions", (one) => {
			const element = one.getChild("reactions", ns.reactions);
			return !!element && element.getChildren("reaction").length === 0;
		});
		expect(body(none)).toBeUndefined();
	});

	test("a corrected message is the same message after a restart, under each of its ids", async () => {
		const { id } = await sends("one");
		const first = await arrives("message", ({ text }) => text === "one");
		const second = await sends("two", xml("replace", { xmlns: ns.correct, id }));
		await arrives("edit", ({ text }) => text === "two");
		const mine = await says("cake");
		await gets("the cake", (one) => body(one) === "cake");
		await does({ kind: "edit", style: "text", text: "tart", target: { id: mine, own: mine } });
		const tart = await gets("the tart", (one) => body(one) === "tart");
		await restart();
		await sends("three", xml("replace", { xmlns: ns.correct, id: second.id }));
		const edit = await arrives("edit", ({ text }) => text === "three");
		expect(edit.refs[edit.event.target.own ?? ""]?.[0]).toBe(`matrix:${first.operation}`);
		await sends(undefined, reactions(nameOf(tart), "👍️"), store());
		const { event, refs } = await arrives("reaction");
		expect(refs[event.target.id]?.[0]).toBe(mine);
		if (!ids) return;
		const retract = xml("retract", { xmlns: ns.retract, id: inMuc ? second.named : second.id });
		await sends("/me retracted", retract, xml("fallback", { xmlns: ns.fallback, for: ns.retract }), store());
		const gone = await arrives("redaction");
		expect(gone.refs[gone.event.target.own ?? ""]?.[0]).toBe(`matrix:${first.operation}`);
	});

	test("replies point at their message, both ways, and show no additional quote", async () => {
		const { id, named } = await sends("🎉 lunch?");
		const asked = await arrives("message", ({ text }) => text === "🎉 lunch?");
		const romeoThere = asked.event.sender;
		await says("yes", {
			replyTo: { id: `matrix:${asked.operation}`, author: romeoThere, text: "🎉 lunch?" },
		});
		const answer = await gets("the answer", (one) => body(one)?.endsWith("\nyes") === true);
		expect(body(answer)).toMatch(/^> \w+: 🎉 lunch\?\nyes$/);
		if (!ids) {
			expect(answer.getChild("reply")).toBeUndefined();
			return;
		}
		expect(answer.getChild("reply", ns.reply)?.attrs.id).toBe(inMuc ? named : id);
		const { start, end } = answer.getChild("fallback", ns.fallback)?.getChild("body")?.attrs ?? {};
		expect(
			Array.from(body(answer) ?? "")
				.slice(Number(start), Number(end))
				.join(""),
		).toMatch(/^> .*\n$/);
		await sends(
			"> Alice: yes\nat 🎉",
			reply(nameOf(answer)),
			xml("fallback", { xmlns: ns.fallback, for: ns.reply }, xml("body", { start: "0", end: "13" })),
		);
		const back = await arrives("message", ({ text }) => text === "at 🎉");
		expect(back.event.replyTo && back.refs[back.event.replyTo.id]).toEqual([expect.stringMatching(/^a\d+$/)]);
	});

	test("formatting, mentions and locations cross", async () => {
		await sends("*bold* and `code`");
		const { event } = await arrives("message", ({ text }) => text === "bold and code");
		expect(event.rich).toMatchObject([{ tag: "bold" }, " and ", { tag: "code" }]);
		await says("bold x", { rich: [{ tag: "bold", children: ["bold"] }, " x"] });
		await gets("styling", (one) => body(one) === "*bold* x" && !one.getChild("unstyled"));
		await says("*literal*");
		await gets("no styling", (one) => body(one) === "*literal*" && !!one.getChild("unstyled"));
		await sends("geo:45.44,12.33");
		const place = await arrives("message", ({ text }) => text.includes("geo:45.44"));
		expect(place.event.text).toContain("geo:45.44,12.33");
		if (!inMuc) return;
		await sends("Alice: look");
		const named = await arrives("message", ({ text }) => text === "Alice: look");
		expect(named.event.rich).toMatchObject([{ tag: "mention", person: { id: alice.id } }, ": look"]);
		const { sender } = named.event;
		await says("x", { rich: [{ tag: "mention", person: sender, children: ["@x:hs.test"] }, " yes"] });
		const mention = await gets("a mention", (one) => body(one) === "Romeo yes");
		expect(mention.getChild("reference", "urn:xmpp:reference:0")?.attrs).toMatchObject({
			begin: "0",
			end: "5",
			uri: `xmpp:${to}/Romeo`,
		});
		expect(mention.getChild("mention", "urn:xmpp:mentions:0")?.attrs.occupantid).toBeTruthy();
	});

	test("a poll crosses as numbered text", async () => {
		const answers = ["yes", "no"].map((text, index) => ({ id: `v${index}`, text }));
		await does({ kind: "poll", question: "Lunch?", answers });
		await gets(
			"the poll",
			(one) => body(one) === "/me asks: Lunch?\n1. yes\n2. no\n(To vote, write the number of an answer.)",
		);
	});

	test("a message of a thread arrives in its thread", async () => {
		const root = await says("root");
		await gets("the root", (one) => body(one) === "root");
		await says("leaf", { thread: { id: root, text: "root" } });
		const leaf = await gets("the leaf", (one) => body(one) === "leaf");
		const thread = leaf.getChild("thread")?.getText() ?? "";
		expect(thread).not.toBe("");
		await sends("another", xml("thread", {}, thread));
		const back = await arrives("message", ({ text }) => text === "another");
		expect(back.event.thread && back.refs[back.event.thread.id]).toEqual([root]);
		if (!inMuc) return;
		await sends("theirs", xml("thread", {}, "t1"));
		const began = await arrives("message", ({ text }) => text === "theirs");
		expect(began.event.thread).toBeUndefined();
		await sends("more", xml("thread", {}, "t1"));
		const more = await arrives("message", ({ text }) => text === "more");
		expect(more.event.thread && more.refs[more.event.thread.id]).toEqual([`matrix:${began.operation}`]);
		await restart();
		await sends("and more", xml("thread", {}, "t1"));
		const later = await arrives("message", ({ text }) => text === "and more");
		expect(later.event.thread && later.refs[later.event.thread.id]).toEqual([`matrix:${began.operation}`]);
		await says("joining in", { thread: { id: `matrix:${began.operation}` } });
		await gets(
			"their thread",
			(one) => body(one) === "joining in" && one.getChild("thread")?.getText() === "t1",
		);
	});

	if (kind === "MUC")
		test("only the author and a moderator change or delete a message, both ways", async () => {
			const juliet = await connect(server, "juliet");
			await juliet.joinRoom(to, "Juliet");
			const { id, named } = await sends("mine");
			const line = await arrives("message", ({ text }) => text === "mine");
			const forged = [
				xml(
					"message",
					{ to, type: "groupchat", id: "f1" },
					xml("body", {}, "forged"),
					xml("replace", { xmlns: ns.correct, id }),
				),
				xml(
					"message",
					{ to, type: "groupchat", id: "f2" },
					xml("retract", { xmlns: ns.retract, id: named }),
					store(),
				),
			];
			for (const stanza of forged) await juliet.send(stanza);
			await arrives("message", ({ text }) => text === "Correction: forged");
			await juliet.sendMessage(to, "end", "groupchat");
			await arrives("message", ({ text }) => text === "end");
			expect(bridge.fake.sent.some(({ event }) => event.kind === "redaction" || event.kind === "edit")).toBe(
				false,
			);

			const wanted = { kind: "redaction" as const, target: { id: `matrix:${line.operation}` } };
			await does(wanted);
			await until(
				() => bridge.fake.refused.length > 0,
				() => "not refused",
			);
			expect(bridge.fake.refused[0]?.sentence).toMatch(/only a moderator/);
			const item = xml("item", { nick: "Alice", role: "moderator" });
			await romeo.iq(to, "set", xml("query", { xmlns: `${ns.muc}#admin` }, item));
			await does({ ...wanted, reason: "brawl" });
			const announced = await romeo.waitFor("the moderation", (one) => {
				return (
					one.is("message") &&
					one.attrs.from === to &&
					one.getChild("retract", ns.retract)?.attrs.id === named
				);
			});
			expect(announced.getChild("retract", ns.retract)?.getChild("moderated", ns.moderate)).toBeTruthy();

			await says("Alice's");
			const hers = await gets("her line", (one) => body(one) === "Alice's");
			const moderate = xml(
				"moderate",
				{ xmlns: ns.moderate, id: stanzaId(hers) },
				xml("retract", { xmlns: ns.retract }),
				xml("reason", {}, "no"),
			);
			await romeo.iq(to, "set", moderate);
			const { event, refs } = await arrives("redaction");
			expect(event).toMatchObject({ reason: "no" });
			expect(refs[event.target.id]).toEqual([expect.stringMatching(/^a\d+$/)]);
			expect(bridge.fake.sent.filter((out) => out.event.kind === "redaction")).toHaveLength(1);
			await juliet.close();
		});
});
