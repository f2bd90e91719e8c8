import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RoomAddress } from "../../../src/core/hosting.ts";
import { isRoomJid, roomAt, roomJid, viewOf } from "../../../src/xmpp/hosted/addresses.ts";
import { mayBeFrom } from "../../../src/xmpp/jid.ts";

const component = "bridge.test";
const at = (local: string) => roomAt(`${local}@${component}`, component);
const part = fc.string({ unit: "binary", minLength: 1, maxLength: 80 }).map((text) => text.toWellFormed());
const address: fc.Arbitrary<RoomAddress> = fc.oneof(
	fc.array(part, { minLength: 1, maxLength: 2 }).map((parts) => ({ kind: "alias" as const, parts })),
	part.map((id) => ({ kind: "id" as const, id })),
);

describe("the JID of a hosted room", () => {
	test.each<[string, RoomAddress]>([
		["#lobby", { kind: "alias", parts: ["lobby"] }],
		["#lobby%matrix.org", { kind: "alias", parts: ["lobby", "matrix.org"] }],
		["#=4cobby%matrix.org", { kind: "alias", parts: ["Lobby", "matrix.org"] }],
		["#caf=c3=a9=3a=25=23=3d", { kind: "alias", parts: ["café:%#="] }],
		["!=4f=47=3ahs.test", { kind: "id", id: "OG:hs.test" }],
	])("%s is the canonical one of its room", (local, room) => {
		expect(at(local)).toEqual(room);
		expect(roomJid(room, component)).toBe(`${local}@${component}`);
	});

	test.each<[string, readonly string[]]>([
		["#matrix#matrix.org", ["matrix", "matrix.org"]],
		["#_oftc_#osm#matrix.org", ["_oftc_#osm", "matrix.org"]],
	])("%s is read as Bifrost spells it", (local, parts) => {
		expect(at(local)).toEqual({ kind: "alias", parts });
	});

	test.each([
		"#",
		"!",
		"#a%b%c",
		"#a%",
		"#%b",
		"##b",
		"#a#",
		"#Lobby",
		"#=6cobby",
		"#=4Cobby",
		"#=ff",
		"!a%b",
		"!a#b",
		"alice",
		"_mqtt_a",
	])("%s is no room", (local) => {
		expect(at(local)).toBeUndefined();
	});

	test("of another domain is no room of ours", () => {
		expect(roomAt("#lobby@muc.test", component)).toBeUndefined();
		expect(isRoomJid("#lobby@muc.test/Romeo", component)).toBe(false);
		expect(isRoomJid(`#lobby@${component}/Romeo`, component)).toBe(true);
		expect(isRoomJid(`alice@${component}/#lobby`, component)).toBe(false);
	});

	test("leads from each room back to it, in a spelling that a component may send from", () => {
		fc.assert(
			fc.property(address, (room) => {
				const jid = roomJid(room, component);
				expect(roomAt(`${jid}/Nick`, component)).toEqual(room);
				if (jid.length < 1_000) expect(mayBeFrom(jid, component)).toBe(true);
			}),
		);
	});

	test("names a room in one way only, but for the spelling of Bifrost", () => {
		const local = fc.oneof(
			fc.string({ unit: fc.constantFrom("#", "!", "%", "=", "4", "c", "a", ".", "A", "é") }),
			fc.string(),
		);
		fc.assert(
			fc.property(local, (text) => {
				const room = at(text);
				if (room && !text.slice(1).includes("#"))
					expect(roomJid(room, component)).toBe(`${text}@${component}`);
			}),
		);
	});

	test("is the view's own for the id of the room", () => {
		expect(viewOf("Lobby:hs.test", component)).toBe(`!=4cobby=3ahs.test@${component}`);
	});
});
