import { describe, expect, test } from "vitest";
import type { State } from "../../src/core/event.ts";
import type { RoomId } from "../../src/core/ids.ts";
import type { AvailabilityMode } from "../../src/mqtt/devices.ts";
import { device } from "../../src/mqtt/from-mqtt.ts";
import { createPresence, saysOnline } from "../../src/mqtt/presence.ts";

function world() {
	const watched: string[] = [];
	const told: string[] = [];
	const timers: (() => void)[] = [];
	const presence = createPresence({
		watch: (broker, topic) => void watched.push(`${broker}/${topic}`),
		signal: ({ room, sender, show }) => void told.push(`${room} ${sender.name} ${show}`),
		later: (_, work) => void timers.push(work),
	});
	const value = (topic: string, room = "r"): State =>
		({ kind: "state", room: room as RoomId, sender: device("home", topic), key: topic }) as State;
	const by = (...topics: string[]) => together("all", ...topics);
	const together = (mode: AvailabilityMode, ...topics: string[]) => ({
		watches: topics.map((topic) => ({ topic, isOnline: saysOnline })),
		mode,
	});
	return { watched, told, timers, presence, value, by, together };
}

describe("the presence of a thing", () => {
	test("is told in each of its rooms when its topic says so, once for each change", () => {
		const { presence, told, watched, value, by } = world();
		presence.note(value("lamp"), "home", by("lamp/status"));
		presence.note(value("lamp"), "home", by("lamp/status"));
		expect(watched).toEqual(["home/lamp/status"]);
		for (const payload of ["online", "online", "offline"]) presence.take("home", "lamp/status", payload);
		presence.note(value("lamp", "s"), "home", by("lamp/status"));
		expect(told).toEqual(["r lamp online", "r lamp offline", "s lamp offline"]);
	});

	test.each([
		["all", ["-", "online", "offline", "offline", "offline"]],
		["any", ["online", "online", "online", "offline", "online"]],
		["latest", ["online", "online", "offline", "offline", "online"]],
	] as const)("follows several topics in the mode %s of Home Assistant", (mode, words) => {
		const { presence, told, value, together } = world();
		presence.note(value("lamp"), "home", together(mode, "bridge", "lamp/status"));
		const shown = (
			[
				["bridge", "online"],
				["lamp/status", '{"state":"online"}'],
				["bridge", "offline"],
				["lamp/status", "offline"],
				["bridge", "online"],
			] as const
		).map(([topic, payload]) => {
			presence.take("home", topic, payload);
			return told.at(-1)?.split(" ").at(-1) ?? "-";
		});
		expect(shown).toEqual(words);
	});

	test("is told once more when the thing is new, since its ghost enters the room by its first value", () => {
		const { presence, told, timers, value, by } = world();
		for (const thing of ["lamp", "fan"]) presence.note(value(thing), "home", by(`${thing}/status`));
		presence.take("home", "lamp/status", "offline");
		presence.take("home", "fan/status", "online");
		told.splice(0);
		expect(timers).toHaveLength(1);
		for (const work of timers.splice(0)) work();
		expect(told).toEqual(["r lamp offline", "r fan online"]);
		presence.take("home", "fan/status", "offline");
		expect(timers).toEqual([]);
	});

	test("is not told by other topics, other brokers and other words", () => {
		const { presence, told, value, by } = world();
		presence.note(value("lamp"), "home", by("lamp/status"));
		presence.take("home", "lamp", "offline");
		presence.take("away", "lamp/status", "offline");
		presence.take("home", "lamp/status", "perhaps");
		expect(told).toEqual([]);
	});
});

test.each([
	["Online", true],
	["true", true],
	['{"state":"offline"}', false],
	["0", false],
	["", undefined],
	["21.5", undefined],
])("the payload %j says %j", (payload, says) => expect(saysOnline(payload)).toBe(says));
