import { expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { answerIq } from "../../src/xmpp/iq/index.ts";
import type { IqContext } from "../../src/xmpp/iq/query.ts";
import { vars as said } from "../../src/xmpp/message/index.ts";
import { type Element, text, xml } from "../../src/xmpp/stream/xml.ts";

const host = "bridge.test";
const alice = `alice@${host}`;
const asker = "romeo@montague.test/x";
const failures: string[] = [];
const log = {
	debug() {},
	info() {},
	warn() {},
	error: (_: object, message: string) => void failures.push(message),
	child: () => log,
};
const context: IqContext = {
	software: { name: "Trivium", version: "1.2.3" },
	async ghost(jid) {
		if (jid === alice) return { name: "Alice 🎉" };
		if (jid === `down@${host}`) throw new TemporaryError("homeserver away");
		if (jid === `bad@${host}`) throw new PermanentError("invalid", "no such address");
		if (jid === `bug@${host}`) throw new TypeError("oops");
		return undefined;
	},
	log,
};

const ask = (to: string, name: string, ns: string, attrs: Record<string, string> = {}) =>
	answerIq(xml("iq", { type: "get", from: asker, to, id: "1" }, xml(name, { xmlns: ns, ...attrs })), context);
const condition = (answer: Element | undefined) => {
	expect(answer!.attrs).toEqual({ type: "error", from: answer!.attrs.from, to: asker, id: "1" });
	const error = answer!.getChild("error")!;
	return `${error.attrs.type} ${error.getChildElements()[0]!.getName()}`;
};
const INFO = "http://jabber.org/protocol/disco#info";
const ITEMS = "http://jabber.org/protocol/disco#items";

test.each([
	[host, "gateway/matrix", "Trivium"],
	[alice, "account/registered", "Alice 🎉"],
	[`${alice}/room`, "client/web", "Alice 🎉"],
])("disco#info of %s has its identity, and each listed feature is answered", async (to, identity, name) => {
	const info = (await ask(to, "query", INFO))!.getChild("query", INFO)!;
	const { category, type, ...rest } = info.getChild("identity")!.attrs;
	expect(`${category}/${type}`).toBe(identity);
	expect(rest.name).toBe(name);
	const payloads: Record<string, string> = {
		"urn:xmpp:ping": "ping",
		"vcard-temp": "vCard",
		"urn:xmpp:time": "time",
	};
	const vars = info.getChildren("feature").map((feature) => feature.attrs.var!);
	expect(vars).toContain("urn:xmpp:ping");
	expect(vars).toEqual(expect.arrayContaining([...said]));
	// A command is executed by a set, see bot.test.ts.
	const commands = "http://jabber.org/protocol/commands";
	expect(vars.includes(commands)).toBe(to === host);
	for (const ns of vars.filter((one) => ![...said, commands].includes(one)))
		expect((await ask(to, payloads[ns] ?? "query", ns))!.attrs.type, ns).toBe("result");
});

test("a result goes to the sender of the IQ, from the JID that was asked", async () => {
	const answer = await ask(`${alice}/room`, "ping", "urn:xmpp:ping");
	expect(answer!.attrs).toEqual({ type: "result", from: `${alice}/room`, to: asker, id: "1" });
	expect(answer!.children).toEqual([]);
});

test("a ghost's vCard contains the full name", async () => {
	const card = (await ask(alice, "vCard", "vcard-temp"))!.getChild("vCard")!;
	expect(text(card, "FN")).toBe("Alice 🎉");
});

test("the component answers version, time and uptime; a ghost answers no time", async () => {
	const version = (await ask(host, "query", "jabber:iq:version"))!.getChild("query")!;
	expect([text(version, "name"), text(version, "version")]).toEqual(["Trivium", "1.2.3"]);
	expect(text((await ask(host, "time", "urn:xmpp:time"))!.getChild("time")!, "utc")).toMatch(/^20.*Z$/);
	expect(
		Number((await ask(host, "query", "jabber:iq:last"))!.getChild("query")!.attrs.seconds),
	).toBeGreaterThanOrEqual(0);
	expect(condition(await ask(alice, "time", "urn:xmpp:time"))).toBe("cancel service-unavailable");
});

test("any IQ to a Matrix user who does not exist is answered with item-not-found", async () => {
	for (const [name, ns] of [
		["query", INFO],
		["ping", "urn:xmpp:ping"],
		["vCard", "vcard-temp"],
		["x", "y"],
	] as const)
		expect(condition(await ask(`nobody@${host}`, name, ns))).toBe("cancel item-not-found");
	expect(condition(await ask(`bad@${host}`, "query", INFO))).toBe("cancel item-not-found");
});

test("an IQ gets an error of type wait while the homeserver is away, and after a bug", async () => {
	expect(condition(await ask(`down@${host}`, "query", INFO))).toBe("wait remote-server-timeout");
	expect(failures).toEqual([]);
	expect(condition(await ask(`bug@${host}`, "query", INFO))).toBe("wait internal-server-error");
	expect(failures).toHaveLength(1);
});

test("an unknown payload gets service-unavailable, and a malformed IQ bad-request", async () => {
	expect(condition(await ask(host, "query", "jabber:iq:roster"))).toBe("cancel service-unavailable");
	expect(condition(await ask(host, "ping", "urn:other"))).toBe("cancel service-unavailable");
	expect(condition(await ask(host, "query", INFO, { node: "x" }))).toBe("cancel item-not-found");
	expect(condition(await ask(host, "query", ITEMS, { node: "x" }))).toBe("cancel item-not-found");
	const iq = (type: string | undefined, ...children: Element[]) =>
		answerIq(xml("iq", { type, from: asker, to: host, id: "1" }, children), context);
	const ping = () => xml("ping", { xmlns: "urn:xmpp:ping" });
	expect(condition(await iq("get"))).toBe("modify bad-request");
	expect(condition(await iq("get", ping(), ping()))).toBe("modify bad-request");
	expect(condition(await iq("what", ping()))).toBe("modify bad-request");
	expect(condition(await iq(undefined, ping()))).toBe("modify bad-request");
	expect(condition(await iq("set", ping()))).toBe("cancel service-unavailable");
});

test("results and errors are never answered", async () => {
	for (const type of ["result", "error"])
		expect(await answerIq(xml("iq", { type, from: asker, to: alice, id: "1" }), context)).toBeUndefined();
});
