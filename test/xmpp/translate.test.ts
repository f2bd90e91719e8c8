import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { Message } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import {
	account,
	delayedBy,
	fromGroupchat,
	madeUpId,
	occupant,
	occupantPresence,
	roomFeatures,
	said,
	stanzaOf,
} from "../../src/xmpp/from-xmpp.ts";
import * as to from "../../src/xmpp/to-xmpp.ts";
import { serialize, text } from "../../src/xmpp/xml.ts";
import { stanza } from "./stanza.ts";

const vectors = <Case>(file: string): (Case & { name: string })[] =>
	parse(readFileSync(new URL(`../vectors/${file}.yaml`, import.meta.url), "utf8"));
const room = "verona@muc.test";

describe("a message from XMPP", () => {
	for (const { name, in: inside, out } of vectors<{ in: string; out?: object }>("from-xmpp.message"))
		test(name, () => expect(said(stanza(`<message>${inside}</message>`))).toEqual(out));
});

describe("a line of a room", () => {
	type Case = { in: string; stanzaIds: boolean; out: { id?: string; stanza?: string; delayed?: number } };
	for (const { name, in: line, stanzaIds, out } of vectors<Case>("from-xmpp.groupchat"))
		test(name, () => {
			const message = stanza(line);
			const sender = occupant(room, "Romeo");
			const event = fromGroupchat(message, { room, sender, stanzaIds, now: 5 });
			expect(event).toMatchObject({ kind: "message", room, sender, text: "hi", style: "text", at: 5 });
			expect(delayedBy(message, room)).toBe(out.delayed);
			if (out.id) expect(event?.id).toBe(out.id);
			else expect(event && stanzaOf(event.id)).toBe(out.stanza);
		});

	test("has a made-up id that tells people, ids and words apart, and stays the same", () => {
		const id = (sender: string, stanza: string, words: string) => madeUpId(sender, stanza, words);
		expect(id("a", "1", "x")).toBe(id("a", "1", "x"));
		expect(new Set([id("a", "1", "x"), id("b", "1", "x"), id("a", "2", "x"), id("a", "1", "y")]).size).toBe(
			4,
		);
		fc.assert(
			fc.property(fc.string(), fc.string(), (sender, stanza) => stanzaOf(id(sender, stanza, "x")) === stanza),
		);
	});
});

describe("a presence of a room", () => {
	type Case = { in: string; type?: string; out: Record<string, unknown> };
	for (const { name, type, in: inside, out } of vectors<Case>("from-xmpp.presence"))
		test(name, () => {
			const attrs = `from='${room}/Romeo'${type ? ` type='${type}'` : ""}`;
			const { nick, codes, ...seen } = occupantPresence(stanza(`<presence ${attrs}>${inside}</presence>`));
			expect(nick).toBe("Romeo");
			expect({ ...seen, codes: [...codes] }).toEqual(out);
		});
});

test("a room says of itself what it can do, and who it lets in", () => {
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
		stanzaIds: true,
		occupantIds: false,
	});
});

describe("people", () => {
	test("with an account are known by it, occupants by their room", () => {
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
	test("no nick can be taken for somebody's occupant-id", () => {
		fc.assert(
			fc.property(fc.string(), fc.string({ minLength: 1 }), (nick, occupantId) => {
				return occupant(room, nick).id !== occupant(room, "x", { occupantId }).id;
			}),
		);
	});
	test("a renamed occupant with an id stays the same person", () => {
		const one = occupant(room, "Romeo", { occupantId: "o1" });
		const other = occupant(room, "Montague", { occupantId: "o1", firstNick: "Romeo" });
		expect([other.id, other.address]).toEqual([one.id, one.address]);
		expect(other.name).toBe("Montague");
	});
});

describe("a message to XMPP", () => {
	type Case = { in: Pick<Message, "style" | "text">; as: "groupchat" | "chat" | "relayed"; out: string };
	for (const { name, in: says, as, out } of vectors<Case>("to-xmpp.message"))
		test(name, () => {
			const event: Message = {
				kind: "message",
				id: "$1" as MessageId,
				room: "!r" as RoomId,
				sender: account("x@y"),
				at: 0,
				...says,
			};
			const body = as === "relayed" ? to.relayedLine(event, "Alice") : to.line(event);
			const sent =
				as === "chat" ? to.chat("a@b/c", "r@m", "op", body) : to.groupchat("a@b/c", room, "op", body);
			expect(text(stanza(serialize(sent)), "body")).toBe(out);
			expect(sent.attrs).toMatchObject({
				from: "a@b/c",
				id: "op",
				type: as === "chat" ? "chat" : "groupchat",
			});
			expect(sent.getChild("origin-id", "urn:xmpp:sid:0")?.attrs.id).toBe("op");
		});

	test("nothing that can be said makes a stanza no parser takes, or is read back as something else", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary", minLength: 1 }), (line) => {
				const sent = to.groupchat("a@b/c", room, "op", `.${line}`);
				const back = said(stanza(serialize(sent)));
				expect(back).toEqual({ style: "text", text: text(sent, "body") });
			}),
		);
	});

	test("that comes late says when it was said", () => {
		const event: Message = {
			kind: "message",
			id: "$1" as MessageId,
			room: "!r" as RoomId,
			sender: account("x@y"),
			at: 1_795_255_200_000,
			style: "text",
			text: "x",
		};
		expect(to.delay(event, "b.test")).toBeUndefined();
		const line = to.groupchat("a@b/c", room, "op", "x", to.delay({ ...event, late: true }, "b.test"));
		const { stamp, from } = line.getChild("delay", "urn:xmpp:delay")?.attrs ?? {};
		expect([stamp, from]).toEqual(["2026-11-21T10:00:00.000Z", "b.test"]);
	});

	test("joins without history, and with the full name where the nick had to bend it", () => {
		const join = to.enter("a@b/c", room, "Alice", "Alice 🎉");
		expect(join.getChild("x", "http://jabber.org/protocol/muc")?.getChild("history")?.attrs.maxstanzas).toBe(
			"0",
		);
		expect(text(join, "nick", "http://jabber.org/protocol/nick")).toBe("Alice 🎉");
		expect(to.enter("a@b/c", room, "Alice", "Alice").getChild("nick")).toBeUndefined();
	});
});
