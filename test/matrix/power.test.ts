import { describe, expect, test } from "vitest";
import { maySet } from "../../src/matrix/power.ts";

const create = (sender: string, room_version: string, more: object = {}) => ({
	sender,
	content: { room_version, ...more },
});
const old = create("@owner:hs", "11");

describe("maySet", () => {
	test.each([
		["50 is enough where the room says nothing else", { users: { "@a:hs": 50 } }, true],
		["49 is not", { users: { "@a:hs": 49 } }, false],
		["everybody may where the default says so", { users_default: 50 }, true],
		["the room may ask for more", { users: { "@a:hs": 50 }, state_default: 100 }, false],
		["or for less, for this type", { events: { "m.bridge": 0 } }, true],
		["numbers as text are numbers", { users: { "@a:hs": "100" } }, true],
		["a default as text is one", { users_default: " +050 " }, true],
		["a needed level as text is one", { users: { "@a:hs": 50 }, state_default: "51" }, false],
		["a level of a type as text is one", { users: { "@a:hs": "-1" }, events: { "m.bridge": "-1" } }, true],
		["text that is no number is as if it were not there", { users: { "@a:hs": "admin" } }, false],
		["an empty text gives no level", { users: { "@a:hs": 49 }, state_default: "" }, false],
		["a needed level that is no number is the default", { users: { "@a:hs": 50 }, state_default: {} }, true],
		["a list of people that is a list gives nobody a level", { users: [100] }, false],
	])("%s", (_, levels, may) => {
		expect(maySet("m.bridge", "@a:hs", old, levels)).toBe(may);
	});

	test("the creator of a room without power levels may set any state", () => {
		expect(maySet("m.bridge", "@owner:hs", old, undefined)).toBe(true);
		expect(maySet("m.bridge", "@a:hs", old, undefined)).toBe(false);
		expect(maySet("m.bridge", "@owner:hs", old, { users: {} })).toBe(false);
	});

	test("from room version 12 on, creators may set any state whatever the levels", () => {
		const room = create("@owner:hs", "12", { additional_creators: ["@second:hs"] });
		expect(maySet("m.bridge", "@owner:hs", room, { users: {} })).toBe(true);
		expect(maySet("m.bridge", "@second:hs", room, { users: {} })).toBe(true);
		expect(maySet("m.bridge", "@a:hs", room, { users: {} })).toBe(false);
	});

	test.each(["constructor", "__proto__", "toString"])(
		"the property name %s is read as neither a user nor an event type",
		(word) => {
			expect(maySet(word, "@a:hs", old, { users: { "@a:hs": 50 }, events: {}, state_default: 51 })).toBe(
				false,
			);
			expect(maySet("m.bridge", word, old, { users: {} })).toBe(false);
		},
	);
});
