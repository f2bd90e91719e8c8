import { beforeEach, describe, expect, test } from "vitest";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createOngoing } from "../../src/matrix/ongoing.ts";
import { liveHeap } from "../live-heap.ts";
import { sampleEvent } from "./samples.ts";

let ongoing: ReturnType<typeof createOngoing>;
let ids = 0;
beforeEach(() => {
	ongoing = createOngoing();
});
const event = (more: Partial<MatrixEvent>) =>
	sampleEvent({ event_id: `$${++ids}`, origin_server_ts: 0, ...more });

describe("a group call", () => {
	const member = (who: string, content: object, more: Partial<MatrixEvent> = {}) =>
		event({ type: "org.matrix.msc3401.call.member", state_key: who, content: { ...content }, ...more });
	const here = { application: "m.call", expires: 1_000 };
	const begins = (one: MatrixEvent) => ongoing.note(one)?.begins;

	test("begins with its first member alone, and again when all have left", () => {
		expect(begins(member("a", here))).toBe(true);
		expect(begins(member("b", here))).toBe(false);
		expect(begins(member("a", {}))).toBe(false);
		expect(begins(member("a", here))).toBe(false);
		expect(begins(member("a", {}))).toBe(false);
		expect(begins(member("b", {}))).toBe(false);
		expect(begins(member("b", here))).toBe(true);
	});

	test("begins again when its last members have expired without leaving", () => {
		expect(begins(member("a", here))).toBe(true);
		expect(begins(member("b", here, { origin_server_ts: 999 }))).toBe(false);
		expect(begins(member("c", here, { origin_server_ts: 2_000 }))).toBe(true);
	});

	test("does not begin with an update, also one that comes after a restart", () => {
		expect(begins(member("a", here, { unsigned: { prev_content: here } }))).toBe(false);
		expect(begins(member("a", { memberships: [{}] }))).toBe(false);
	});

	test("begins with the same event if the homeserver hands it over again", () => {
		const first = member("a", here);
		expect([begins(first), begins(first)]).toEqual([true, true]);
		expect(begins(member("b", here))).toBe(false);
		expect(begins(first)).toBe(true);
	});

	test("of one room is none of another, and members without state count alike", () => {
		const sticky = (sender: string, content: object, room_id: string) =>
			event({ type: "m.rtc.member", sender, content: { ...content, sticky_key: "1" }, room_id });
		const call = { application: { type: "m.call" } };
		expect(begins(sticky("@a:hs.test", call, "!1"))).toBe(true);
		expect(begins(sticky("@b:hs.test", call, "!2"))).toBe(true);
		expect(begins(sticky("@b:hs.test", call, "!1"))).toBe(false);
		expect(begins(sticky("@a:hs.test", {}, "!2"))).toBe(false);
	});
});

describe("a live location", () => {
	const info = (live: boolean) =>
		event({ type: "m.beacon_info", state_key: "@a:hs.test", content: { live } });
	const position = (start: MatrixEvent, uri: string) =>
		event({
			type: "org.matrix.msc3672.beacon",
			content: {
				"m.relates_to": { rel_type: "m.reference", event_id: start.event_id },
				"org.matrix.msc3488.location": { uri },
			},
		});

	test("has a first position, and its last one at its end", () => {
		const start = info(true);
		expect(ongoing.note(start)).toEqual({ begins: true });
		const first = position(start, "geo:1,2");
		expect(ongoing.note(first)).toEqual({ begins: true });
		expect(ongoing.note(position(start, "geo:3,4"))).toEqual({ begins: false });
		expect(ongoing.note(position(start, "no place"))).toEqual({ begins: false });
		expect(ongoing.note(first)).toEqual({ begins: true });
		ongoing.note(position(start, "geo:5,6"));
		expect(ongoing.note(info(false))).toEqual({ begins: false, last: "geo:5,6" });
	});

	test("a live location that is shared again has a first position of its own", () => {
		ongoing.note(position(info(true), "geo:1,2"));
		const again = info(true);
		ongoing.note(again);
		expect(ongoing.note(info(false))).toEqual({ begins: false });
		expect(ongoing.note(position(again, "geo:1,2"))).toEqual({ begins: true });
	});
});

test("takes no more than 3 MiB, whatever strangers begin", () => {
	const before = liveHeap();
	const long = "x".repeat(240);
	for (let n = 0; n < 20_000; n++) {
		const room_id = `!${n}${long}`;
		const state_key = `@${n}${long}`;
		ongoing.note(
			event({ type: "m.call.member", room_id, state_key, content: { application: "m.call", expires: 1e12 } }),
		);
		ongoing.note(event({ type: "m.beacon_info", room_id, state_key, content: { live: true } }));
		const place = {
			"m.relates_to": { event_id: `$${n}${long}` },
			"m.location": { uri: `geo:1,2;u=${"1".repeat(5_000)}` },
		};
		ongoing.note(event({ type: "m.beacon", room_id, content: place }));
	}
	for (let n = 0; n < 20_000; n++)
		ongoing.note(
			event({
				type: "m.call.member",
				room_id: "!one",
				state_key: `${n}${long}`,
				content: { application: "m.call", expires: 1e12 },
			}),
		);
	expect(liveHeap() - before).toBeLessThan(6);
});

test("no other event is noted", () =>
	expect(ongoing.note(event({ type: "m.room.message" }))).toBeUndefined());
