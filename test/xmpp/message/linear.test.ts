import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mentions, type Rich, type RichNode } from "../../../src/core/rich.ts";
import { nowhere, occupant, parseMessage } from "../../../src/xmpp/from-xmpp.ts";
import type { ReadContext, Sayable } from "../../../src/xmpp/message/feature.ts";
import { type Node, serialize, xml } from "../../../src/xmpp/stream/xml.ts";
import { draft } from "../../../src/xmpp/to-xmpp.ts";
import { stanza } from "../stanza.ts";

/**
 * Inputs on which a translator once took seconds or never ended. Each test takes milliseconds and fails by its
 * timeout.
 */

const room = "verona@muc.test";
const ann = occupant(room, "a", { occupantId: "o-a" });
const place: ReadContext = {
	...nowhere,
	muc: room,
	named: "sid",
	at: (jid) => (jid === `${room}/a` ? ann : undefined),
};
const read = (body: string, ...more: Node[]) =>
	parseMessage(xml("message", { from: `${room}/x` }, xml("body", {}, body), ...more), place);
const times = <T>(count: number, make: (index: number) => T): T[] =>
	Array.from({ length: count }, (_, index) => make(index));
const write = (rich: Rich, text = "t") =>
	draft({ ...base, text, rich }, { ...place, refs: {}, shown: [], reactions: "native", component: "b.test" });
const base = {
	kind: "message",
	style: "text",
	id: "$1",
	room: "!r",
	sender: ann,
	at: 1,
} as unknown as Sayable & { kind: "message" };
const nested = (depth: number, make: (children: Rich) => RichNode): Rich =>
	times(depth, () => 0).reduce<Rich>((children) => [make(children), "y"], ["x"]);
const markup = (...ranges: Node[]) => xml("markup", { xmlns: "urn:xmpp:markup:0" }, ...ranges);
const li = (start: number) => xml("li", { start: String(start) });

describe("markup (XEP-0394)", () => {
	test("shows each letter once in nested lists with unsorted items", () => {
		const lists = times(55, (index) =>
			xml("list", { start: "0", end: "200" }, li(160 - index), li(40 + index)),
		);
		const { rich } = read("x".repeat(200), markup(lists)) ?? {};
		expect(JSON.stringify(rich).replace(/[^x]/g, "")).toHaveLength(200);
	});
	test("reads 7,500 items of a list", () => {
		const items = times(7_500, (index) => li(2 * index)).reverse();
		const result = read("x ".repeat(7_500), markup(xml("list", { start: "0", end: "15000" }, items)));
		const [list] = result?.rich ?? [];
		expect(list).toMatchObject({ tag: "list", children: { length: 7_500 } });
	});
});

describe("parseMessage, for a message of 200 kB", () => {
	const html = (...children: Node[]) =>
		xml(
			"html",
			{ xmlns: "http://jabber.org/protocol/xhtml-im" },
			xml("body", { xmlns: "http://www.w3.org/1999/xhtml" }, ...children),
		);
	const fallback = (...bodies: Node[]) =>
		xml("fallback", { xmlns: "urn:xmpp:fallback:0", for: "urn:xmpp:reply:0" }, ...bodies);

	test("reads at most a hundred mentions of a repeated nick", () => {
		const result = read("a, ".repeat(66_000));
		expect(JSON.stringify(result?.rich).match(/"mention"/g)).toHaveLength(100);
		expect(mentions(read("@a ".repeat(66_000))?.rich ?? []).people).toEqual([ann]);
	});
	test.each(["Abc ", "Abc", "aBc,", "```", "``` ", "`Abc ", "Abc\n", "x://", "A:", "(((", "Abc-Abc "])(
		"searches a text of 200 kB that repeats %j for nicks within 1.5 s",
		(part) => {
			const words = part.repeat(Math.ceil(200_000 / part.length));
			const start = process.threadCpuUsage();
			expect(read(words)?.text.length).toBeGreaterThan(0);
			const { user, system } = process.threadCpuUsage(start);
			expect((user + system) / 1_000).toBeLessThan(1_500);
		},
	);
	test("keeps the text of nested quotes", () => {
		expect(read(`${">".repeat(20)} a\n`.repeat(9_000))?.text.match(/a/g)).toHaveLength(9_000);
		expect(read(`${">".repeat(200_000)}a`)?.text).toMatch(/a$/);
	});
	test("removes the leading quote of a reply without a fallback range", () => {
		const reply = xml("reply", { xmlns: "urn:xmpp:reply:0", id: "1" });
		expect(read(`${">\n".repeat(100_000)}a`, reply, fallback(xml("body")))?.text).toBe("a");
	});
	test("removes the text in thousands of fallback ranges", () => {
		const ranges = times(4_000, (index) =>
			xml("body", { start: String(20 * index), end: String(20 * index + 15) }),
		);
		expect(read("x".repeat(100_000), fallback(ranges.reverse()))?.text).toHaveLength(40_000);
	});
	test.each(["upload/", "file", "upload/aaaaaaaaaaaaaaaa/"])("keeps a body that is one URL of %s", (part) => {
		const url = `https://h.test/${part.repeat(200_000 / part.length)}`;
		expect(read(url)).toEqual({ style: "text", aka: [], text: url });
	});
	test("keeps the text of an element with a style attribute of 200 kB", () => {
		const style = "text-decoration:".repeat(12_500);
		expect(read("a", html(xml("span", { style }, "a")))?.text).toBe("a");
	});
	test("returns the body alone for elements deeper than the parser allows", () => {
		const deep = times(50_000, () => 0).reduce<Node>((inner) => xml("b", {}, inner), "a");
		expect(read("a", html(deep))).toEqual({ style: "text", aka: [], text: "a" });
	});
	test("omits formatting that would exceed four times the message's size: quoted line ends", () => {
		const quotes = times(20, () => xml("bquote", { start: "0", end: "50000" }));
		expect(read(`${"\n".repeat(49_999)}a`, markup(quotes))).toEqual({
			style: "text",
			aka: [],
			text: `${"\n".repeat(49_999)}a`,
		});
	});
});

describe("draft", () => {
	test("keeps each of 10,000 spans", () => {
		const rich = times(10_000, () => [{ tag: "bold", children: ["a"] } as const, " "]).flat();
		expect(write(rich).body).toBe("*a* ".repeat(10_000));
	});
	test("keeps each of 50,000 nodes", () => {
		expect(write(times(50_000, (index) => (index % 2 ? { tag: "break" } : "a"))).body).toBe(
			"a\n".repeat(25_000),
		);
	});
	test.each(["quote", "bold", "item", "paragraph"] as const)(
		"omits formatting with 5,000 levels of %s",
		(tag) => {
			const { body } = write(
				nested(5_000, (children) => ({ tag, children })),
				"words",
			);
			expect(body).toBe("words");
		},
	);
	test("omits formatting that would exceed four times the message's size: nested quotes with many lines", () => {
		const lines = times(5_000, (): RichNode => ({ tag: "break" }));
		const rich = times(90, () => 0).reduce<Rich>(
			(children) => [{ tag: "quote", children }],
			["a", ...lines, "b"],
		);
		expect(write(rich, "words").body).toBe("words");
	});
	test("marks a hundred of 5,000 mentions of one person", () => {
		const { parts } = write(times(5_000, () => ({ tag: "mention", person: ann, children: ["a"] })));
		expect(JSON.stringify(parts).length).toBeLessThan(50_000);
	});
});

test("any message can be read, written and read again, and stays within four times its size", () => {
	const unit = fc.constantFrom(
		"*",
		"_",
		"~",
		"`",
		"```",
		">",
		"> ",
		"|",
		"||",
		" ",
		"\n",
		"a",
		"@a",
		"a, ",
		"🎉",
		"/me ",
		"geo:1,2",
	);
	const text = fc.oneof(
		fc.string({ unit, maxLength: 200 }),
		fc.string({ unit: "binary" }),
		fc
			.tuple(fc.string({ unit, maxLength: 5 }), fc.integer({ min: 1, max: 2_000 }))
			.map(([part, count]) => part.repeat(count)),
	);
	fc.assert(
		fc.property(text, (words) => {
			const first = read(words);
			if (!first) return;
			const line = xml("message", {}, xml("body", {}, write(first.rich ?? [first.text], first.text).body));
			const back = parseMessage(stanza(serialize(line)), place);
			for (const one of [first, back])
				expect(one?.text.length ?? 0).toBeLessThanOrEqual(1_200 + 4 * words.length);
			expect(serialize(line).length).toBeLessThanOrEqual(1_200 + 24 * words.length);
		}),
		{ numRuns: 200 },
	);
});
