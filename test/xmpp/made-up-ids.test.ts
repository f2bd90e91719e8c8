import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";
import {
	isRandom,
	isSameLine,
	madeUpId,
	repeatedWithin,
	stanzaOf,
	unnamedAt,
} from "../../src/xmpp/made-up-ids.ts";

test("madeUpId is stable, differs by sender, id and text, and contains the stanza's id, also with a time", () => {
	const id = (sender: string, stanza: string, words: string) => madeUpId(sender, stanza, words);
	expect(id("a", "1", "x")).toBe(id("a", "1", "x"));
	expect(new Set([id("a", "1", "x"), id("b", "1", "x"), id("a", "2", "x"), id("a", "1", "y")]).size).toBe(4);
	fc.assert(
		fc.property(
			fc.string(),
			fc.string(),
			fc.nat(),
			(sender, stanza, at) =>
				stanzaOf(id(sender, stanza, "x")) === stanza &&
				stanzaOf(unnamedAt(id(sender, stanza, "x"), at, 1).id) === stanza,
		),
	);
});

describe("isSameLine", () => {
	const at = (time: number, words = "ok") => unnamedAt(madeUpId("romeo", "1:a.b", words), time, 1).id;
	const noon = 1_800_000_000_000;
	test("takes the id of the history for that of the live line while two clocks can explain the difference", () => {
		expect(isSameLine(at(noon), at(noon + repeatedWithin.history))).toBe(true);
		expect(isSameLine(at(noon), at(noon - repeatedWithin.history))).toBe(true);
		expect(isSameLine(at(noon), at(noon + repeatedWithin.history + 1))).toBe(false);
		expect(isSameLine(at(noon), at(noon, "no"))).toBe(false);
	});
	test("knows the id without a time that an earlier release stored", () => {
		expect(isSameLine(madeUpId("romeo", "1:a.b", "ok"), at(noon))).toBe(true);
	});
	test("compares other ids as they are", () => {
		expect(isSameLine("a.b:c" as MessageId, "a.d:c" as MessageId)).toBe(false);
		expect(isSameLine("a.b:c" as MessageId, "a.b:c" as MessageId)).toBe(true);
	});
});

describe("isRandom", () => {
	test.each([
		"1",
		"message-1",
		"purple8a3f01c2",
		"aab3a",
		"K7x1G-5",
		"xmpp-notifier-message-000001",
		"00000000-0000-0000-0000-000000000001",
		"0000000000000000000000000000002a",
		"",
	])("is false for %s, which a client may count", (id) => expect(isRandom(id)).toBe(false));
	test("is true for ids that clients draw", () => {
		for (let n = 0; n < 200; n++)
			for (const id of [randomUUID(), `${randomUUID()}-7`, randomBytes(16).toString("hex")])
				expect(isRandom(id), id).toBe(true);
	});
});
