import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { verification } from "../../src/xmpp/iq/capabilities-hash.ts";
import { answerIq, capabilities } from "../../src/xmpp/iq/index.ts";
import type { IqContext } from "../../src/xmpp/iq/query.ts";
import { vars as said } from "../../src/xmpp/message/index.ts";
import { type Element, text, xml } from "../../src/xmpp/stream/xml.ts";
import { avatar, fakeFaces } from "./fake-faces.ts";
import { fakeFinding } from "./finding/fake-finding.ts";
import { png } from "./hosted/queries/world.ts";

const host = "bridge.test";
const alice = `alice@${host}`;
const carol = `carol@${host}`;
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
	software: { name: "Trivium", version: "1.2.3", uri: `xmpp:${host}` },
	async ghost(jid) {
		if (jid === alice) return { name: "Alice 🎉", jid, url: "https://people.test/alice" };
		if (jid === `bob@${host}`) return { name: "Bob" };
		if (jid === carol) return { name: "Carol", jid, avatar: avatar("carol") };
		if (jid === `broken@${host}`) return { name: "Broken", jid, avatar: avatar("broken") };
		if (jid === `down@${host}`) throw new TemporaryError("homeserver away");
		if (jid === `bad@${host}`) throw new PermanentError("invalid", "no such address");
		if (jid === `bug@${host}`) throw new TypeError("oops");
		return undefined;
	},
	picture: fakeFaces({ carol: png }).soon,
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
const rsm = "http://jabber.org/protocol/rsm";

test.each([
	[host, "gateway/matrix", "Trivium"],
	[alice, "account/registered", "Alice 🎉"],
	[`${alice}/room`, "client/web", "Trivium"],
])("disco#info of %s has its identity, and each listed feature is answered", async (to, identity, name) => {
	const info = (await ask(to, "query", INFO))!.getChild("query", INFO)!;
	const { category, type, ...rest } = info.getChild("identity")!.attrs;
	expect(`${category}/${type}`).toBe(identity);
	expect(rest.name).toBe(name);
	const payloads: Record<string, string> = {
		"urn:xmpp:ping": "ping",
		"vcard-temp": "vCard",
		"urn:xmpp:time": "time",
		"urn:xmpp:channel-search:0:search": "search",
		"urn:ietf:params:xml:ns:vcard-4.0": "vcard",
	};
	const vars = info.getChildren("feature").map((feature) => feature.attrs.var!);
	expect(vars).toContain("urn:xmpp:ping");
	expect(vars).toEqual(expect.arrayContaining([...said]));
	// A command is executed by a set, see bot.test.ts.
	const commands = "http://jabber.org/protocol/commands";
	expect(vars.includes(commands)).toBe(to === host);
	const rooms = ["http://jabber.org/protocol/muc", rsm];
	// XEP-0184: a receipt is asked for and given in messages, between accounts alone.
	const receipts = "urn:xmpp:receipts";
	expect(vars.includes(receipts)).toBe(to !== host);
	// A wish to be notified (XEP-0163 §4) is no query.
	const wishes = ["urn:xmpp:avatar:metadata+notify", "http://jabber.org/protocol/nick+notify"];
	expect(vars.filter((one) => one.endsWith("+notify"))).toEqual(to === host ? [] : wishes.toSorted());
	for (const ns of vars.filter((one) => ![...said, ...rooms, ...wishes, commands, receipts].includes(one)))
		expect((await ask(to, payloads[ns] ?? "query", ns))!.attrs.type, ns).toBe("result");
});

test("the component is a gateway and a service with rooms, which it lists as it is asked to", async () => {
	const info = (await ask(host, "query", INFO))!.getChild("query", INFO)!;
	expect(info.getChildren("identity").map(({ attrs }) => attrs)).toEqual([
		{ category: "gateway", type: "matrix", name: "Trivium" },
		{ category: "conference", type: "text", name: "Trivium" },
	]);
	const vars = info.getChildren("feature").map((feature) => feature.attrs.var);
	const searches = ["jabber:iq:gateway", "jabber:iq:search", "urn:xmpp:channel-search:0:search"];
	expect(vars).toEqual(expect.arrayContaining(["http://jabber.org/protocol/muc", rsm, ...searches]));
	const listing = async (query: Element) => [
		xml("item", { jid: "#a@bridge.test" }),
		...query.getChildElements(),
	];
	const set = xml("set", { xmlns: rsm }, xml("max", {}, "1"));
	const items = await answerIq(
		xml("iq", { type: "get", from: asker, to: host, id: "1" }, xml("query", { xmlns: ITEMS }, set)),
		{ ...context, finding: { ...fakeFinding(), publicRooms: listing } },
	);
	expect(
		items!
			.getChild("query", ITEMS)!
			.getChildElements()
			.map((one) => one.name),
	).toEqual(["item", "set"]);
});

test("the component names the addresses of its admins, and no form without one", async () => {
	const info = async (contact?: readonly string[]) => {
		const iq = xml("iq", { type: "get", from: asker, to: host, id: "1" }, xml("query", { xmlns: INFO }));
		return (await answerIq(iq, { ...context, ...(contact && { contact }) }))!.getChild("query", INFO)!;
	};
	const form = (await info(["mailto:admin@example.org", "xmpp:admin@example.org"])).getChild("x")!;
	const values = Object.fromEntries(
		form
			.getChildren("field")
			.map((one) => [one.attrs.var, one.getChildren("value").map((it) => it.getText())]),
	);
	const both = ["mailto:admin@example.org", "xmpp:admin@example.org"];
	expect(values).toEqual({
		FORM_TYPE: ["http://jabber.org/network/serverinfo"],
		"abuse-addresses": both,
		"admin-addresses": both,
		"support-addresses": both,
	});
	expect((await info()).getChild("x")).toBeUndefined();
});

test("a result goes to the sender of the IQ, from the JID that was asked", async () => {
	const answer = await ask(`${alice}/room`, "ping", "urn:xmpp:ping");
	expect(answer!.attrs).toEqual({ type: "result", from: `${alice}/room`, to: asker, id: "1" });
	expect(answer!.children).toEqual([]);
});

test("a ghost's vCard contains the full name, the address and the profile of the person", async () => {
	const card = (await ask(alice, "vCard", "vcard-temp"))!.getChild("vCard")!;
	expect(card.getChildElements().map((one) => [one.getName(), one.getText()])).toEqual([
		["FN", "Alice 🎉"],
		["NICKNAME", "Alice 🎉"],
		["JABBERID", alice],
		["URL", "https://people.test/alice"],
	]);
	const newer = (await ask(alice, "vcard", "urn:ietf:params:xml:ns:vcard-4.0"))!.getChild("vcard")!;
	expect(newer.getChildElements().map((one) => one.getChildElements()[0]!.getText())).toEqual([
		"Alice 🎉",
		"Alice 🎉",
		`xmpp:${alice}`,
		"https://people.test/alice",
	]);
});

describe("the picture of a person", () => {
	const base64 = png.toString("base64");
	const sha1 = createHash("sha1").update(png).digest("hex");
	const items = async (node: string, id?: string, of = carol) => {
		const wanted = xml("items", { node }, id && xml("item", { id }));
		const pubsub = xml("pubsub", { xmlns: "http://jabber.org/protocol/pubsub" }, wanted);
		const answer = await answerIq(xml("iq", { type: "get", from: asker, to: of, id: "1" }, pubsub), context);
		return answer?.attrs.type === "error"
			? condition(answer)
			: answer?.getChild("pubsub")?.getChild("items")?.getChild("item");
	};

	test("is in both vCards", async () => {
		const photo = (await ask(carol, "vCard", "vcard-temp"))!.getChild("vCard")!.getChild("PHOTO")!;
		expect([text(photo, "TYPE"), text(photo, "BINVAL")]).toEqual(["image/png", base64]);
		const newer = (await ask(carol, "vcard", "urn:ietf:params:xml:ns:vcard-4.0"))!.getChild("vcard")!;
		expect(text(newer.getChild("photo")!, "uri")).toBe(`data:image/png;base64,${base64}`);
	});

	test("is described and given in the nodes of the account, under its hash", async () => {
		const described = (await items("urn:xmpp:avatar:metadata")) as Element;
		expect(described.attrs.id).toBe(sha1);
		expect(described.getChildElements()[0]!.getChild("info")!.attrs).toEqual({
			id: sha1,
			type: "image/png",
			bytes: `${png.length}`,
			width: "1",
			height: "1",
		});
		const data = (await items("urn:xmpp:avatar:data", sha1)) as Element;
		expect([data.attrs.id, text(data, "data")]).toEqual([sha1, base64]);
		expect(await items("urn:xmpp:avatar:data", "another")).toBe("cancel item-not-found");
	});

	test("is missing where the person has none, or it cannot be had; the rest is told", async () => {
		for (const jid of [alice, `broken@${host}`]) {
			expect((await ask(jid, "vCard", "vcard-temp"))!.getChild("vCard")!.getChild("PHOTO")).toBeUndefined();
			expect(await items("urn:xmpp:avatar:metadata", undefined, jid)).toBe("cancel item-not-found");
		}
	});
});

describe("an account of ours that a client asks for a node", () => {
	const node = (name: string) =>
		answerIq(
			xml(
				"iq",
				{ type: "get", from: asker, to: alice, id: "1" },
				xml("pubsub", { xmlns: "http://jabber.org/protocol/pubsub" }, xml("items", { node: name })),
			),
			context,
		);
	test.each(["eu.siacs.conversations.axolotl.devicelist", "urn:xmpp:omemo:2:devices"])(
		"has no OMEMO devices (%s)",
		async (name) => expect(condition(await node(name))).toBe("cancel item-not-found"),
	);
	test.each([
		["urn:xmpp:vcard4", "vcard"],
		["http://jabber.org/protocol/nick", "nick"],
	])("tells the person's name in %s", async (name, element) => {
		const items = (await node(name))!.getChild("pubsub")!.getChild("items")!;
		expect(items.attrs.node).toBe(name);
		expect(items.getChild("item")!.getChild(element)!.toString()).toContain("Alice 🎉");
	});
});

describe("entity capabilities (XEP-0115)", () => {
	const c = capabilities(context.software);
	const node = `${c.attrs.node}#${c.attrs.ver}`;

	test("are the hash of what the session of each ghost answers", async () => {
		for (const ghost of [alice, `bob@${host}`]) {
			const info = (await ask(`${ghost}/room`, "query", INFO, { node }))!.getChild("query")!;
			expect(info.attrs.node).toBe(node);
			expect(verification(info)).toBe(c.attrs.ver);
			const plain = (await ask(`${ghost}/room`, "query", INFO))!.getChild("query")!;
			expect(verification(plain)).toBe(c.attrs.ver);
		}
		expect(c.attrs).toMatchObject({ hash: "sha-1", xmlns: "http://jabber.org/protocol/caps" });
	});

	test("have the hash of the example in the specification", () => {
		// XEP-0115 §5.2
		const info = xml(
			"query",
			{},
			xml("identity", { category: "client", type: "pc", name: "Exodus 0.9.1" }),
			["caps", "muc", "disco#items", "disco#info"].map((one) =>
				xml("feature", { var: `http://jabber.org/protocol/${one}` }),
			),
		);
		expect(verification(info)).toBe("QgayPKawpkPSDYmwT/WM94uAlu0=");
	});

	test("do not depend on the order of identities and features", () => {
		const info = (...children: Element[]) => verification(xml("query", {}, children));
		const [pc, web] = ["pc", "web"].map((type) => () => xml("identity", { category: "client", type }));
		const [a, b] = ["a", "b"].map((one) => () => xml("feature", { var: one }));
		expect(info(web!(), pc!(), b!(), a!())).toBe(info(pc!(), web!(), a!(), b!()));
	});

	test("are no node of an account, and no other hash is one of a session", async () => {
		expect(condition(await ask(alice, "query", INFO, { node }))).toBe("cancel item-not-found");
		expect(condition(await ask(`${alice}/room`, "query", INFO, { node: `${c.attrs.node}#x` }))).toBe(
			"cancel item-not-found",
		);
	});
});

test("the component answers version, time and uptime; a ghost answers version and time", async () => {
	const version = (await ask(host, "query", "jabber:iq:version"))!.getChild("query")!;
	expect([text(version, "name"), text(version, "version")]).toEqual(["Trivium", "1.2.3"]);
	expect(
		Number((await ask(host, "query", "jabber:iq:last"))!.getChild("query")!.attrs.seconds),
	).toBeGreaterThanOrEqual(0);
	for (const to of [host, alice, `${alice}/room`]) {
		const time = (await ask(to, "time", "urn:xmpp:time"))!.getChild("time")!;
		expect([text(time, "tzo"), text(time, "utc")]).toEqual(["+00:00", expect.stringMatching(/^20.*Z$/)]);
	}
	for (const ghost of [alice, `${alice}/room`])
		expect(condition(await ask(ghost, "query", "jabber:iq:last"))).toBe("cancel service-unavailable");
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
