import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundedId, isHashedId } from "../../src/core/ids.ts";
import type { Received } from "../../src/core/network.ts";
import {
	account,
	fromChat,
	fromGroupchat,
	nowhere,
	occupant,
	parseMessage,
} from "../../src/xmpp/from-xmpp.ts";
import type { ReadContext } from "../../src/xmpp/message/feature.ts";
import { messageId, pick } from "../../src/xmpp/message-ids.ts";
import { roomFeatures } from "../../src/xmpp/muc/discovery.ts";
import { occupantPresence } from "../../src/xmpp/muc/presence.ts";
import { type Node, xml } from "../../src/xmpp/stream/xml.ts";

const room = "verona@muc.test";
const long = (end: string) => "long".repeat(60_000) + end;
const place: ReadContext = { ...nowhere, muc: room, named: "sid", author: "author" };
const line = (attrs: Record<string, string>, ...more: Node[]) =>
	xml("message", { type: "groupchat", from: `${room}/Romeo`, ...attrs }, xml("body", {}, "hi"), ...more);
const sid = (id: string) => xml("stanza-id", { xmlns: "urn:xmpp:sid:0", by: room, id });
const origin = (id: string) => xml("origin-id", { xmlns: "urn:xmpp:sid:0", id });
const event = (message: ReturnType<typeof line>, stanzaIds = true) =>
	fromGroupchat(message, {
		room,
		sender: occupant(room, "Romeo", { occupantId: "o" }),
		stanzaIds,
		now: 1,
		place,
	});

describe("boundedId", () => {
	test("keeps an id of up to 255 bytes", () => {
		fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), (id) => boundedId(id) === id));
		expect(boundedId("x".repeat(255))).toBe("x".repeat(255));
		expect(boundedId("é".repeat(128))).not.toBe("é".repeat(128));
	});
	test("replaces a longer id by its beginning and a hash, and leaves such a form unchanged", () => {
		expect(boundedId(long("1"))).not.toBe(boundedId(long("2")));
		expect(boundedId(long("1"))).toMatch(/^(long){8}~sha256-/);
		fc.assert(
			fc.property(fc.string({ unit: "binary", minLength: 100, maxLength: 2_000 }), (id) => {
				const form = boundedId(id);
				expect(Buffer.byteLength(form)).toBeLessThanOrEqual(255);
				expect(boundedId(form)).toBe(form);
				expect(isHashedId(form)).toBe(form !== id);
			}),
		);
	});
});

describe("an event from XMPP", () => {
	test("stays small although its stanza has ids of 240 kB", () => {
		const attrs = { id: long("id") };
		const thread = xml("thread", {}, long("thread"));
		const reply = xml("reply", { xmlns: "urn:xmpp:reply:0", id: long("reply") });
		const message = line(attrs, sid(long("sid")), origin(long("origin")), thread, reply);
		expect(JSON.stringify(event(message)).length).toBeLessThan(5_000);
		expect(JSON.stringify(event(message, false)).length).toBeLessThan(5_000);
		const chat = xml("message", { from: "romeo@montague.lit/x", ...attrs }, xml("body", {}, "hi"));
		const says = parseMessage(chat, nowhere);
		expect(says).toBeDefined();
		const where = { room: "r" as never, to: account("a@b"), at: 1, missing: "1" };
		expect(JSON.stringify(says && fromChat(chat, says, where)).length).toBeLessThan(3_000);
	});
	test("is found by replies, reactions, corrections and retractions that refer to its long ids", () => {
		const target = event(line({ id: long("id") }, sid(long("sid")), origin(long("origin"))));
		const ids = [target?.id, ...((target?.kind === "message" && target.aka) || [])];
		const about = (...more: Node[]) => parseMessage(line({}, ...more), place);
		const named = (id: string) => ids.includes(id as never);
		const answer = about(xml("reply", { xmlns: "urn:xmpp:reply:0", id: long("sid") }));
		expect(named(answer?.replyTo?.id ?? "")).toBe(true);
		for (const act of [
			xml("reactions", { xmlns: "urn:xmpp:reactions:0", id: long("sid") }, xml("reaction", {}, "👍️")),
			xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: long("origin") }),
			xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: long("id") }),
			xml("retract", { xmlns: "urn:xmpp:message-retract:1", id: long("sid") }),
		])
			expect(named(about(act)?.act?.target.id ?? ""), act.name).toBe(true);
	});
	test("is found by the other kind of id as well: of its sender alone by a retraction and a correction", () => {
		const target = event(line({ id: "1" }, sid("S"))) as Received & { kind: "message" };
		const ids = [...(target.aka ?? []), ...(target.shared ?? [])];
		const targetOf = (...more: Node[]) => {
			const about = event(line({ id: "2" }, sid("T"), ...more));
			return (
				(about && ("target" in about ? about.target : about.kind === "message" && about.replyTo)) || undefined
			);
		};
		const reply = (id: string) => xml("reply", { xmlns: "urn:xmpp:reply:0", id });
		const cases = [
			[(id: string) => [reply(id)], ["sid", "msg"]],
			[
				(id: string) => [xml("reactions", { xmlns: "urn:xmpp:reactions:0", id }, xml("reaction", {}, "👍️"))],
				["sid", "msg"],
			],
			[(id: string) => [xml("replace", { xmlns: "urn:xmpp:message-correct:0", id })], ["own msg", "own sid"]],
			[(id: string) => [xml("retract", { xmlns: "urn:xmpp:message-retract:1", id })], ["own sid", "own msg"]],
		] as const;
		for (const [write, kinds] of cases)
			for (const named of ["S", "1"]) {
				const { id, or = [] } = targetOf(...write(named)) ?? {};
				const found = [id, ...or];
				const author = kinds[0].startsWith("own") ? " author" : "";
				expect(found).toEqual(kinds.map((kind) => `${kind} ${named}${author}`));
				expect(found.filter((one) => one && ids.includes(one))).toHaveLength(1);
			}
	});
	test("is in the same thread as other messages with the same long thread id", () => {
		const threads = [1, 2].map(() => parseMessage(line({}, xml("thread", {}, long("t"))), place)?.thread?.id);
		expect(threads[0]).toBe(threads[1]);
		expect(threads[0]).not.toBe(parseMessage(line({}, xml("thread", {}, long("u"))), place)?.thread?.id);
	});
	test("is never referred to by a hashed id, which no client knows", () => {
		const ids = [messageId("sid", long("1")), messageId("msg", "short")];
		expect(pick(ids, "sid")).toBeUndefined();
		expect(pick(ids, "msg")).toBe("short");
	});
	test("has at most twenty reactions of at most 64 characters", () => {
		const reactions = [long("x"), "👍️"].concat(Array.from({ length: 10_000 }, (_, index) => String(index)));
		const element = xml(
			"reactions",
			{ xmlns: "urn:xmpp:reactions:0", id: "1" },
			reactions.map((one) => xml("reaction", {}, one)),
		);
		const act = parseMessage(line({}, element), place)?.act;
		expect(act?.kind === "reaction" && act.emoji.slice(0, 2)).toEqual(["👍️", "0"]);
		expect(act?.kind === "reaction" && act.emoji).toHaveLength(20);
	});
});

describe("an occupant of a MUC", () => {
	const presence = (id: string, nick = "Romeo") =>
		occupantPresence(
			xml(
				"presence",
				{ from: `${room}/${nick}` },
				xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id }),
				xml(
					"x",
					{ xmlns: "http://jabber.org/protocol/muc#user" },
					xml(
						"item",
						{ jid: `${long("")}@x.test/y`, nick: long("nick") },
						xml("actor", { nick: long("actor") }),
						xml("reason", {}, long("why")),
					),
				),
			),
		);
	test("stays small with an occupant-id, a JID and nicks of 240 kB", () => {
		const seen = presence(long("1"));
		expect(JSON.stringify(seen).length).toBeLessThan(5_000);
		const person = occupant(room, long("nick"), { ...seen, firstNick: long("first") });
		expect(JSON.stringify(person).length).toBeLessThan(5_000);
	});
	test("differs from another occupant whose long occupant-id has another end", () => {
		const ids = ["1", "2", "1"].map((end) => occupant(room, "Romeo", presence(long(end))).id);
		expect(ids[0]).toBe(ids[2]);
		expect(ids[0]).not.toBe(ids[1]);
	});
	test("has the same id in a presence and in a message", () => {
		const { occupantId } = presence(long("1"));
		expect(occupant(room, "Romeo", { occupantId: long("1") }).id).toBe(
			occupant(room, "Romeo", { occupantId }).id,
		);
	});
});

test("roomFeatures shortens a MUC's name of 240 kB", () => {
	const query = xml("query", {}, xml("identity", { category: "conference", name: long("name") }));
	expect(roomFeatures(query).name).toMatch(/^(long){255}/);
	expect(roomFeatures(query).name?.length).toBeLessThan(1_024);
});
