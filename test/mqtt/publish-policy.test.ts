import { describe, expect, test } from "vitest";
import type { LinkId, NetworkName, PortalId, RoomId, UserId } from "../../src/core/ids.ts";
import type { Link, Portal } from "../../src/core/mapping.ts";
import type { Person } from "../../src/core/person.ts";
import { createPublishPolicy } from "../../src/mqtt/publish-policy.ts";

const [freezer, lamps] = ["home/freezer/#" as RoomId, "home/lamps/#" as RoomId];
const may = createPublishPolicy(
	new Map([
		[freezer, { allow: ["@cook:hs"], topics: ["freezer/set"] }],
		[lamps, { allow: ["*"], topics: ["lamps/+/set"] }],
	]),
);
const portal = (...rooms: RoomId[]): Portal => ({
	id: "p" as PortalId,
	links: rooms.map((room): Link => {
		const network = "mqtt" as NetworkName;
		return { id: room as string as LinkId, network, role: "mirror", room, in: true, out: false };
	}),
});
const person = (mxid: string): Person => ({
	network: "matrix" as NetworkName,
	id: mxid as UserId,
	address: [mxid],
	handles: [mxid],
	domain: "hs",
});
const [cook, guest] = [person("@cook:hs"), person("@guest:hs")];

describe("the room of a mirror lets publish", () => {
	test("the people whom it names, to its topics", () => {
		expect(may(portal(freezer), cook, false, "freezer/set")).toEqual({ kind: "yes" });
		expect(may(portal(freezer), guest, false, "freezer/set")).toEqual({ kind: "person" });
		expect(may(portal(freezer), cook, false, "door/set")).toEqual({ kind: "topic", topics: ["freezer/set"] });
	});
	test("an admin of the bridge, to its topics only", () => {
		expect(may(portal(freezer), guest, true, "freezer/set")).toEqual({ kind: "yes" });
		expect(may(portal(freezer), guest, true, "door/set").kind).toBe("topic");
	});
	test("by the mirrors that name the person, where a room has several", () => {
		expect(may(portal(freezer, lamps), guest, false, "lamps/hall/set")).toEqual({ kind: "yes" });
		expect(may(portal(freezer, lamps), guest, false, "freezer/set")).toEqual({
			kind: "topic",
			topics: ["lamps/+/set"],
		});
		expect(may(portal(freezer, lamps), cook, false, "freezer/set")).toEqual({ kind: "yes" });
	});
	test("admins alone, to every topic, where no mirror says anything", () => {
		const silent = portal("home/other/#" as RoomId);
		expect(may(silent, guest, false, "a")).toEqual({ kind: "person" });
		expect(may(silent, cook, true, "a")).toEqual({ kind: "yes" });
		expect(may(undefined, cook, true, "a")).toEqual({ kind: "yes" });
	});
});
