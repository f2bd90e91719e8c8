import { describe, expect, test } from "vitest";
import type { RoomAddress } from "../../../src/core/hosting.ts";
import {
	aliasParts,
	idOf,
	isAddress,
	serverIn,
	spell,
	typedRoom,
} from "../../../src/matrix/hosting/addresses.ts";

const alias = (...parts: string[]): RoomAddress => ({ kind: "alias", parts });
const id = (text: string): RoomAddress => ({ kind: "id", id: text });

describe("the address of a room", () => {
	test.each([
		[alias("lobby"), "#lobby:hs.test"],
		[alias("lobby", "matrix.org:8448"), "#lobby:matrix.org:8448"],
		[id("abc:hs.test"), "!abc:hs.test"],
		[id("v12-hash"), "!v12-hash"],
	])("%j is spelled %s, and can be asked for", (address, spelled) => {
		expect(spell(address, "hs.test")).toBe(spelled);
		expect(isAddress(address, "hs.test")).toBe(true);
	});

	test.each([
		alias(""),
		alias("a b"),
		alias("a:b"),
		alias("a", ""),
		alias("a", "b/../c"),
		alias("a", "b", "c"),
		alias("a".repeat(300)),
		id(""),
		id("a b"),
	])("%j is none that can be asked for", (address) => {
		expect(isAddress(address, "hs.test")).toBe(false);
	});

	test("comes back from an alias, without our own server", () => {
		expect(aliasParts("#lobby:hs.test", "hs.test")).toEqual(["lobby"]);
		expect(aliasParts("#lobby:matrix.org", "hs.test")).toEqual(["lobby", "matrix.org"]);
		expect(aliasParts("lobby", "hs.test")).toBeUndefined();
		expect(idOf("!abc:hs.test")).toBe("abc:hs.test");
		expect([serverIn("!abc:hs.test"), serverIn("!v12-hash")]).toEqual(["hs.test", undefined]);
	});
});

test.each([
	["#lobby:hs.test", { kind: "alias", parts: ["lobby"] }],
	[" #lobby ", { kind: "alias", parts: ["lobby"] }],
	["#lobby:other.test:8448", { kind: "alias", parts: ["lobby", "other.test:8448"] }],
	["https://matrix.to/#/#lobby:other.test?via=x", { kind: "alias", parts: ["lobby", "other.test"] }],
	["!abc:hs.test", { kind: "id", id: "abc:hs.test" }],
	["@alice:hs.test", undefined],
	["alice", undefined],
	["#", undefined],
	["#a b:hs.test", undefined],
	[`#${"x".repeat(300)}`, undefined],
])("a typed text %j leads to the room %j, if to any", (typed, room) => {
	expect(typedRoom(typed, "hs.test")).toEqual(room);
});
