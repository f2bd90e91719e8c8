import { describe, expect, test } from "vitest";
import type { RoomId } from "../../src/core/ids.ts";
import type { MakingMirror } from "../../src/mqtt/mirror-rooms.ts";
import { createPublishPolicy } from "../../src/mqtt/publish-policy.ts";
import type { Shape } from "../../src/mqtt/shape.ts";
import { makingRoom, mirrorOf } from "../../src/mqtt/topic-rooms.ts";
import { placeOf } from "../../src/mqtt/topics.ts";
import { bring, mirrorRooms } from "./rooms.ts";

const invite = ["@alice:hs.test"];
const mirror = (over: Partial<MakingMirror> = {}, shape: Shape = {}): MakingMirror => ({
	...{ broker: "home", topic: "z2m/#", room: "z2m_{{topic.2}}", rooms: 2, invite, shape },
	...over,
});
const of = (over: Partial<MakingMirror> = {}, shape: Shape = {}) =>
	mirrorRooms({ making: [mirror(over, shape)] });
const publish = (rooms: ReturnType<typeof of>, topic: string, value = "1") =>
	bring(rooms, topic, value, { filter: "z2m/#" });
const idOf = (room: string) => `{"of":"z2m_{{topic.2}}","room":"${room}"}\nhome/z2m/#`;

describe("a mirror that makes rooms", () => {
	test("makes one room for all topics with the same address, named readably, once", () => {
		const rooms = of();
		const topics = ["z2m/living_room", "z2m/living_room/battery", "z2m/Büro"];
		const shown = topics.map((topic) => publish(rooms, topic).map(({ room }) => room));
		expect(shown).toEqual([[idOf("z2m_living_room")], [idOf("z2m_living_room")], [idOf("z2m_Büro")]]);
		expect(rooms.opened().map(({ make }) => make)).toEqual([
			{ address: ["z2m_living_room"], name: "z2m living room", invites: invite },
			{ address: ["z2m_Büro"], name: "z2m Büro", invites: invite },
		]);
		expect(rooms.opened()).toEqual([]);
	});

	test("names the rooms by a template", () => {
		const rooms = of({ roomName: "{{topic.2 | upper}} at home" });
		publish(rooms, "z2m/lamp");
		expect(rooms.opened()[0]?.make.name).toBe("LAMP at home");
	});

	test("shows further topics in one common room, which says why, above its bound", () => {
		const rooms = of();
		for (const topic of ["z2m/a", "z2m/b"]) publish(rooms, topic);
		rooms.opened();
		const shown = ["z2m/c", "z2m/d", "z2m/a"].map((topic) => publish(rooms, topic).map(({ room }) => room));
		expect(shown).toEqual([[idOf("z2m_+")], [idOf("z2m_+")], [idOf("z2m_a")]]);
		const [common, ...others] = rooms.opened();
		expect(others).toEqual([]);
		expect(common?.make).toMatchObject({ name: "Further things of z2m/#", invites: invite });
		expect(common?.make.topic).toContain("has made its 2 rooms");
	});

	test("counts the rooms of earlier runs, and those that were unlinked no longer", () => {
		const rooms = of();
		for (const room of ["z2m_a", "z2m_b"]) rooms.add(idOf(room) as RoomId);
		expect(publish(rooms, "z2m/c").map(({ room }) => room)).toEqual([idOf("z2m_+")]);
		rooms.remove(idOf("z2m_a") as RoomId);
		expect(publish(rooms, "z2m/c").map(({ room }) => room)).toEqual([idOf("z2m_c")]);
	});

	test("makes no room for a topic that is cleared", () => expect(publish(of(), "z2m/a", "")).toEqual([]));

	test("shows values in its form, and by its conditions for each topic", () => {
		const rooms = of({}, { value: "/t", unit: "°C", only: { changed: true } });
		const shown = ["z2m/a", "z2m/a", "z2m/b"].map((topic) =>
			publish(rooms, topic, '{"t":20}').map(({ value }) => value),
		);
		expect(shown).toEqual([["20 °C"], [], ["20 °C"]]);
	});

	test("keeps its rooms when its form changes", () => {
		const before = publish(of(), "z2m/a");
		const after = publish(of({}, { round: 1 }), "z2m/a");
		expect(after[0]?.room).toBe(before[0]?.room);
		expect(placeOf(after[0]?.room ?? "").filter).toBe("z2m/#");
	});
});

test("people publish from a room that a mirror has made by the policy of that mirror", () => {
	const room = idOf("z2m_lamp") as RoomId;
	expect(mirrorOf(room)).toBe(makingRoom(mirror()));
	const may = createPublishPolicy(
		new Map([[makingRoom(mirror()), { allow: ["@alice:hs.test"], topics: ["z2m/+/set"] }]]),
	);
	const alice = { handles: ["@alice:hs.test"], domain: "hs.test" };
	const portal = { id: "p", links: [{ network: "mqtt", room }] };
	expect(may(portal as never, alice as never, false, "z2m/lamp/set")).toEqual({ kind: "yes" });
});
