import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { skeleton } from "../../../src/core/confusable.ts";
import {
	addOccupant,
	holderOf,
	nickFault,
	removeOccupant,
	renameOccupant,
} from "../../../src/xmpp/hosted/occupants.ts";
import { createHostedRoom } from "../../../src/xmpp/hosted/room.ts";
import { facts, matrixPerson, view, xmppPerson } from "./world.ts";

const nicksOf = (...names: readonly [localpart: string, name?: string][]) => {
	const room = createHostedRoom(view, facts);
	for (const [localpart, name] of names) addOccupant(room, matrixPerson(localpart, name), localpart);
	return [...room.occupants.keys()];
};

describe("the nick of a Matrix member", () => {
	test("is the display name, or else the localpart", () => {
		expect(nicksOf(["alice", "Alice"], ["bob"])).toEqual(["Alice", "bob"]);
	});

	test("is another one where somebody has it, or one that looks like it", () => {
		expect(
			nicksOf(["alice", "Alice"], ["a2", "Alice"], ["a3", "alice"], ["a4", "Аlice"], ["a5", "AIice"]),
		).toEqual(["Alice", "Alice (a2)", "alice (a3)", "Аlice (a4)", "AIice (a5)"]);
	});

	test("has no characters that a server changes or refuses", () => {
		expect(nicksOf(["a", "  Al\u200bice\u202e  B\n"], ["b", "\u200b"])).toEqual(["Alice B", "b"]);
	});

	test("takes bounded work for many members of one name whose localparts are alike", () => {
		const begin = process.cpuUsage();
		const same = "x".repeat(200);
		const nicks = nicksOf(
			...Array.from({ length: 3_000 }, (_, n) => [`${same}${n}`, "Alice"] as [string, string]),
		);
		expect(new Set(nicks).size).toBe(3_000);
		expect(process.cpuUsage(begin).user).toBeLessThan(2_000_000);
	});
});

describe("a room", () => {
	test("knows the holder of a nick, and of one that looks like it, unless it is the person itself", () => {
		const room = createHostedRoom(view, facts);
		const romeo = xmppPerson("romeo@montague.test", "Romeo");
		const one = addOccupant(room, romeo, "r");
		const juliet = xmppPerson("juliet@capulet.test", "Juliet");
		expect(holderOf(room, "Romeo", juliet)).toBe(one);
		expect(holderOf(room, "rоmeo", juliet)).toBe(one);
		expect(holderOf(room, "Romeo", romeo)).toBeUndefined();
		renameOccupant(room, one, "Montague", "Montague");
		expect(holderOf(room, "Romeo", juliet)).toBeUndefined();
		expect(one.person.name).toBe("Montague");
		removeOccupant(room, one);
		expect([room.occupants.size, room.people.size, room.lookAlikes.size]).toEqual([0, 0, 0]);
	});

	test("keeps one occupant for each nick and person, whatever they are called", () => {
		const name = fc.option(
			fc.string({ unit: fc.constantFrom("a", "A", "а", " ", "1", "l", "𝒜", "\u200b", "א") }),
			{
				nil: undefined,
			},
		);
		fc.assert(
			fc.property(fc.array(fc.tuple(name, fc.boolean()), { maxLength: 30 }), (people) => {
				const room = createHostedRoom(view, facts);
				people.forEach(([called, leaves], n) => {
					const one = addOccupant(room, matrixPerson(`p${n % 20}`, called), `${n}`);
					if (leaves) removeOccupant(room, one);
				});
				const nicks = [...room.occupants.keys()];
				expect(new Set(nicks.map(skeleton)).size).toBe(nicks.length);
				expect([room.people.size, room.lookAlikes.size]).toEqual([nicks.length, nicks.length]);
				for (const nick of nicks) expect(nickFault(nick)).toBeUndefined();
			}),
		);
	});
});

describe("a nick that a client asks for", () => {
	test.each([
		["Romeo", undefined],
		["Romeo 🌹", "unfit"],
		["Ромео", undefined],
		["", "none"],
		["   ", "none"],
		["x".repeat(65), "too long"],
		[" Romeo", "unfit"],
		["Ro\u200bmeo", "unfit"],
		["Romeo\u202e", "unfit"],
		["\u2167", "unfit"],
	])("“%s” is judged as %s", (nick, fault) => {
		expect(nickFault(nick)).toBe(fault);
	});
});
