import { describe, expect, test } from "vitest";
import { personKey } from "../../../src/core/hosting.ts";
import type { MessageId, RoomId } from "../../../src/core/ids.ts";
import type { Signal, SignalOut } from "../../../src/core/signal.ts";
import { shownNow as occupantShown } from "../../../src/xmpp/hosted/announce.ts";
import { createSourceSignals } from "../../../src/xmpp/hosted/signals.ts";
import { alice, linesWorld, matrix, romeo, source, view } from "./lines/lines-world.ts";

const phone = "romeo@montague.lit/phone";
const capulet = "tybalt@capulet.lit/phone";
const composing = '<composing xmlns="http://jabber.org/protocol/chatstates"/>';
const displayed = '<displayed xmlns="urn:xmpp:chat-markers:0" id="$1"/>';

function world(readReceipts = 50) {
	const lines = linesWorld({ readReceipts });
	const signals = createSourceSignals(lines.context, lines.lines);
	return {
		...lines,
		hears: signals.hears,
		shows: (signal: object, ids: readonly string[] = []) =>
			signals.show({
				signal: { room: source, sender: alice, ...signal } as Signal,
				room: view,
				ids: ids as MessageId[],
			} as unknown as SignalOut),
	};
}

describe("typing and read positions of a hosted room", () => {
	test("of people of XMPP are told to the source, and shown to the others as they came", async () => {
		const w = world();
		await w.say(phone, composing);
		await w.say(phone, displayed);
		await w.say(phone, "<body>hi</body>");
		expect(w.signals).toMatchObject([
			{ kind: "typing", room: view, sender: { id: romeo.id }, active: true },
			{
				kind: "read",
				room: view,
				sender: { id: romeo.id },
				target: { id: "sid $1", copies: [{ network: matrix, room: source, id: "$1" }] },
			},
			{ kind: "typing", active: false },
		]);
		expect(w.got(capulet).map((one) => /<(composing|displayed)/.exec(one)?.[1])).toEqual([
			"composing",
			"displayed",
		]);
	});

	test("of people of the source are shown to each session, under the address that it joined by", () => {
		const w = world();
		w.shows({ kind: "typing", active: true });
		const id = '<occupant-id xmlns="urn:xmpp:occupant-id:0" id="o-@alice:hs.test"/>';
		const hint = '<no-store xmlns="urn:xmpp:hints"/>';
		expect(w.got(phone)).toEqual([
			`<message type="groupchat" from="#lobby@bridge.test/Alice">${composing}${hint}${id}</message>`,
		]);
		expect(w.got(capulet)).toEqual([
			`<message type="groupchat" from="#other@bridge.test/Alice">${composing}${hint}${id}</message>`,
		]);
		w.shows({ kind: "typing", active: true, sender: { ...alice, id: "@stranger:hs.test" } });
		expect(w.got(phone)).toEqual([]);
	});

	test("of people of the source are not held for a session that waits for its history", () => {
		const w = world();
		const session = [...w.room.sessions.values()].find(({ jid }) => jid === phone);
		if (session) session.held = [];
		w.shows({ kind: "typing", active: true });
		expect(w.got(capulet)).toHaveLength(1);
		expect(session?.held).toEqual([]);
	});

	test("name the last stanza of a message, and are asked for where few people are", async () => {
		const w = world();
		const file = (name: string) => ({ kind: "image", source: { network: matrix, ref: name }, name });
		await w.show("$2", { kind: "message", style: "text", text: "look", media: file("cat.png") });
		const shown = w.got(phone);
		expect(shown.every((one) => !one.includes("<body>") || one.includes("<markable"))).toBe(true);
		w.shows({ kind: "read" }, ["$2"]);
		const last = /stanza-id [^>]*id="([^"]*)"/.exec(shown.at(-1) ?? "")?.[1];
		expect(w.got(phone)[0]).toContain(`<displayed xmlns="urn:xmpp:chat-markers:0" id="${last}"/>`);
		expect(w.hears("read", view)).toBe(true);
		const crowded = world(2);
		expect([crowded.hears("read", view), crowded.hears("typing", view)]).toEqual([false, true]);
		await crowded.show("$2", { kind: "message", style: "text", text: "hi" });
		expect(crowded.got(phone)[0]).not.toContain("markable");
	});
});

describe("the presence of a thing in a hosted room", () => {
	test("is shown to each session, also to those that come later, and ends when the thing is back", () => {
		const w = world();
		const shownNow = () => w.got(phone).map((one) => /<show>.*<\/status>/.exec(one)?.[0] ?? "available");
		w.shows({ kind: "presence", show: "offline" });
		expect(shownNow()).toEqual(["<show>xa</show><status>offline</status>"]);
		const alices = w.room.people.get(personKey(alice));
		if (!alices) throw new Error("Alice is not in the room");
		const { payloads } = occupantShown(w.room, alices, w.context);
		expect(payloads.map(String)).toContain("<show>xa</show>");
		w.shows({ kind: "presence", show: "online" });
		expect(shownNow()).toEqual(["available"]);
	});

	test("is kept for a room that nobody is in", () => {
		const w = world();
		expect(w.hears("presence", "!nobody@bridge.test" as RoomId)).toBe(true);
		expect(w.hears("typing", "!nobody@bridge.test" as RoomId)).toBe(false);
	});
});
