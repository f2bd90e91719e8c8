import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BridgeEvent, Message } from "../../../src/core/event.ts";
import type { NetworkName, OperationId, UserId } from "../../../src/core/ids.ts";
import type { Person } from "../../../src/core/person.ts";
import { type Rich, weightOfTree } from "../../../src/core/rich.ts";
import type { MatrixEvent, ReadContext } from "../../../src/matrix/event.ts";
import { fromMatrix } from "../../../src/matrix/from-matrix.ts";
import { toMatrix } from "../../../src/matrix/to-matrix.ts";

const names = new Map([
	["@al:hs.test", "Al"],
	["@alice:hs.test", "Alice @bob:hs.test"],
	["@bob:hs.test", "@alice:hs.test @alice:hs.test"],
	["@__proto__:hs.test", "constructor"],
	["@albo:hs.test", "Al Bo"],
]);
const person = (mxid: string): Person => ({
	network: "matrix" as NetworkName,
	id: mxid as UserId,
	address: [mxid],
	name: names.get(mxid) ?? mxid.slice(1, mxid.indexOf(":")),
	handles: [mxid],
	domain: "hs.test",
});
const around: ReadContext = {
	person,
	before: () => undefined,
	event: () => undefined,
	votes: [],
	isOurs: () => false,
};
const read = (content: MatrixEvent["content"], over: Partial<MatrixEvent> = {}): BridgeEvent | undefined =>
	fromMatrix(
		{
			type: "m.room.message",
			event_id: "$e",
			room_id: "!r",
			sender: "@carol:hs.test",
			origin_server_ts: 1,
			content: { msgtype: "m.text", ...content },
			...over,
		},
		around,
	);
const message = (content: MatrixEvent["content"]) => read(content) as Message;
const html = (formatted_body: string, body = "the words") => ({
	body,
	format: "org.matrix.custom.html",
	formatted_body,
});
const link = (mxid: string, label = mxid) => `[${label}](https://matrix.to/#/${mxid})`;

/** Returns the processor time of `work` in ms, which a busy machine does not lengthen. */
function timed(work: () => unknown): number {
	const start = process.threadCpuUsage();
	work();
	const { user, system } = process.threadCpuUsage(start);
	return (user + system) / 1_000;
}

describe("fromMatrix: the work of an event", () => {
	const large = 60_000;
	const cases: readonly [name: string, content: MatrixEvent["content"]][] = [
		["opening brackets", { body: "[".repeat(large) }],
		["labels without a link", { body: "[a](https://matrix.to/#/@".repeat(large / 25) }],
		["links without an end", { body: "](https://matrix.to/#/@".repeat(large / 23) }],
		["brackets before one link", { body: `${"[".repeat(large)}${link("@al:hs.test")}` }],
		["addresses that begin alike", { body: "@".repeat(large), "m.mentions": { user_ids: alike("@") } }],
		[
			"names with a common beginning",
			{ body: "a a ".repeat(large / 4), "m.mentions": { user_ids: ["@a a a:hs.test", ...alike("a ")] } },
		],
		["href without a link", html("href".repeat(large / 4))],
		["href and spaces", html(`href${" ".repeat(large)}`)],
		["links to nobody", html('<a href="https://matrix.to/#/@%3A%3A%3A">'.repeat(large / 40))],
		["one long link to nobody", html(`<a href="https://matrix.to/#/@${"%3A/".repeat(large / 4)}">a</a>`)],
		["nested quotes", html(`${"<blockquote>".repeat(large / 12)}a`)],
		["nested quotes, each with a line", html("<blockquote>a".repeat(large / 13))],
		["unknown tags and their ends", html(`${"<x>".repeat(large / 6)}${"</y>".repeat(large / 8)}`)],
		["nested lists", html("<ul><li>".repeat(large / 8))],
		["tables", html("<table><tr><td>".repeat(large / 15))],
		["attributes", html(`<a ${Array.from({ length: large / 6 }, (_, at) => `a${at}`).join(" ")}>`)],
		[
			"a link that begins anew in each block",
			html(`<a href="https://${"x".repeat(2_000)}">${"<p>a".repeat(14_000)}`),
		],
		["open tags that each block begins anew", html(`<b><i><u><s><code>${"<p>a".repeat(14_000)}`)],
		["white space", html(" ".repeat(large))],
		["entities", html("&amp".repeat(large / 4))],
		["quoted lines", { body: `> <@al:hs.test> a\n${">\n".repeat(large / 2)}` }],
		["coordinates", { msgtype: "m.location", body: "a", geo_uri: `geo:${"1".repeat(large)},1` }],
	];
	function alike(text: string): string[] {
		return Array.from({ length: 50 }, (_, at) => `@${text.repeat(60)}${at}:hs.test`);
	}

	test.each(cases)("stays short for %s", (_, content) => {
		expect(timed(() => read(content))).toBeLessThan(400);
	});

	test.each(cases)("has a result that stays in proportion for %s", (_, content) => {
		const said = read(content) as Message;
		const size = JSON.stringify(content).length;
		expect(said.text.length).toBeLessThanOrEqual(2 * size + 4_000);
		expect(said.rich ? weightOfTree(said.rich) : 0).toBeLessThanOrEqual(30 * size + 20_000);
	});

	test("translates the body alone when the formatting exceeds the budget", () => {
		const said = message(html(`<a href="https://${"x".repeat(2_000)}">${"<p>a".repeat(14_000)}`));
		expect(said).toMatchObject({ kind: "message", text: "the words" });
		expect(said).not.toHaveProperty("rich");
	});
});

describe("fromMatrix: names in place of MXIDs", () => {
	const everybody = { "m.mentions": { user_ids: [...names.keys()] } };

	test("does not search a name that contains an MXID", () => {
		const said = message({ body: "hi @alice:hs.test and @bob:hs.test", ...everybody });
		expect(said.text).toBe("hi Alice @bob:hs.test and @alice:hs.test @alice:hs.test");
	});

	test("does not multiply names that contain each other's MXIDs", () => {
		const body = "@alice:hs.test @bob:hs.test ".repeat(100);
		expect(message({ body, ...everybody }).text.length).toBeLessThanOrEqual(2 * body.length + 4_000);
	});

	test("reduces a link to a person to its label, also with a bracket in it", () => {
		const label = (body: string) => message({ body, ...everybody }).text;
		expect(label(`a ${link("@al:hs.test")} b`)).toBe("a Al b");
		expect(label(`[x [${link("@dave:hs.test", "Da[ve")}`)).toBe("x [[Da[ve");
		expect(label(`[x]\n${link("@dave:hs.test", "Dave")}`)).toBe("[x]\nDave");
		expect(label("[a](https://matrix.to/#/#room:hs.test)")).toBe("[a](https://matrix.to/#/#room:hs.test)");
	});

	test("leaves no MXID in the tree, at any place", () => {
		const mxid = "@al:hs.test";
		const said = message({
			...html(`<b>${mxid}</b> ${mxid}, <a href="https://x.test">${mxid}</a>`, mxid),
			...everybody,
		});
		const al = person(mxid);
		expect(said.rich).toEqual([
			{ tag: "bold", children: [{ tag: "mention", person: al, children: ["Al"] }] },
			" Al, ",
			{ tag: "link", href: "https://x.test", children: ["Al"] },
		]);
	});

	test("mentions two people with the same name, and prefers the longer of two names", () => {
		const said = (body: string, ...user_ids: string[]) => message({ body, "m.mentions": { user_ids } }).rich;
		const [one, two] = ["@al:one.test", "@al:two.test"];
		expect(said("al, al", one, two)).toEqual([
			{ tag: "mention", person: person(one), children: ["al"] },
			", ",
			{ tag: "mention", person: person(two), children: ["al"] },
		]);
		const [short, long] = ["@al:hs.test", "@albo:hs.test"];
		expect(said("hi Al Bo", short, long)).toEqual([
			"hi ",
			{ tag: "mention", person: person(long), children: ["Al Bo"] },
		]);
	});
});

describe("fromMatrix: names of object properties", () => {
	const nasty = ["constructor", "__proto__", "toString", "hasOwnProperty", "valueOf"];

	test.each(["constructor", "toString", "valueOf", "hasOwnProperty"])(
		"reads a tag <%s> as an unknown tag",
		(tag) => {
			expect(message(html(`<${tag}>a</${tag}> <b>b</b>`)).rich).toEqual([
				"a ",
				{ tag: "bold", children: ["b"] },
			]);
		},
	);
	test.each(nasty)("gives %s no meaning as an attribute, class, type, relation or key", (word) => {
		expect(
			message(html(`<a ${word}="x" href="${word}"><pre><code class="language-${word}">a</code></pre>`)).kind,
		).toBe("message");
		expect(read({ body: "a", msgtype: word })).toMatchObject({ kind: "message", text: "a" });
		expect(read({ body: "a" }, { type: word })).toMatchObject({ kind: "message", text: "a" });
		const relation = { rel_type: word, event_id: "$a", key: word, [word]: word };
		expect(read({ body: "a", "m.relates_to": relation })).toMatchObject({ kind: "message", text: "a" });
		expect(read({ body: "a", "m.mentions": JSON.parse(`{"${word}":{"user_ids":["@a:b"]}}`) })).toMatchObject({
			text: "a",
		});
	});
});

const pieces = fc.constantFrom(
	...[
		"[",
		"]",
		"](https://matrix.to/#/@al:hs.test)",
		"@al:hs.test",
		"@alice:hs.test",
		"@bob:hs.test",
		"Al",
		"@room",
	],
	...[
		"<b>",
		"</b>",
		"<blockquote>",
		"<p>",
		"<li>",
		"<ul>",
		"<pre>",
		"<code>",
		"<a href=",
		'"https://matrix.to/#/@al:hs.test">',
	],
	...[
		"</a>",
		"<constructor>",
		"<__proto__>",
		"<mx-reply>",
		"<br>",
		"<table><td>",
		"&amp;",
		"\n",
		"> ",
		" ",
		"a",
		"\u202e",
	],
);
const words = fc.array(pieces, { maxLength: 200 }).map((list) => list.join(""));

describe("fromMatrix: any body, HTML and mentions", () => {
	test("give a message of proportional size, without the MXID of a mentioned person", () => {
		const meant = fc.subarray(["@al:hs.test", "@__proto__:hs.test", "@room", "@dave:hs.test"]);
		fc.assert(
			fc.property(words, words, meant, fc.boolean(), (body, formatted_body, user_ids, room) => {
				const content = { ...html(formatted_body, body), "m.mentions": { user_ids, room } };
				const said = read(content) as Message | undefined;
				if (!said) return;
				const size = body.length + formatted_body.length;
				expect(said.text.length).toBeLessThanOrEqual(2 * body.length + 4_000);
				expect(said.rich ? weightOfTree(said.rich) : 0).toBeLessThanOrEqual(30 * size + 20_000);
				for (const mxid of user_ids.filter((id) => id.includes(":"))) expect(said.text).not.toContain(mxid);
			}),
			{ numRuns: 500 },
		);
	});
});

describe("toMatrix: the work of an event", () => {
	const write = (rich: Rich, text = "the words") =>
		toMatrix(
			{
				event: {
					id: "1",
					room: "r",
					sender: person("@al:hs.test"),
					at: 1,
					kind: "message",
					style: "text",
					text,
					rich,
				} as Message,
				passed: [],
				operation: "op" as OperationId,
				refs: {},
			},
			{ mxid: ({ id }) => id, event: () => undefined },
		).content;
	const nested = (depth: number) => {
		let rich: Rich = ["a"];
		for (let at = 0; at < depth; at++) rich = [{ tag: at % 2 ? "quote" : "code", children: rich }];
		return rich;
	};

	test("stays short for a tree of any depth", () => {
		const deep = nested(20_000);
		expect(timed(() => write([{ tag: "bold", children: deep }]))).toBeLessThan(400);
		expect(write([{ tag: "bold", children: deep }]).body).toBe("the words");
	});

	test("mentions the first fifty people", () => {
		const rich: Rich = Array.from({ length: 2_000 }, (_, at) => ({
			tag: "mention",
			person: person(`@p${at}:hs.test`),
			children: ["p"],
		}));
		const { user_ids } = write(rich)["m.mentions"] as { user_ids: string[] };
		expect(user_ids).toHaveLength(50);
		expect(user_ids[0]).toBe("@p0:hs.test");
	});

	test("writes at most ten levels of quotes", () => {
		let rich: Rich = ["a\nb"];
		for (let at = 0; at < 5_000; at++) rich = [{ tag: "quote", children: rich }];
		expect(write([{ tag: "code", children: rich }]).formatted_body).toBe("<code>a\nb</code>");
	});
});
