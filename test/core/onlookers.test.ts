import { expect, test } from "vitest";
import type { NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Mapping } from "../../src/core/mapping.ts";
import { createOnlookers } from "../../src/core/onlookers.ts";
import type { Person } from "../../src/core/person.ts";

const person = (id: string, ...handles: string[]) => ({ network: "chat", id, handles }) as unknown as Person;
const [things, sensor] = ["things" as NetworkName, "sensor" as RoomId];

const sees = createOnlookers({
	mapping: {
		portalsOf: async (of: string, room: string) =>
			of === things && room === sensor
				? [
						{ links: [{ network: things, room }, { network: "chat", room: "hall" }, { network: "chat" }] },
						{
							links: [
								{ network: things, room },
								{ network: "other", room: "yard" },
							],
						},
					]
				: [],
	} as unknown as Mapping,
	network: (name) => ({
		members: async (room) =>
			name === "chat" && room === "hall"
				? [person("ann", "ann@x"), person("hall/ben", "hall/ben", "ben@x")]
				: [person("cid", "cid@x")],
	}),
});

test.each([
	["a member of a linked room", person("ann", "ann@x"), sensor, true],
	["an occupant whose address the room shows", person("ben@x", "ben@x"), sensor, true],
	["a member of a linked room of another network alone", person("cid", "cid@x"), sensor, false],
	["a stranger", person("dan", "dan@x"), sensor, false],
	["a member of a room that is linked to another source", person("ann", "ann@x"), "meter" as RoomId, false],
] as const)("%s sees what a source brings, or does not", async (_, who, room, expected) =>
	expect(await sees(who, things, room)).toBe(expected),
);
