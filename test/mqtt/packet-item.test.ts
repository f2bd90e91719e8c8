import { describe, expect, test } from "vitest";
import { createGuard, type Item } from "../../src/core/guard.ts";
import { guardedSorter, packetItem } from "../../src/mqtt/packet-item.ts";
import { shapeText } from "../../src/mqtt/shape.ts";
import { plain } from "../../src/mqtt/sorts.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { quiet } from "../fakes.ts";
import { arrival } from "./arrival.ts";
import { mirrorRooms } from "./rooms.ts";

/** A guard that has set aside the items in `held`, and the items that it had in hand. */
function guarded(held: readonly Item[] = []) {
	const begun: Item[] = [];
	const logged: string[] = [];
	const log = { ...quiet, error: (_: object, message: string) => void logged.push(message) };
	const guard = createGuard(log, {
		holds: (key) => held.some((one) => one.key === key),
		begin: (item) => {
			begun.push(item);
			return () => undefined;
		},
	});
	return { begun, logged, sorter: guardedSorter({ guard, log }) };
}
const value = arrival("a", "9");

describe("the conditions of a mirror", () => {
	test("read a packet while it is in hand, so that one which ends the process is known", () => {
		const { begun, sorter } = guarded();
		const rooms = mirrorRooms({ guarded: sorter });
		rooms.add(roomOf("home", "a", shapeText({ only: { above: 8 } })));
		expect(rooms.course("home", "a").sort(value).use).toBe("crossing");
		expect(begun).toEqual([packetItem("home", value)]);
	});

	test("let a packet go on that was set aside, or on which they fail", () => {
		const { logged, sorter } = guarded([packetItem("home", value)]);
		const sort = sorter("home", () => {
			throw new TypeError("a fault of ours");
		});
		expect(sort(value)).toBe(plain);
		expect(sort(value)).toBe(plain);
		expect(logged).toEqual(["skipped an item that is set aside"]);
		expect(sort(arrival("b", "9"))).toBe(plain);
		expect(logged.at(-1)).toContain("because of a fault in the bridge");
	});
});
