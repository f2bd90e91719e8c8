import { describe, expect, test } from "vitest";
import { nowhere, occupant, parseMessage } from "../../../src/xmpp/from-xmpp.ts";
import type { ReadContext } from "../../../src/xmpp/message/feature.ts";
import { type Node, xml } from "../../../src/xmpp/stream/xml.ts";

/** Inputs on which a translator once took seconds or for ever; each test takes milliseconds, and fails by its timeout. */

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
const markup = (...ranges: Node[]) => xml("markup", { xmlns: "urn:xmpp:markup:0" }, ...ranges);
const li = (start: number) => xml("li", { start: String(start) });

describe("markup (XEP-0394)", () => {
	test("with nested lists whose items are in no order shows each letter once", () => {
		const lists = times(60, () => xml("list", { start: "0", end: "100" }, li(50), li(10), li(90)));
		const { rich } = read("x".repeat(100), markup(lists)) ?? {};
		expect(JSON.stringify(rich).replace(/[^x]/g, "")).toHaveLength(100);
	});
	test("with 7,500 list items has as many items", () => {
		const items = times(7_500, (index) => li(2 * index)).reverse();
		const said = read("x ".repeat(7_500), markup(xml("list", { start: "0", end: "15000" }, items)));
		const [list] = said?.rich ?? [];
		expect(list).toMatchObject({ tag: "list", children: { length: 7_500 } });
	});
});
