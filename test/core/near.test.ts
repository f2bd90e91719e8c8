import { expect, test } from "vitest";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import { nearest } from "../../src/core/near.ts";
import type { Person } from "../../src/core/person.ts";
import { processorTime } from "../processor-time.ts";

const person = (id: string, name: string): Person => ({
	network: "earth" as NetworkName,
	id: id as UserId,
	address: [id],
	name,
	handles: [id],
	domain: "hs.test",
});
const people = [
	person("@robert:hs.test", "Bob"),
	person("@bob:far.test", "Robert"),
	person("@alice:hs.test", "Alice"),
	person("@alicia:hs.test", "Alicia"),
	person("romeo@x.test", "romeo"),
];
const like = (typed: string) => nearest(typed, [...people, ...people]).map(({ id }) => id);

test("the people whose address or name is like a typed one are found, the most alike first", () => {
	expect(like("bob")).toEqual(["@robert:hs.test", "@bob:far.test"]);
	expect(like("@ALICE:elsewhere.test")).toEqual(["@alice:hs.test", "@alicia:hs.test"]);
	expect(like("rome@x.test")).toEqual(["romeo@x.test"]);
	expect(like("zoe")).toEqual([]);
	expect(like("")).toEqual([]);
});

test("a long typed text costs no more than a short one", () => {
	const begun = processorTime();
	expect(nearest("a".repeat(1_000_000), [person("b".repeat(1_000_000), "c")])).toEqual([]);
	expect(processorTime() - begun).toBeLessThan(2_000);
});
