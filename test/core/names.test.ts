import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Message } from "../../src/core/event.ts";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import { nameOf, oneLine, speakerName, withNames } from "../../src/core/names.ts";
import type { Person } from "../../src/core/person.ts";
import * as phrases from "../../src/core/phrases.ts";
import { relayed } from "../../src/core/relayed.ts";

const breaks = ["\n", "\r\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"];

describe("nameOf", () => {
	test.each([
		["Romeo Montague", "Romeo Montague"],
		["  Romeo\n\tMontague\0 ", "Romeo Montague"],
		["Romeo\u202e\u2066 x", "Romeo x"],
		["👨‍👩‍👧", "👨‍👩‍👧"],
		["\n\u2028\0", ""],
		["\u200b \u3164\u2800\u0301", ""],
		["\u1160a", "\u1160a"],
		["1️⃣", "1️⃣"],
		["half \ud83d", "half \ufffd"],
	])("makes %j one line: %j", (text, name) => {
		expect(nameOf(text)).toBe(name);
	});

	test("cuts a long name between two characters", () => {
		expect(nameOf("🎉".repeat(10_000))).toBe("🎉".repeat(128));
		expect(nameOf(`a${"🎉".repeat(10_000)}`)).toBe(`a${"🎉".repeat(127)}`);
	});

	test("returns one line for any text, and is idempotent", () => {
		const text = fc.string({ unit: fc.oneof(fc.constantFrom(...breaks, "\0", "\u202e", " "), fc.string()) });
		fc.assert(
			fc.property(text, (one) => {
				expect(nameOf(one)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
				expect(nameOf(nameOf(one))).toBe(nameOf(one));
			}),
		);
	});
});

test("oneLine returns the beginning of a text as one line of so many characters, and no half of one", () => {
	expect(oneLine("  a\n\t b ", 10)).toBe("a b");
	expect(oneLine("🌹🌹🌹", 2)).toBe("🌹🌹");
	expect(oneLine(`${" ".repeat(7)}🌹`, 2)).toBe("\ufffd");
	expect(oneLine("x".repeat(9_999), 500)).toBe("x".repeat(500));
});

describe("withNames", () => {
	const person = (name: string): Person => ({
		network: "earth" as NetworkName,
		id: "a" as UserId,
		address: ["a"],
		handles: [],
		domain: "earth",
		name,
	});
	test("cleans the name of every person in an event", () => {
		const wild = person("Ann\nBob: hi");
		const event = { kind: "message", sender: wild, to: wild, replyTo: { id: "1", author: wild } } as unknown;
		expect(JSON.stringify(withNames(event as Message)).match(/"name":"[^"]*"/g)).toEqual(
			Array(3).fill('"name":"Ann Bob: hi"'),
		);
	});
	test("removes a name without a readable character", () => {
		expect(withNames({ kind: "profile", sender: person("\n") } as never)).not.toHaveProperty("sender.name");
	});
});

describe("a relayed line", () => {
	test.each(["Ann: yes. Bob", "Ann： yes", "Ann\n Bob", "/me", "> Ann", "* Ann", "\u202eAnn"])(
		"begins with the name %j and one colon",
		(name) => {
			const line = phrases.relayed(name, "hi");
			expect(line).toMatch(/^[^:：\n/>*]+: hi$/);
		},
	);
	test("names the sender “?” if the name has no letter", () => {
		expect(phrases.relayed("\n", "hi")).toBe("?: hi");
		expect(phrases.relayed("/", "hi")).toBe("?: hi");
	});
	test.each(breaks)("indents its further lines after any line break (%j)", (at) => {
		expect(phrases.relayed("Eve", `hi${at}Ann: yes`)).toBe("Eve: hi\n    Ann: yes");
		expect(phrases.relayedEmote("Eve", `waves${at}Ann: yes`)).toBe("* Eve waves\n    Ann: yes");
		expect(phrases.quoted("Eve", `hi${at}Ann: yes`, "no")).toBe("> Eve: hi\n> Ann: yes\nno");
	});
	test("names one person in a quote", () => {
		expect(phrases.quoted("Ann: yes", "hi", "no")).toBe("> Ann· yes: hi\nno");
	});
	test("is one line for any name and text, with further lines indented", () => {
		fc.assert(
			fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, text) => {
				const [first = "", ...more] = phrases.relayed(name, text).split(/[\n\r\v\f\x85\u2028\u2029]/);
				expect(first.indexOf(": ")).toBe(speakerName(name).length);
				for (const line of more) expect(line).toMatch(/^ {4}/);
			}),
		);
	});
});

describe("relayed", () => {
	const said = (over: object) =>
		({ kind: "message", style: "text", text: "hi", sender: {}, ...over }) as unknown as Message;
	const file = (name: string, more = {}) => ({ kind: "image", source: {}, name, ...more });

	test("shows an emote as the sender's and not the account's", () => {
		expect(relayed(said({ style: "emote", text: "waves" }), "Eve")).toMatchObject({
			style: "text",
			text: "* Eve waves",
		});
	});
	test("shows a location in words, with its description indented", () => {
		const place = { geo: "geo:1,2", description: "a\nAnn: yes" };
		const line = relayed(said({ text: "", location: place }), "Eve");
		expect(line).not.toHaveProperty("location");
		expect(line.text).toBe("* Eve is here: a\n    Ann: yes geo:1,2");
	});
	test("gives the first file a name of one line, and shows the further files in words", () => {
		const files = { media: file("a\nb", { alt: "c\nd" }), more: [file("x\nAnn: yes")] };
		const line = relayed(said(files), "Eve");
		expect(line.media).toMatchObject({ name: "a b", alt: "c d" });
		expect(line).not.toHaveProperty("more");
		expect(line.text).toBe("Eve: sent an image: x\n    Ann: yes\n    hi");
	});
});
