import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Support } from "../../src/core/capabilities.ts";
import { downgrade } from "../../src/core/downgrade.ts";
import type { MessageId, NetworkName } from "../../src/core/ids.ts";
import { createPermissions } from "../../src/core/permissions.ts";
import type { Person } from "../../src/core/person.ts";
import { direct, joined, withoutIds } from "../../src/xmpp/capabilities.ts";
import { account, fromGroupchat, nowhere, occupant, parseMessage } from "../../src/xmpp/from-xmpp.ts";
import { stanzaOf } from "../../src/xmpp/made-up-ids.ts";
import { delay, delayedBy } from "../../src/xmpp/message/delay.ts";
import type { Participants, ReadContext, Sayable, WriteContext } from "../../src/xmpp/message/feature.ts";
import { roomFeatures } from "../../src/xmpp/muc/discovery.ts";
import { enter, occupantPresence } from "../../src/xmpp/muc/presence.ts";
import { type Element, serialize, text, xml } from "../../src/xmpp/stream/xml.ts";
import * as to from "../../src/xmpp/to-xmpp.ts";
import { files, kindsOf, vectors } from "../vectors.ts";
import { stanza } from "./stanza.ts";

const room = "verona@muc.test";

const juliet = occupant(room, "Juliet", { occupantId: "o-juliet" });
const benvolio = occupant(room, "Benvolio 🎉", { occupantId: "o-benvolio" });
const liddell = occupant(room, "Alice Liddell", { occupantId: "o-liddell" });
const will = occupant(room, "will", { occupantId: "o-will" });
const alice: Person = { ...account("alice@hs.test"), network: "matrix" as NetworkName, name: "Alice" };
const bot: Person = { ...account("bot@hs.test"), network: "matrix" as NetworkName, name: "Bot" };
/** A MUC with XMPP occupants and our own occupant for Alice. */
const inRoom: Participants = {
	muc: room,
	named: "sid",
	at: (jid) =>
		({
			[`${room}/Juliet`]: juliet,
			[`${room}/Benvolio 🎉`]: benvolio,
			[`${room}/Alice`]: alice,
			[`${room}/Alice Liddell`]: liddell,
			[`${room}/will`]: will,
			[`${room}/Bo`]: occupant(room, "Bo"),
			"alice@bridge.test": alice,
		})[jid],
	known: (id) => ({ "o-juliet": juliet, "o-alice": alice })[id],
	of: (person) => {
		const nick = { [juliet.id]: "Juliet", [alice.id]: "Alice" }[person.id];
		const occupantId = { [juliet.id]: "o-juliet" }[person.id];
		return nick ? { nick, jid: `${room}/${nick}`, ...(occupantId && { occupantId }) } : {};
	},
};
const reading = (more: Partial<ReadContext> = {}): ReadContext => ({
	...nowhere,
	...inRoom,
	author: "author",
	...more,
});
const pair: ReadContext = {
	...nowhere,
	author: "romeo@montague.lit",
	at: (jid) => ({ "alice@bridge.test": alice })[jid],
};

/** Returns the event with people replaced by their names, and without empty `aka`. */
const shortly = (value: unknown): unknown =>
	JSON.parse(
		JSON.stringify(value, (key, one) =>
			(key === "person" || key === "author") && typeof one === "object"
				? one.name
				: key === "aka" && one.length === 0
					? undefined
					: one,
		) ?? "null",
	);

describe("parseMessage", () => {
	type Case = { in: string; where?: "pair" | "room itself"; language?: string; type?: string; out?: object };
	const others = [...files, "member", "groupchat", "late"];
	for (const kind of kindsOf("from-xmpp").filter((one) => !others.includes(one)))
		test.each(vectors<Case>("from-xmpp", kind))(
			`${kind}: $name`,
			({ in: inside, where, language, type, out }) => {
				const { author: _, ...itself } = reading({ room: true });
				const base = where === "pair" ? pair : where === "room itself" ? itself : reading();
				const attrs = `${language ? ` xml:lang='${language}'` : ""}${type ? ` type='${type}'` : ""}`;
				const seen = parseMessage(stanza(`<message${attrs}>${inside}</message>`), base);
				expect(shortly(seen) ?? undefined).toEqual(out);
			},
		);
});

describe("fromGroupchat", () => {
	type Case = { in: string; stanzaIds: boolean; out: { id?: string; stanza?: string; delayed?: number } };
	for (const kind of ["groupchat", "late"])
		test.each(vectors<Case>("from-xmpp", kind))(`${kind}: $name`, ({ in: line, stanzaIds, out }) => {
			const message = stanza(line);
			const sender = occupant(room, "Romeo");
			const event = fromGroupchat(message, { room, sender, stanzaIds, now: 5, place: nowhere });
			expect(event).toMatchObject({ kind: "message", room, sender, text: "hi", style: "text", at: 5 });
			expect(delayedBy(message, room)).toBe(out.delayed);
			if (out.id) expect(event?.id).toBe(out.id);
			else expect(event && stanzaOf(event.id)).toBe(out.stanza);
		});
});

describe("occupantPresence", () => {
	type Case = { in: string; type?: string; out: Record<string, unknown> };
	for (const { name, type, in: inside, out } of vectors<Case>("from-xmpp", "member"))
		test(name, () => {
			const attrs = `from='${room}/Romeo'${type ? ` type='${type}'` : ""}`;
			const { nick, codes, ...seen } = occupantPresence(stanza(`<presence ${attrs}>${inside}</presence>`));
			expect(nick).toBe("Romeo");
			expect({ ...seen, codes: [...codes] }).toEqual(out);
		});
});

test("roomFeatures reads name, topic and features of a MUC", () => {
	const info = stanza(`<query xmlns='http://jabber.org/protocol/disco#info'>
		<identity category='conference' type='text' name='Verona'/>
		<feature var='http://jabber.org/protocol/muc'/><feature var='muc_membersonly'/><feature var='urn:xmpp:sid:0'/>
		<x xmlns='jabber:x:data'><field var='muc#roominfo_subject'><value>Quarrels</value></field></x></query>`);
	expect(roomFeatures(info)).toEqual({
		muc: true,
		name: "Verona",
		topic: "Quarrels",
		membersOnly: true,
		password: false,
		listed: false,
		stanzaIds: true,
		occupantIds: false,
		hats: false,
		moderated: false,
		archive: false,
		moderation: false,
	});
});

test.each([
	["muc_public muc_open", true],
	["muc_public", true],
	["muc_hidden muc_open", false],
	["muc_public muc_membersonly", false],
	["muc_public muc_passwordprotected", false],
])("a MUC with the features %s is one that everybody finds and enters: %s", (given, listed) => {
	const features = given.split(" ").map((one) => `<feature var='${one}'/>`);
	const info = stanza(`<query xmlns='http://jabber.org/protocol/disco#info'>${features.join("")}</query>`);
	expect(roomFeatures(info).listed).toBe(listed);
});

describe("account and occupant", () => {
	test("identify an account by its bare JID, and an occupant by MUC and nick", () => {
		expect(account("romeo@montague.lit/orchard")).toMatchObject({
			id: "romeo@montague.lit",
			address: ["romeo@montague.lit"],
			name: "romeo",
			domain: "montague.lit",
		});
		expect(occupant(room, "Romeo")).toMatchObject({
			id: `${room}/Romeo`,
			address: [room, "Romeo"],
			handles: [`${room}/Romeo`, room],
			domain: "muc.test",
		});
	});
	test("never give a nick and an occupant-id the same id", () => {
		fc.assert(
			fc.property(fc.string(), fc.string({ minLength: 1 }), (nick, occupantId) => {
				return occupant(room, nick).id !== occupant(room, "x", { occupantId }).id;
			}),
		);
	});
	test("keep the id and address of an occupant with an occupant-id after a nick change", () => {
		const one = occupant(room, "Romeo", { occupantId: "o1" });
		const other = occupant(room, "Montague", { occupantId: "o1", firstNick: "Romeo" });
		expect([other.id, other.address]).toEqual([one.id, one.address]);
		expect(other.name).toBe("Montague");
	});
});

const writing = (more: Partial<WriteContext> = {}): WriteContext => ({
	...inRoom,
	refs: {},
	shown: [],
	reactions: "native",
	component: "bridge.test",
	...more,
});
const says = (event: object): Sayable =>
	({
		kind: "message",
		style: "text",
		id: "$1",
		room: "!r",
		sender: alice,
		at: 1_795_255_200_000,
		...event,
	}) as Sayable;

test("a block by address holds for an occupant whose address the MUC shows, else a block by nick or MUC", () => {
	const room = "garden@muc.test";
	const level = (glob: string, real?: string) =>
		createPermissions({ "*": "use", [glob]: "block" })(occupant(room, "Eve", { real, occupantId: "o1" }));
	expect(level("*@guests.example", "eve@guests.example")).toBe("block");
	expect(level("eve@guests.example", "eve@guests.example")).toBe("block");
	expect(level("*@guests.example")).toBe("use");
	expect(level("garden@muc.test/Eve")).toBe("block");
	expect(level("garden@muc.test")).toBe("block");
});

describe("to-xmpp", () => {
	type Case = {
		in: Record<string, unknown>;
		as?: "room" | "pair" | "relayed" | "room without ids";
		support?: Support;
		refs?: Record<string, MessageId[]>;
		shown?: string[];
		passed?: string[];
		out: string;
	};
	/** Replaces people's names by the people. */
	const people = (value: unknown): unknown =>
		JSON.parse(JSON.stringify(value), (key, one) =>
			key === "person" || key === "author" ? { Juliet: juliet, Alice: alice, Bot: bot }[one as string] : one,
		);
	for (const kind of kindsOf("to-xmpp").filter((one) => !files.includes(one)))
		test.each(vectors<Case>("to-xmpp", kind))(`${kind}: $name`, (one) => {
			const { in: event, as = "room", support = "native", refs = {}, shown = [], passed = [], out } = one;
			const where = writing({
				refs,
				passed,
				shown: shown.map((emoji) => ({ emoji })),
				reactions: support,
				...(as === "room without ids" && { named: "msg" as const }),
			});
			const { muc: _, ...two } = { ...where, named: "msg" as const, of: () => ({ jid: "x@y.test" }) };
			const whole = says(people(event) as object);
			const able = as === "pair" ? direct(() => support) : as === "room without ids" ? withoutIds : joined;
			const fit = downgrade(whole, able, refs) as Sayable | undefined;
			const told = fit && as === "relayed" ? to.relayed(fit, "Alice", where.shown) : fit;
			const sent = told && to.draft(told, as === "pair" ? two : where);
			const body = sent?.body === undefined ? "" : serialize(xml("body", {}, sent.body));
			const parts = ([...(sent?.parts ?? [])] as unknown[]).flat(9).filter((part) => !!part) as Element[];
			expect(body + parts.map(serialize).join("")).toBe(out);
		});

	test("groupchat and chat set the operation id as stanza id and as origin-id", () => {
		for (const sent of [
			to.groupchat("a@b/c", room, "op", to.words("x")),
			to.chat("a@b/c", room, "op", to.words("x")),
		]) {
			expect(sent.attrs).toMatchObject({ from: "a@b/c", to: room, id: "op" });
			expect(sent.getChild("origin-id", "urn:xmpp:sid:0")?.attrs.id).toBe("op");
		}
	});

	test("draft writes any text as well-formed XML that is read back as the same text", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", minLength: 1 }), (line) => {
				const sent = to.groupchat("a@b/c", room, "op", to.draft(says({ text: `.${line}` }), writing()));
				const back = parseMessage(stanza(serialize(sent)), nowhere);
				expect(back).toEqual({ style: "text", text: text(sent, "body"), aka: [] });
			}),
		);
	});

	test("delay returns the original time of a late event only", () => {
		const event = says({ text: "x" });
		expect(delay(event, "b.test")).toBeUndefined();
		const { stamp, from } = delay({ ...event, late: true }, "b.test")?.attrs ?? {};
		expect([stamp, from]).toEqual(["2026-11-21T10:00:00.000Z", "b.test"]);
	});

	test("enter requests no history, and adds the full name if the nick differs from it", () => {
		const own = (name: string, comesFrom: string[] = []) => ({ jid: "a@b/c", name, comesFrom });
		const join = enter(own("Alice 🎉", ["mark-1"]), room, "Alice");
		expect(join.getChild("x", "http://jabber.org/protocol/muc")?.getChild("history")?.attrs.maxstanzas).toBe(
			"0",
		);
		expect(text(join, "nick", "http://jabber.org/protocol/nick")).toBe("Alice 🎉");
		expect(join.getChild("passed")?.attrs.rooms).toBe("mark-1");
		const plain = enter(own("Alice"), room, "Alice");
		expect([plain.getChild("nick"), plain.getChild("passed")]).toEqual([undefined, undefined]);
	});
});
