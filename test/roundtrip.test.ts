import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message } from "../src/core/event.ts";
import type { MessageId, NetworkName, RoomId } from "../src/core/ids.ts";
import type { Person } from "../src/core/person.ts";
import { mentions, plain, type Rich } from "../src/core/rich.ts";
import { parseHtml } from "../src/matrix/html.ts";
import { writeHtml } from "../src/matrix/to-html.ts";
import { account, nowhere, occupant, parseMessage } from "../src/xmpp/from-xmpp.ts";
import type { Participants, ReadContext, WriteContext } from "../src/xmpp/message/feature.ts";
import { serialize } from "../src/xmpp/stream/xml.ts";
import * as to from "../src/xmpp/to-xmpp.ts";
import { stanza } from "./xmpp/stanza.ts";

// Writes messages for XMPP and reads them as a client's: text, reply and mentions stay the same.

const room = "verona@muc.test";
const alice: Person = { ...account("alice@hs.test"), network: "matrix" as NetworkName, name: "Alice" };
const zoe = occupant(room, "Zoé 🎉", { occupantId: "o-zoe" });
const place: Participants = {
	muc: room,
	named: "sid",
	at: (jid) => (jid === `${room}/Zoé 🎉` ? zoe : undefined),
	known: (id) => (id === "o-zoe" ? zoe : undefined),
	of: ({ id }) => (id === zoe.id ? { nick: "Zoé 🎉", jid: `${room}/Zoé 🎉`, occupantId: "o-zoe" } : {}),
};
const hearing: ReadContext = { ...nowhere, ...place, author: "author" };
const saying: WriteContext = {
	...place,
	refs: { $0: ["sid S" as MessageId] },
	shown: [],
	reactions: "native",
	component: "bridge.test",
};
const event = (more: Partial<Message>): Message => ({
	kind: "message",
	id: "$1" as MessageId,
	room: "!r" as RoomId,
	sender: alice,
	at: 1,
	style: "text",
	text: "",
	...more,
});
/** Returns the message after it was written and read. */
const crossed = (more: Partial<Message>) => {
	const line = to.groupchat("a@b/c", room, "op", to.draft(event(more), saying));
	return parseMessage(stanza(serialize(line)), hearing);
};

/** Texts with characters of several planes and code points, and no formatting marks. */
const words = fc
	.array(fc.constantFrom("a", "é", "𝔘", "🎉", "👩‍👩‍👧", "❤️", "א", " ", "z"), { minLength: 1, maxLength: 12 })
	.map((all) => `x${all.join("")}x`);

test("a reply keeps its text, its target and its quote, whatever characters are in them", () => {
	fc.assert(
		fc.property(words, fc.array(words, { minLength: 1, maxLength: 3 }), (text, quoted) => {
			const replyTo = { id: "$0" as MessageId, author: zoe, text: quoted.join("\n") };
			expect(crossed({ text, replyTo })).toMatchObject({
				text,
				replyTo: { id: "sid S", author: zoe, text: `Zoé 🎉: ${quoted.join("\n")}` },
			});
		}),
	);
});

test("a mention keeps its person and its place behind a quote, formatting and characters of any length", () => {
	fc.assert(
		fc.property(words, words, fc.boolean(), fc.boolean(), (before, after, bold, answers) => {
			const rich: Rich = [
				bold ? { tag: "bold", children: [before] } : before,
				" ",
				{ tag: "mention", person: zoe, children: ["Z"] },
				` ${after}`,
			];
			const replyTo = { id: "$0" as MessageId, author: zoe, text: before };
			const back = crossed({ text: "?", rich, ...(answers && { replyTo }) });
			expect(mentions(back?.rich ?? []).people).toEqual([zoe]);
			expect(back?.text).toBe(`${before} Zoé 🎉 ${after}`);
			const at = JSON.stringify(back?.rich).indexOf('"tag":"mention"');
			expect(JSON.stringify(back?.rich).slice(at)).toContain('"children":["Zoé 🎉"]');
		}),
	);
});

test("HTML keeps every letter on the way to XMPP and back", () => {
	const tags = "b i del u p div li ul ol pre code blockquote h1 h2 span br".split(" ");
	const piece = fc.oneof(
		words,
		fc.constantFrom(
			...tags.flatMap((tag) => [`<${tag}>`, `</${tag}>`]),
			"<span data-mx-spoiler>",
			"&lt;b&gt;",
			"\n",
		),
	);
	const letters = (text: string) => text.replace(/[^aéz𝔘🎉א]/gu, "");
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
			const rich = parseHtml(pieces.join(""), () => undefined);
			const text = plain(rich);
			if (!letters(text)) return;
			const back = crossed({ text, rich });
			expect(letters(back?.text ?? "")).toBe(letters(text));
			const html = writeHtml(back?.rich ?? [back?.text ?? ""], () => undefined);
			expect(letters(plain(parseHtml(html, () => undefined)))).toBe(letters(text));
		}),
		{ numRuns: 300 },
	);
});
