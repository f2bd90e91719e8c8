import { beforeEach, describe, expect, test } from "vitest";
import type { TrackedRoom } from "../../../src/matrix/backfill/loss-detection.ts";
import type { Position } from "../../../src/matrix/backfill/position.ts";
import { createPositions } from "../../../src/matrix/backfill/positions.ts";

let disk: Map<string, string>;
let writes: number;
const links: Record<string, string | undefined> = { "!r": "link-1" };
const start = () =>
	createPositions({
		bridge: {
			cursor: async (key) => disk.get(key),
			saveCursor: async ({ key, value }) => {
				writes++;
				if (value === undefined) disk.delete(key);
				else disk.set(key, value);
			},
		},
		linkOf: async (room) => links[room],
	});
const room = (name: string, position?: Position): TrackedRoom => ({
	name,
	...(position && { position }),
	state: { is: "complete" },
});
const position = { event: "$1", at: 1 };

beforeEach(() => {
	disk = new Map();
	writes = 0;
});

describe("createPositions", () => {
	test("loads the position that an earlier run saved", async () => {
		const first = start();
		expect(await first.load("!r")).toBeUndefined();
		await first.save(room("!r", position));
		expect(await start().load("!r")).toEqual(position);
	});

	test("writes a position once", async () => {
		const positions = start();
		await positions.load("!r");
		await positions.save(room("!r", position));
		await positions.save(room("!r", position));
		expect(writes).toBe(1);
		await positions.save(room("!r", { event: "$2", at: 2 }));
		expect(writes).toBe(2);
	});

	test("saves the first position of a room at once, and no later one", async () => {
		const positions = start();
		await positions.load("!r");
		await positions.saveFirst(room("!r"));
		expect(writes).toBe(0);
		for (const event of ["$1", "$2"]) await positions.saveFirst(room("!r", { event, at: 1 }));
		expect([...disk.values()]).toEqual([JSON.stringify(position)]);
	});

	test("forgets a room that begins anew, and saves its next position at once", async () => {
		const positions = start();
		await positions.load("!r");
		await positions.save(room("!r", position));
		await positions.forget("!r");
		expect(await start().load("!r")).toBeUndefined();
		await positions.saveFirst(room("!r", { event: "$2", at: 2 }));
		expect(await start().load("!r")).toEqual({ event: "$2", at: 2 });
	});

	test("keeps no position of a room that is in no portal or has no event", async () => {
		const positions = start();
		await positions.load("!alone");
		await positions.save(room("!alone", position));
		await positions.load("!r");
		await positions.save(room("!r"));
		expect(writes).toBe(0);
	});

	test("keeps a position under the link that a room got later", async () => {
		const positions = start();
		await positions.load("!alone");
		positions.follow("!alone", "link-2");
		await positions.save(room("!alone", position));
		expect([...disk]).toEqual([["matrix link-2", JSON.stringify(position)]]);
	});

	test("gives the same position to two loads at once", async () => {
		disk.set("matrix link-1", JSON.stringify(position));
		const positions = start();
		expect(await Promise.all([positions.load("!r"), positions.load("!r")])).toEqual([position, position]);
	});
});
