import { describe, expect, test } from "vitest";
import type { Person } from "../../src/core/person.ts";
import { createGhosts } from "../../src/xmpp/ghosts.ts";
import { createRouter } from "../../src/xmpp/routing.ts";
import { type Element, xml } from "../../src/xmpp/stream/xml.ts";
import { quiet } from "../fakes.ts";

/** A router between fakes whose homeserver does not say who stands behind a ghost before `answer`. */
function router() {
	const sent: Element[] = [];
	const lookup = Promise.withResolvers<Person | undefined>();
	const asked: string[] = [];
	const unused = {} as never;
	const one = createRouter({
		link: { send: async (stanza) => void sent.push(stanza) },
		conversations: [],
		ghosts: createGhosts({
			who: (ghost) => {
				asked.push(ghost);
				return lookup.promise;
			},
			present: () => undefined,
			software: { name: "Trivium", version: "1" },
			resource: "trivium",
			log: quiet,
		}),
		allowed: () => true,
		component: "bridge.test",
		log: quiet,
	});
	return { take: one.take, settled: one.settled, sent, asked, answer: () => lookup.resolve(unused) };
}
const from = "eve@x.test/phone";
const to = "alice@bridge.test";
const large = "x".repeat(1_000_000);
const iq = (id: string, text = large) =>
	xml("iq", { type: "get", id, from, to }, xml("vCard", { xmlns: "vcard-temp" }, text));
const presence = (type: string, text = large) => xml("presence", { type, from, to }, xml("status", {}, text));
const tree = (id: string) =>
	xml(
		"iq",
		{ type: "get", id, from, to },
		xml("vCard", { xmlns: "vcard-temp" }, ...Array.from({ length: 4_900 }, () => xml("a", {}))),
	);
const conditions = (stanzas: readonly Element[]) =>
	stanzas.map(({ name, attrs }) => `${name} ${attrs.type}`).filter((one) => one === "iq error").length;

describe("questions about ghosts that wait for a slow homeserver", () => {
	test.each([
		["IQ of a megabyte", (n: number) => iq(`${n}`), 3],
		["IQ with ids of a megabyte", (n: number) => iq(`${n}${large}`, ""), 3],
		["presence probes of a megabyte", () => presence("probe"), 0],
		["wishes of a megabyte to subscribe", () => presence("subscribe"), 0],
	])(
		"are held up to 16 MiB, and those past it are turned away at once: %s",
		async (_name, stanza, errors) => {
			const { take, sent, asked, settled, answer } = router();
			for (let n = 0; n < 11; n++) take(stanza(n));
			await new Promise((resolve) => setImmediate(resolve));
			expect(asked.length).toBe(8);
			expect(conditions(sent)).toBe(errors);
			for (const { attrs, children } of sent)
				expect([attrs.type, String(children)]).toEqual([
					"error",
					expect.stringContaining("resource-constraint"),
				]);
			answer();
			await settled();
			take(stanza(9));
			await new Promise((resolve) => setImmediate(resolve));
			expect(asked.length).toBe(9);
		},
	);

	test("are counted as trees, not by their size on the wire", async () => {
		const { take, sent } = router();
		for (let n = 0; n < 40; n++) take(tree(`${n}`));
		await new Promise((resolve) => setImmediate(resolve));
		expect(conditions(sent)).toBeGreaterThan(10);
	});
});
