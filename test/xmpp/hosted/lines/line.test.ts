import { describe, expect, test } from "vitest";
import type { BridgeEvent } from "../../../../src/core/event.ts";
import type { Seen } from "../../../../src/core/hosting.ts";
import type { Copy, MessageId, NetworkName, RoomId, UserId } from "../../../../src/core/ids.ts";
import type { Person } from "../../../../src/core/person.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { linesOf, type Place } from "../../../../src/xmpp/hosted/lines/line.ts";
import { eventId } from "../../../../src/xmpp/hosted/lines/references.ts";
import { serialize } from "../../../../src/xmpp/stream/xml.ts";

const matrix = "matrix" as NetworkName;
const alice: Person = {
	...account("alice@hs.test"),
	network: matrix,
	id: "@alice:hs.test" as UserId,
	name: "Alice",
};
const bob: Person = { ...alice, id: "@bob:hs.test" as UserId, name: "Bob" };
const romeo: Person = { ...account("romeo@montague.lit"), name: "Romeo" };
const room = "!source" as RoomId;
const view = "!view@bridge.test" as RoomId;

const place: Place = {
	address: "#lobby@bridge.test",
	of: ({ name = "?" }) => ({ nick: name, occupantId: `o-${name.toLowerCase()}` }),
	files: true,
	markable: false,
	lengthOf: (id) => (id === "$cat" ? 2 : 1),
	mark: "mark-1",
};
/** Returns the ids that an event of Romeo carries in its mark. */
const fromRomeo = (sent: string, ...more: string[]): Copy[] =>
	[eventId("u-1", sent), ...more].map((id) => ({ network: romeo.network, room: view, id: id as MessageId }));
const base = { id: "$e" as MessageId, room, sender: alice, at: Date.UTC(2026, 0, 2) };
const said = (event: object, origin: readonly Copy[] = [], sender = alice): Seen => ({
	...{ ...base, sender },
	what: { kind: "said", event: { ...base, sender, ...event } as BridgeEvent, origin },
});
const shown = (seen: Seen, where = place): string[] =>
	linesOf(seen as Parameters<typeof linesOf>[0], where).map((line) =>
		serialize(line).replaceAll("&apos;", "'"),
	);
const text = (words: string, more: object = {}) => ({ kind: "message", style: "text", text: words, ...more });
const end =
	'<stanza-id xmlns="urn:xmpp:sid:0" by="#lobby@bridge.test" id="$e"/><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o-alice"/><passed xmlns="urn:trivium:passed:0" rooms="mark-1"/></message>';

describe("a message from Matrix in a hosted room", () => {
	test("has its event id as its id, its origin-id and its stanza-id", () => {
		expect(shown(said(text("hi")))).toEqual([
			`<message type="groupchat" from="#lobby@bridge.test/Alice" id="$e"><body>hi</body><origin-id xmlns="urn:xmpp:sid:0" id="$e"/>${end}`,
		]);
	});
	test("shows its time if it is late, in the name of the room", () => {
		expect(shown(said(text("hi", { late: true })))[0]).toContain(
			'<delay xmlns="urn:xmpp:delay" from="#lobby@bridge.test" stamp="2026-01-02T00:00:00.000Z"/>',
		);
	});
	test("answers another one by its event id, with the quote marked as fallback", () => {
		const [line] = shown(said(text("yes", { replyTo: { id: "$q", author: bob, text: "lunch?" } })));
		expect(line).toContain("<body>&gt; Bob: lunch?\nyes</body>");
		expect(line).toContain('<reply xmlns="urn:xmpp:reply:0" id="$q" to="#lobby@bridge.test/Bob"/>');
		expect(line).toContain('for="urn:xmpp:reply:0"><body start="0" end="14"/>');
	});
	test("mentions an occupant by nick and occupant-id", () => {
		const rich = [{ tag: "mention", person: romeo, children: ["Romeo"] }, ": hi"];
		const [line] = shown(said(text("Romeo: hi", { rich })));
		expect(line).toContain('<mention xmlns="urn:xmpp:mentions:0" occupantid="o-romeo" begin="0" end="5"/>');
	});
	test("corrects its first version by the id that people saw", () => {
		const target = { id: "$1", own: "own:$1" };
		expect(shown(said({ ...text("hi!"), kind: "edit", target }))[0]).toContain(
			'<replace xmlns="urn:xmpp:message-correct:0" id="$1"/>',
		);
	});
	test("is in the thread that an XMPP client began under that client's name for it", () => {
		const thread = { id: "$root", copies: fromRomeo("c1", "thread t-1") };
		expect(shown(said(text("tea", { thread })))[0]).toContain("<thread>t-1</thread>");
		expect(shown(said(text("tea", { thread: { id: "$root" } })))[0]).toContain("<thread>re $root</thread>");
	});
	test("is a poll in words", () => {
		const poll = { kind: "poll", question: "Tea?", answers: [{ id: "a", text: "yes" }] };
		expect(shown(said(poll))[0]).toMatch(/<body>\/me .*Tea\?/);
	});
});

describe("files in a hosted room", () => {
	const media = {
		kind: "image",
		source: { network: matrix, ref: "mxc" },
		name: "cat.png",
		link: "https://x.test/cat.png",
	};
	test("come with their caption as a reply of its own, under an id of its own", () => {
		const [file, caption, ...none] = shown(said(text("my cat", { media })));
		expect(file).toContain("<body>https://x.test/cat.png</body>");
		expect(file).toContain('by="#lobby@bridge.test" id="$e"/>');
		expect(caption).toContain("<body>my cat</body>");
		expect(caption).toContain('<reply xmlns="urn:xmpp:reply:0" id="$e" to="#lobby@bridge.test/Alice"/>');
		expect(caption).toContain('by="#lobby@bridge.test" id="$e#1"/>');
		expect(none).toEqual([]);
	});
	test("stay one stanza if an XMPP client sent them as one, with the caption as the description", () => {
		const [file, ...none] = shown(said(text("my cat", { media }), fromRomeo("c1"), romeo));
		expect(file).toContain("<desc>my cat</desc>");
		expect(none).toEqual([]);
	});
	test("become words where there are no URLs", () => {
		const { link: _, ...bare } = media;
		for (const words of [
			shown(said(text("my cat", { media: bare }))),
			shown(said(text("my cat", { media: bare })), { ...place, files: false }),
		]) {
			expect(words).toHaveLength(1);
			expect(words[0]).toMatch(/<body>[^<]*cat\.png[^<]*my cat<\/body>/);
		}
	});
	test("change their caption alone, and change themselves", () => {
		const target = { id: "$cat", own: "own:$cat" };
		const [caption, ...none] = shown(said({ ...text("a cat", { media }), kind: "edit", target }));
		expect(caption).toContain('<replace xmlns="urn:xmpp:message-correct:0" id="$cat#1"/>');
		expect(caption).toContain('<reply xmlns="urn:xmpp:reply:0" id="$cat" ');
		expect(none).toEqual([]);
		const [file] = shown(said({ ...text("", { media, newMedia: true }), kind: "edit", target }));
		expect(file).toContain('<replace xmlns="urn:xmpp:message-correct:0" id="$cat"/>');
		expect(file).toContain("<body>https://x.test/cat.png</body>");
	});
});

describe("a deletion in a hosted room", () => {
	test("by the author retracts each stanza of the message", () => {
		const lines = shown(said({ kind: "redaction", target: { id: "$cat", own: "own:$cat" } }));
		expect(
			lines.map((line) => /<retract xmlns="urn:xmpp:message-retract:1" id="([^"]*)"/.exec(line)?.[1]),
		).toEqual(["$cat", "$cat#1"]);
		expect(lines[0]).toContain('from="#lobby@bridge.test/Alice"');
	});
	test("by somebody else comes from the room, and names the moderator and the reason", () => {
		expect(shown(said({ kind: "redaction", target: { id: "$1" }, reason: "brawl" }))).toEqual([
			'<message type="groupchat" from="#lobby@bridge.test" id="$e"><retract xmlns="urn:xmpp:message-retract:1" id="$1"><moderated xmlns="urn:xmpp:message-moderate:1" by="#lobby@bridge.test/Alice"><occupant-id xmlns="urn:xmpp:occupant-id:0" id="o-alice"/></moderated><reason>brawl</reason></retract><store xmlns="urn:xmpp:hints"/><stanza-id xmlns="urn:xmpp:sid:0" by="#lobby@bridge.test" id="$e"/><passed xmlns="urn:trivium:passed:0" rooms="mark-1"/></message>',
		]);
	});
	test("leaves a tombstone in the archive", () => {
		const own: Seen = {
			...base,
			what: {
				kind: "deleted",
				origin: [],
				at: Date.UTC(2026, 0, 3),
				by: alice,
				deletion: { id: "$d" as MessageId, origin: [] },
			},
		};
		expect(shown(own)[0]).toContain(
			'<retracted xmlns="urn:xmpp:message-retract:1" stamp="2026-01-03T00:00:00.000Z" id="$d"/>',
		);
		const other: Seen = { ...base, what: { kind: "deleted", origin: [], by: bob, reason: "brawl" } };
		expect(shown(other)[0]).toContain('by="#lobby@bridge.test/Bob"');
	});
});

describe("lines of XMPP people, written from Matrix", () => {
	test("keeps the id of their client, which corrections name", () => {
		const [line] = shown(said(text("hi"), fromRomeo("c 1"), romeo));
		expect(line).toContain('from="#lobby@bridge.test/Romeo" id="c 1"');
		expect(line).toContain('<stanza-id xmlns="urn:xmpp:sid:0" by="#lobby@bridge.test" id="$e"/>');
		const target = { id: "$1", own: "own:$1", copies: fromRomeo("c1") };
		const edit = said({ ...text("hi!"), kind: "edit", target }, fromRomeo("c2"), romeo);
		expect(shown(edit)[0]).toContain('<replace xmlns="urn:xmpp:message-correct:0" id="c1"/>');
	});
	test("shows all reactions of its sender", () => {
		const reaction = { kind: "reaction", mode: "set", emoji: ["❤️", "🎉"], target: { id: "$1" } };
		expect(shown(said(reaction))[0]).toContain(
			'<reactions xmlns="urn:xmpp:reactions:0" id="$1"><reaction>❤️</reaction><reaction>🎉</reaction></reactions>',
		);
		expect(shown(said(reaction))[0]).not.toContain("<body>");
	});
});
