import { describe, expect, test } from "vitest";
import type { Person } from "../../src/core/person.ts";
import type { Bot } from "../../src/xmpp/bot.ts";
import type { Conversation } from "../../src/xmpp/conversation.ts";
import { createGhosts } from "../../src/xmpp/ghosts.ts";
import { createRouter } from "../../src/xmpp/routing.ts";
import { type Element, xml } from "../../src/xmpp/stream/xml.ts";
import { quiet } from "../fakes.ts";
import { contactsOf } from "./contacts/world.ts";
import { fakeFinding } from "./finding/fake-finding.ts";

/** No stanza of these tests is for the bot. */
const bot = { claims: () => false, isAt: () => false } as unknown as Bot;

/** A router between fakes whose homeserver does not say who stands behind a ghost before `answer`. */
function router() {
	const sent: Element[] = [];
	const lookup = Promise.withResolvers<Person | undefined>();
	const asked: string[] = [];
	const unused = {} as never;
	const who = (ghost: string) => {
		asked.push(ghost);
		return lookup.promise;
	};
	const one = createRouter({
		link: { send: async (stanza) => void sent.push(stanza) },
		answer: async (error) => void sent.push(error),
		conversations: [],
		granted: () => false,
		ghosts: createGhosts({
			...{ who, bridge: () => unused },
			contacts: contactsOf({ who }).contacts,
			present: () => undefined,
			contact: [],
			personUrl: () => undefined,
			occupant: () => undefined,
			picture: async () => undefined,
			finding: fakeFinding(),
			bot,
			software: { name: "Trivium", version: "1", uri: "xmpp:bridge.test" },
			resource: "trivium",
			log: quiet,
		}),
		allowed: () => true,
		component: "bridge.test",
		bot,
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

describe("a stanza", () => {
	/** A router between two kinds of conversation, which claim what comes from, or goes to, the domain of their name. */
	function kinds() {
		const taken: string[] = [];
		const sent: Element[] = [];
		const conversation = (kind: string, attribute: "from" | "to") =>
			({
				claims: ({ attrs }: Element) => attrs[attribute]?.split(/[@/]/)[1] === kind,
				stanza: ({ attrs: { id } }: Element) => void taken.push(`${kind} ${id}`),
				iq: async ({ attrs: { id } }: Element) => void taken.push(`${kind} ${id}`),
				isMuc: (jid: string) => jid === "blocked@muc.test",
				...(kind === "hosted.test" && { invites: true }),
			}) as unknown as Conversation;
		const ghosts = createGhosts({
			...{ who: async () => undefined, bridge: () => ({}) as never },
			contacts: contactsOf().contacts,
			present: () => undefined,
			contact: [],
			personUrl: () => undefined,
			occupant: () => undefined,
			picture: async () => undefined,
			finding: fakeFinding(),
			bot,
			software: { name: "Trivium", version: "1", uri: "xmpp:bridge.test" },
			resource: "trivium",
			log: quiet,
		});
		const { take, settled } = createRouter({
			link: { send: async (stanza) => void sent.push(stanza) },
			answer: async (error) => void sent.push(error),
			conversations: [conversation("muc.test", "from"), conversation("hosted.test", "to")],
			granted: () => false,
			ghosts,
			allowed: (jid) => !jid.startsWith("blocked@"),
			component: "bridge.test",
			bot,
			log: quiet,
		});
		const one = (name: string, from: string, to: string, ...inside: Element[]) =>
			take(xml(name, { id: name, from, to, type: name === "iq" ? "get" : undefined }, ...inside));
		return { one, take, taken, sent, settled };
	}
	const names = ["message", "presence", "iq"] as const;

	test.each([
		["its sender", "verona@muc.test", "alice@bridge.test", "muc.test"],
		["its addressee", "romeo@x.test", "#room@hosted.test", "hosted.test"],
		["its sender before its addressee", "verona@muc.test", "#room@hosted.test", "muc.test"],
	])("goes to the first conversation that claims it: by %s", async (_, from, to, kind) => {
		const { one, taken, sent, settled } = kinds();
		for (const name of names) one(name, from, to, xml("x"));
		await settled();
		expect(taken).toEqual(names.map((name) => `${kind} ${name}`));
		expect(sent).toEqual([]);
	});
	test("a stanza that no conversation claims goes to the ghost, who answers IQs", async () => {
		const { one, taken, sent, settled } = kinds();
		for (const name of names) one(name, "romeo@x.test", "nobody@bridge.test", xml("x"));
		await settled();
		expect(taken).toEqual([]);
		expect(sent.map(String)).toEqual([expect.stringContaining("item-not-found")]);
	});
	test("with an invitation goes to the ghost, whatever kind claims its sender", async () => {
		const { one, taken, sent, settled } = kinds();
		one(
			"message",
			"verona@muc.test",
			"alice@bridge.test",
			xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, xml("invite", { from: "romeo@x.test" })),
		);
		await settled();
		expect(taken).toEqual([]);
		expect(sent.map(String)).toEqual([expect.stringContaining("<decline")]);
	});
	test("with an invitation through a room of ours goes to that room", () => {
		const { one, taken, sent } = kinds();
		const invite = xml("invite", { to: "juliet@x.test" });
		const x = xml("x", { xmlns: "http://jabber.org/protocol/muc#user" }, invite);
		one("message", "romeo@x.test", "#room@hosted.test", x);
		expect(taken).toEqual(["hosted.test message"]);
		expect(sent).toEqual([]);
	});
	test("from a blocked account reaches no conversation; one from a MUC does, whatever the MUC is called", async () => {
		const { one, taken, settled } = kinds();
		for (const name of names) {
			one(name, "blocked@x.test", "#room@hosted.test", xml("x"));
			one(name, "blocked@muc.test", "alice@bridge.test", xml("x"));
		}
		await settled();
		expect(taken).toEqual(names.map((name) => `muc.test ${name}`));
	});
	test("a line of a blocked account to a room of ours is refused with the reason", async () => {
		const { take, taken, sent, settled } = kinds();
		const attrs = { from: "blocked@x.test/a", to: "#room@bridge.test", type: "groupchat", id: "1" };
		take(xml("message", attrs, xml("body", {}, "hi")));
		await settled();
		expect(taken).toEqual([]);
		expect(sent[0]?.toString()).toMatch(/<forbidden .*you are blocked/);
	});
	test("a join of a blocked account is refused, since its client waits for the answer", async () => {
		const { one, taken, sent, settled } = kinds();
		const join = xml("x", { xmlns: "http://jabber.org/protocol/muc" });
		one("presence", "blocked@x.test", "#room@hosted.test/Eve", join);
		await settled();
		expect(taken).toEqual([]);
		expect(sent.map(({ attrs: { type, from } }) => [type, from])).toEqual([
			["error", "#room@hosted.test/Eve"],
		]);
		expect(sent[0]?.toString()).toContain("<forbidden");
	});
});
