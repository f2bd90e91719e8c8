import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import * as matrix from "../src/matrix/event-kinds.ts";
import { fromMatrix } from "../src/matrix/from-matrix.ts";
import { msgtypes } from "../src/matrix/msgtypes.ts";
import { isHappening } from "../src/matrix/treatments.ts";
import { nowhere, parseMessage } from "../src/xmpp/from-xmpp.ts";
import * as xmpp from "../src/xmpp/payload-kinds.ts";
import { xml } from "../src/xmpp/stream/xml.ts";
import { sampleEvent, samplePerson } from "./matrix/samples.ts";
import { vectors } from "./vectors.ts";
import { stanza } from "./xmpp/stanza.ts";

const known = parse(readFileSync("test/known-kinds.yaml", "utf8")) as Readonly<
	Record<string, readonly string[]>
>;
const strangers = {
	person: samplePerson,
	before: () => undefined,
	event: () => undefined,
	votes: [],
	isOurs: () => false,
};

describe("kinds of Matrix events", () => {
	const types = matrix.kinds.flatMap((kind) => kind.types.map((type) => ({ ...kind, type })));

	test("are each decided once", () => {
		const keys = types.map(({ type, state }) => `${type} ${state ?? false}`);
		expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
		const all = msgtypes.flatMap((one) => one.types);
		expect(new Set(all).size).toBe(all.length);
	});

	test("are all decided that the specification and clients know", () => {
		const decided = new Set(types.map(({ type }) => type));
		const forms = new Set(msgtypes.flatMap((one) => one.types));
		const open = Object.entries(known).flatMap(([list, all]) =>
			list === "xmpp" ? [] : all.filter((one) => !(list.endsWith("msgtypes") ? forms : decided).has(one)),
		);
		expect(open).toEqual([]);
	});

	test.each(types.filter(({ as }) => ["dropped", "encrypted", "ringing", "signal"].includes(as)))(
		"$type becomes nothing, also with a fallback text",
		({ type, state }) => {
			const content = { body: "words", "org.matrix.msc1767.text": "words", msgtype: "m.text" };
			const event = sampleEvent({ type, content, ...(state && { state_key: "" }) });
			expect(fromMatrix(event, strangers)).toBeUndefined();
		},
	);

	type Vector = { type?: string; state?: string; before?: object; phase?: never; in: object; out?: object };
	test.each(types.filter(({ as }) => isHappening(as)))(
		"$type is told in words, as every other name of the same kind",
		({ type, as, state }) => {
			const same = vectors<Vector>("from-matrix", "happening").filter(
				(one) =>
					one.type &&
					matrix.treatmentOf({ type: one.type, ...(one.state !== undefined && { state_key: one.state }) }) ===
						as,
			);
			expect(same.some(({ out }) => out)).toBe(true);
			for (const { in: content, before, phase, out } of same) {
				const event = sampleEvent({
					type,
					content: { ...content },
					...(state && { state_key: "", unsigned: { prev_content: before } }),
				});
				const seen = fromMatrix(event, { ...strangers, phase });
				if (!out) expect(seen).toBeUndefined();
				else expect(seen).toMatchObject({ kind: "message", style: expect.stringMatching(/emote|text/) });
			}
		},
	);
});

describe("kinds of XMPP payloads", () => {
	const payloads = xmpp.kinds.flatMap((kind) =>
		kind.payloads.flatMap(([ns, ...names]) =>
			(names.length > 0 ? names : ["any"]).map((name) => ({ ...kind, ns, name })),
		),
	);
	const alone = (name: string, ns: string) =>
		stanza(`<message type='chat'><${name} xmlns='${ns}'/></message>`);

	test("are each decided once, and all that clients and servers send", () => {
		const keys = payloads.map(({ name, ns }) => `${name} ${ns}`);
		expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
		const open = (known.xmpp ?? []).filter((one) => {
			const [name = "", xmlns] = one.split(" ");
			return xmpp.treatmentOf(xml(name, { xmlns })) === undefined;
		});
		expect(open).toEqual([]);
	});

	test("the kinds that the readers of messages know are those of the list", () => {
		const folder = "src/xmpp/message";
		const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
			.filter((file) => file.endsWith(".ts"))
			.map((file) => readFileSync(`${folder}/${file}`, "utf8"))
			.join("");
		const namespaces = sources.matchAll(/"((?:urn:xmpp:|jabber:|http:\/\/jabber\.org\/|eu\.siacs\.)[^"]+)"/g);
		const read = new Set([...namespaces].map(([, ns = ""]) => ns));
		const listed = new Set(payloads.map(({ ns }) => ns));
		expect([...read].filter((ns) => !listed.has(ns))).toEqual([]);
		const claimed = payloads.filter(({ as }) => as === "read").map(({ ns }) => ns);
		expect(claimed.filter((ns) => !read.has(ns))).toEqual([]);
	});

	test.each(payloads.filter(({ as }) => ["dropped", "answered", "ignored", "signal"].includes(as)))(
		"$name of $ns becomes nothing by itself, and takes nothing from a body",
		({ name, ns }) => {
			expect(parseMessage(alone(name, ns), nowhere)).toBeUndefined();
			const beside = stanza(
				`<message><body>hello</body><${name} xmlns='${ns}'><body>no</body></${name}></message>`,
			);
			expect(parseMessage(beside, nowhere)).toMatchObject({ style: "text", text: "hello" });
		},
	);

	test.each(payloads.filter(({ as }) => xmpp.isHappening(as)))(
		"$name of $ns is told in words",
		({ name, ns }) => {
			const message = stanza(`<message><${name} xmlns='${ns}' type='form'/></message>`);
			expect(parseMessage(message, nowhere)).toMatchObject({
				style: "emote",
				text: expect.stringMatching(/.{10}/),
			});
		},
	);
});

const [begin, end] = ["<!-- kinds -->\n", "<!-- end of kinds -->\n"] as const;

test("what-crosses.md lists every kind, generated from the lists (vitest -u writes it)", async () => {
	const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	const code = (all: readonly string[]) => all.map((one) => `\`${one}\``).join(" ");
	const lines = [
		"From Matrix, of an event of another type: its fallback text (`body`, or MSC1767), if it has one; of another state event: nothing.",
		"",
		row(["event", "types", "what people of other networks get"]),
		row(["---", "---", "---"]),
		...matrix.kinds.map(({ what, types, shown }) => row([what, code(types), shown])),
		"",
		"From Matrix, of a message with another msgtype: the text in its body.",
		"",
		row(["msgtypes of messages", "what people of other networks get"]),
		row(["---", "---"]),
		...msgtypes.map(({ types, shown }) => row([code(types), shown])),
		"",
		"From XMPP, of a message with another payload: its body, if it has one.",
		"",
		row(["payload", "namespaces", "what people of other networks get"]),
		row(["---", "---", "---"]),
		...xmpp.kinds.map(({ what, payloads, shown }) =>
			row([
				what,
				payloads
					.map(([ns, ...names]) =>
						[...(names.length > 0 ? [names.join(", "), "of"] : []), code([ns])].join(" "),
					)
					.join(", "),
				shown,
			]),
		),
	];
	const page = readFileSync("docs/what-crosses.md", "utf8");
	const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
	expect(to).toBeGreaterThan(from - 1);
	const whole = [page.slice(0, from), ...lines.map((line) => `${line}\n`), page.slice(to)].join("");
	await expect(whole).toMatchFileSnapshot("../docs/what-crosses.md");
});
