import { describe, expect, test } from "vitest";
import { type Parameter, parse, usage, wordsFor } from "../../src/core/command-parameters.ts";
import { PermanentError } from "../../src/core/errors.ts";

const topic = { name: "topic", kind: "address" } as const;
const value = { name: "value", kind: "text" } as const;
const count = { name: "count", kind: "number" } as const;
const which = { name: "which", kind: "choice", choices: ["all", "new"], optional: true } as const;
const how = {
	name: "how",
	kind: "options",
	of: { keep: { name: "keep", kind: "flag" }, times: { name: "times", kind: "number" } },
	optional: true,
} as const;
const what = {
	name: "what",
	kind: "either",
	of: { link: { name: "url", kind: "word" }, person: { name: "address", kind: "address" } },
} as const;

describe("the usage of a command", () => {
	test.each<[readonly Parameter[], string]>([
		[[], ""],
		[[topic, value], "TOPIC VALUE"],
		[[count, which], "COUNT [all|new]"],
		[[what], "link URL | person ADDRESS"],
		[[how, topic], "[keep] [times TIMES] TOPIC"],
	])("names each parameter as it is typed", (parameters, line) => expect(usage(parameters)).toBe(line));
});

describe("wordsFor", () => {
	test.each<[readonly Parameter[], readonly (string | undefined)[], string]>([
		[[topic, value], ["a/Living Room/set", "ON now"], '"a/Living Room/set" ON now'],
		[[topic, value], [String.raw`a\b "c"`, '"'], String.raw`"a\\b \"c\"" "`],
		[[count, which], ["7", undefined], "7"],
		[[which, topic], ["all", "“x”"], 'all "“x”"'],
		[[what], ["person", "Ann Lee"], 'person "Ann Lee"'],
	])("returns words that parse reads as the same values", (parameters, values, words) => {
		expect(wordsFor(parameters, values)).toBe(words);
		const read = Object.values(parse("do", parameters, words)).flatMap((one) =>
			typeof one === "object" && one ? Object.values(one) : [String(one)],
		);
		expect(read).toEqual(values.filter((one) => one !== undefined));
	});
});

describe("parse", () => {
	test.each<[string, readonly Parameter[], object]>([
		["home/lamp on", [topic, value], { topic: "home/lamp", value: "on" }],
		['"a/Living Room/set" ON', [topic, value], { topic: "a/Living Room/set", value: "ON" }],
		["“a/Living Room/set” ON", [topic, value], { topic: "a/Living Room/set", value: "ON" }],
		["„a/Wohn Zimmer“ AN", [topic, value], { topic: "a/Wohn Zimmer", value: "AN" }],
		[String.raw`"say \"hi\" \\ to" on`, [topic, value], { topic: String.raw`say "hi" \ to`, value: "on" }],
		[String.raw`a\b "on", 'off'`, [topic, value], { topic: String.raw`a\b`, value: `"on", 'off'` }],
		['lamp  {"on": true} \n', [topic, value], { topic: "lamp", value: ' {"on": true} \n' }],
		["a/Living Room/#", [topic], { topic: "a/Living Room/#" }],
		['"a/Living Room/#"', [topic], { topic: "a/Living Room/#" }],
		["-2.5 ALL", [count, which], { count: -2.5, which: "all" }],
		["7", [count, which], { count: 7 }],
		["Link https://x.test", [what], { what: { key: "link", value: "https://x.test" } }],
		["person Ann Lee", [what], { what: { key: "person", value: "Ann Lee" } }],
		[
			"Keep times 2 lamp on",
			[how, topic, value],
			{ how: { keep: true, times: 2 }, topic: "lamp", value: "on" },
		],
		[
			"times 2 keep lamp on",
			[how, topic, value],
			{ how: { keep: true, times: 2 }, topic: "lamp", value: "on" },
		],
		["lamp keep", [how, topic, value], { topic: "lamp", value: "keep" }],
		['"keep" times', [how, topic, value], { topic: "keep", value: "times" }],
		["whatever it is", [], {}],
	])("%j is read by the declaration", (typed, parameters, values) =>
		expect(parse("do", parameters, typed)).toEqual(values),
	);

	test.each<[string, readonly Parameter[], string]>([
		["", [topic, value], "TOPIC VALUE"],
		["home/lamp", [topic, value], "TOPIC VALUE"],
		['"" on', [topic, value], "TOPIC VALUE"],
		['"a"b on', [topic, value], "TOPIC VALUE"],
		["many", [count], "COUNT"],
		["1 some", [count, which], "COUNT [all|new]"],
		["1 all more", [count, which], "COUNT [all|new]"],
		["link", [what], "link URL | person ADDRESS"],
		["toString x", [what], "link URL | person ADDRESS"],
		["keep keep lamp on", [how, topic, value], "[keep] [times TIMES] TOPIC VALUE"],
		["times many lamp on", [how, topic, value], "[keep] [times TIMES] TOPIC VALUE"],
	])("%j is answered by the usage", (typed, parameters, line) =>
		expect(() => parse("do", parameters, typed)).toThrow(
			new PermanentError("invalid", `I did not understand that. Say: do ${line}`),
		),
	);

	test.each(['"a/Living Room on', String.raw`"a/Living Room\" on`, '"', '“a on"', '"a\\'])(
		"%s is refused with the quote that is not closed",
		(typed) => expect(() => parse("do", [topic, value], typed)).toThrow(/^the quote .* is not closed/),
	);
});
