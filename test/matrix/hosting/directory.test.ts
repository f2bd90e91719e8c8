import { expect, test } from "vitest";
import { createDirectory } from "../../../src/matrix/hosting/directory.ts";

test("the public rooms come in pages, with a bound, and entries that are no rooms are left out", async () => {
	const asked: unknown[] = [];
	const listed = createDirectory(
		{
			publicRooms: async (limit, since, words) => {
				asked.push([limit, since, words]);
				const rooms = [{ room_id: "!a", name: "A", canonical_alias: "#a:hs.test" }, { room_id: 7 }, null];
				return { chunk: rooms, next_batch: "next", total_room_count_estimate: 12 };
			},
		},
		"hs.test",
	);
	expect(await listed(5_000)).toEqual({
		rooms: [
			{
				...{ room: "!a", id: "a", name: "A", alias: ["a"], entry: "everybody" },
				...{ listed: true, local: true, count: 0 },
			},
		],
		next: "next",
		count: 12,
	});
	await listed(-1, "x".repeat(2_000), "verona");
	expect(asked).toEqual([
		[100, undefined, undefined],
		[1, "x".repeat(1_000), "verona"],
	]);
});
