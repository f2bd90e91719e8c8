import { describe, expect, test } from "vitest";
import { answerIq } from "../../../src/xmpp/iq/index.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { type Element, text, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { romeo } from "../hosted/queries/world.ts";
import { fakeFinding } from "./fake-finding.ts";

const host = "bridge.test";
const data = "jabber:x:data";
const people = [
	{ jid: `alice@${host}`, name: "Alice 🎉" },
	{ jid: `alice%other.test@${host}`, name: "Alice" },
];

/** Asks the component, which finds what `finding` has. Resolves with the payload of the result, or the error in words. */
async function ask(type: "get" | "set", payload: Element, finding = fakeFinding({ people })) {
	const software = { name: "Trivium", version: "0", uri: `xmpp:${host}` };
	const answer = await answerIq(xml("iq", { type, from: romeo, to: host, id: "1" }, payload), {
		...{ software, finding, log: quiet },
		ghost: async () => undefined,
	});
	const [first] = answer!.getChildElements();
	if (answer!.attrs.type === "result") return first!;
	const [condition, ...more] = first!.getChildElements().map((one) => one.getName());
	return [first!.attrs.type, condition, ...more.filter((one) => one !== "text")].join(" ");
}
const refusal = async (type: "get" | "set", payload: Element) => {
	const answer = await ask(type, payload);
	return typeof answer === "string" ? answer : `no refusal: ${answer}`;
};
const submit = (fields: Readonly<Record<string, string>>) =>
	xml(
		"x",
		{ xmlns: data, type: "submit" },
		Object.entries(fields).map(([name, value]) => xml("field", { var: name }, xml("value", {}, value))),
	);

describe("the search for people (XEP-0055)", () => {
	const ns = "jabber:iq:search";
	const query = (...children: Element[]) => xml("query", { xmlns: ns }, ...children);

	test("offers a form and the field of older clients", async () => {
		const answer = (await ask("get", query())) as Element;
		expect(answer.getChild("nick")).toBeDefined();
		const form = answer.getChild("x", data)!;
		expect(form.getChildren("field").map(({ attrs }) => attrs.var)).toEqual(["FORM_TYPE", "nick"]);
	});

	test("answers a form with a form, and fields with items", async () => {
		const finding = fakeFinding({ people });
		const form = (await ask("set", query(submit({ nick: "alice", FORM_TYPE: ns })), finding)) as Element;
		const items = form.getChild("x", data)!.getChildren("item");
		expect(
			items.map((item) =>
				Object.fromEntries(item.getChildren("field").map((one) => [one.attrs.var, text(one, "value")])),
			),
		).toEqual(people.map(({ jid, name }) => ({ jid, nick: name })));
		const legacy = (await ask(
			"set",
			query(xml("first", {}, "alice"), xml("last", {}, "c")),
			finding,
		)) as Element;
		expect(legacy.getChildren("item").map((one) => [one.attrs.jid, text(one, "nick")])).toEqual(
			people.map(({ jid, name }) => [jid, name]),
		);
		expect(finding.asked).toEqual([`people alice ${romeo}`, `people alice c ${romeo}`]);
	});

	test("answers an empty query where nobody is found, and refuses a search for nothing", async () => {
		const none = (await ask("set", query(xml("nick", {}, "zog")), fakeFinding())) as Element;
		expect(none.getChildElements()).toEqual([]);
		expect(await refusal("set", query(xml("nick", {}, " ")))).toBe("modify bad-request");
	});
});

describe("the prompt for an address (XEP-0100)", () => {
	const query = (...children: Element[]) => xml("query", { xmlns: "jabber:iq:gateway" }, ...children);

	test("tells what to type, and gives the JID for it", async () => {
		const prompt = (await ask("get", query())) as Element;
		expect([text(prompt, "prompt"), text(prompt, "desc")]).toEqual([
			"Matrix address",
			expect.stringContaining("@alice:example.org"),
		]);
		const given = (await ask("set", query(xml("prompt", {}, " bob ")))) as Element;
		expect(text(given, "jid")).toBe("bob@bridge.test");
		expect(await refusal("set", query())).toBe("modify bad-request");
	});
});

describe("the search for rooms (XEP-0433)", () => {
	const ns = "urn:xmpp:channel-search:0:search";
	const rooms = [
		{ jid: "#b@bridge.test", name: "Verona", description: "Two households", users: 3, open: true },
		{ jid: "#c@bridge.test", name: "Mantua", description: "An apothecary of Verona", users: 9, open: false },
		{ jid: "#a-verona@bridge.test", users: 3, open: true },
	];
	const rsm = (fields: Readonly<Record<string, string>>) =>
		xml(
			"set",
			{ xmlns: "http://jabber.org/protocol/rsm" },
			Object.entries(fields).map(([name, value]) => xml(name, {}, value)),
		);
	const search = (fields?: Readonly<Record<string, string>>, page?: Readonly<Record<string, string>>) =>
		xml("search", { xmlns: ns }, fields && submit(fields), page && rsm(page));
	async function find(...asked: Parameters<typeof search>) {
		const answer = await ask("get", search(...asked), fakeFinding({ rooms }));
		if (typeof answer === "string") return { refused: answer, found: [] };
		const set = answer.getChild("set")!;
		return {
			found: answer.getChildren("item").map(({ attrs }) => attrs.address!.split("@")[0]),
			first: text(set, "first"),
			last: text(set, "last"),
			count: text(set, "count"),
		};
	}

	test("offers a form with the fields and defaults of the specification", async () => {
		const form = ((await ask("get", search())) as Element).getChild("x", data)!;
		const fields = form.getChildren("field");
		expect(form.attrs.type).toBe("form");
		expect(fields.map(({ attrs }) => `${attrs.var} ${attrs.type}`)).toEqual([
			"FORM_TYPE hidden",
			"q text-single",
			"all boolean",
			"sinname boolean",
			"sindescription boolean",
			"sinaddress boolean",
			"types list-multi",
			"key list-single",
		]);
		expect(fields.map((one) => text(one, "value"))).toEqual([
			...["urn:xmpp:channel-search:0:search-params", undefined, "false", "true", "true", "true", "xep-0045"],
			"{urn:xmpp:channel-search:0:order}nusers",
		]);
	});

	test("finds rooms by words in name, description and address, those with the most people first", async () => {
		expect((await find({ q: "VERONA" })).found).toEqual(["#c", "#a-verona", "#b"]);
		expect((await find({ q: "verona households" })).found).toEqual(["#b"]);
		expect((await find({ q: "verona", sindescription: "false" })).found).toEqual(["#a-verona", "#b"]);
		expect((await find({ q: "verona", sinaddress: "0", sindescription: "0" })).found).toEqual(["#b"]);
		expect((await find({ q: "verona", sinname: "0", sinaddress: "0", sindescription: "0" })).found).toEqual(
			[],
		);
		expect((await find({ q: "padua", unknown: "x" })).found).toEqual([]);
		expect((await find({ q: "verona", types: "xep-0369" })).found).toEqual([]);
	});

	test("asks the source for the longest word alone", async () => {
		const finding = fakeFinding({ rooms });
		await ask("get", search({ q: "of Verona" }), finding);
		await ask("get", search({ all: "true" }), finding);
		expect(finding.asked).toEqual([`rooms verona ${romeo}`, `rooms undefined ${romeo}`]);
	});

	test("describes each room", async () => {
		const answer = (await ask("get", search({ q: "verona" }), fakeFinding({ rooms }))) as Element;
		const [mantua, bare] = answer
			.getChildren("item")
			.map((item) =>
				Object.fromEntries(item.getChildElements().map((one) => [one.getName(), one.getText()])),
			);
		expect(mantua).toEqual({
			name: "Mantua",
			description: "An apothecary of Verona",
			nusers: "9",
			"service-type": "xep-0045",
			"anonymity-mode": "{urn:xmpp:channel-search:0:anonymity}none",
		});
		expect(bare).toMatchObject({ "is-open": "true", nusers: "3" });
		expect(bare).not.toHaveProperty("name");
	});

	test.each(["nusers", "address"])(
		"gives all rooms page by page in the order of %s, in both directions",
		async (order) => {
			const all = { all: "true", key: `{urn:xmpp:channel-search:0:order}${order}` };
			const whole = (await find(all)).found;
			expect(whole).toEqual(order === "nusers" ? ["#c", "#a-verona", "#b"] : ["#a-verona", "#b", "#c"]);
			const forwards = [await find(all, { max: "2" })];
			forwards.push(await find(all, { max: "2", after: forwards[0]!.last! }));
			expect(forwards.map(({ found }) => found)).toEqual([whole.slice(0, 2), whole.slice(2)]);
			expect((await find(all, { after: forwards[1]!.last! })).found).toEqual([]);
			expect((await find(all, { max: "1", before: "" })).found).toEqual(whole.slice(2));
			expect((await find(all, { max: "1", before: forwards[1]!.first! })).found).toEqual(whole.slice(1, 2));
			expect(await find(all, { max: "0" })).toEqual({
				found: [],
				first: undefined,
				last: undefined,
				count: "3",
			});
		},
	);

	test.each<[string, Parameters<typeof search>, string]>([
		["nothing", [{}], "cancel bad-request no-search-conditions"],
		["words and all", [{ q: "x", all: "1" }], "modify bad-request conflicting-fields"],
		["too many words", [{ q: "a ".repeat(11) }], "modify bad-request invalid-search-terms"],
		[
			"an order that there is not",
			[{ q: "x", key: "age" }],
			"modify feature-not-implemented invalid-sort-key",
		],
		["a page by its number", [{ q: "x" }, { index: "3" }], "cancel feature-not-implemented"],
		["a page after no room", [{ q: "x" }, { after: "x" }], "cancel item-not-found"],
		["a page of no size", [{ q: "x" }, { max: "x" }], "modify bad-request"],
	])("refuses a search for %s", async (_, asked, refused) => {
		expect(await find(...asked)).toEqual({ refused, found: [] });
	});

	test("tells a client to wait that asks too often", async () => {
		const rooms = () => Promise.reject(new StanzaError("resource-constraint", "wait"));
		const answer = await ask("get", search({ q: "x" }), { ...fakeFinding(), rooms });
		expect(answer).toBe("wait resource-constraint rate-limit");
	});
});
