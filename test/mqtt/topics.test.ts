import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
	isFilter,
	isTopic,
	matches,
	nameOf,
	placeOf,
	roomOf,
	subscriptionId,
} from "../../src/mqtt/topics.ts";

describe("matches: a filter matches as the broker's does", () => {
	test.each([
		["home/+/temperature", "home/kitchen/temperature", true],
		["home/+/temperature", "home/temperature", false],
		["home/+/temperature", "home//temperature", true],
		["home/+", "home/a/b", false],
		["home/#", "home", true],
		["home/#", "home/a/b", true],
		["home/#", "homes/a", false],
		["#", "a/b", true],
		["#", "$SYS/broker", false],
		["+/broker", "$SYS/broker", false],
		["$SYS/#", "$SYS/broker", true],
		["a", "A", false],
		["a", "a/", false],
	])("%s, %s: %s", (filter, topic, expected) => expect(matches(filter, topic)).toBe(expected));
});

test.each(["home/+/temperature", "#", "+", "/", "$SYS/#", "a//b"])("%s is a filter", (text) =>
	expect(isFilter(text)).toBe(true),
);
test.each(["", "a/#/b", "a#", "a/b+", "$share/g/a", "a\0b", "\ud800", "x".repeat(65_536)])(
	"%j is none",
	(text) => expect(isFilter(text)).toBe(false),
);
test.each(["", "home/+", "#", "$SYS/x", "a\0"])("%j is no topic to publish to", (text) =>
	expect(isTopic(text)).toBe(false),
);

test.each([
	["home/living_room/temperature", "living room temperature"],
	["doorbell", "doorbell"],
	["/", "/"],
	["a/b/", "a b"],
])("%s is called %s", (topic, name) => expect(nameOf(topic)).toBe(name));

test("placeOf returns the broker and the filter of roomOf", () => {
	fc.assert(
		fc.property(fc.stringMatching(/^[a-z0-9._-]+$/), fc.string(), (broker, filter) => {
			for (const shape of ["", '{"unit":"°C"}'])
				expect(placeOf(roomOf(broker, filter, shape))).toEqual({ broker, filter, shape });
		}),
	);
});

test("subscriptionId is within the protocol's range", () => {
	fc.assert(
		fc.property(fc.string(), (filter) => {
			const id = subscriptionId(filter);
			expect(id).toBeGreaterThanOrEqual(1);
			expect(id).toBeLessThanOrEqual(268_435_455);
		}),
	);
});
