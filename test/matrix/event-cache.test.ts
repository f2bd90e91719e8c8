import { expect, test } from "vitest";
import { MatrixError } from "../../src/matrix/client.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";
import { createEventCache } from "../../src/matrix/event-cache.ts";

test("the event cache keeps the newest events up to 8 MiB, and reads older ones from the homeserver", async () => {
	const asked: string[] = [];
	const cache = createEventCache({
		client: {
			event: async (_room: string, id: string) => {
				asked.push(id);
				throw Object.assign(Object.create(MatrixError.prototype), { status: 404 });
			},
		},
	} as unknown as Parameters<typeof createEventCache>[0]);
	const event = (n: number): MatrixEvent => ({
		type: "m.room.message",
		event_id: `$${n}`,
		room_id: "!room",
		sender: "@eve:hs.test",
		origin_server_ts: n,
		content: { msgtype: "m.text", body: "x".repeat(7_000) },
	});
	for (let n = 0; n < 1_500; n++) cache.note(event(n));
	let kept = 0;
	for (let n = 0; n < 1_500; n++) if (await cache.find("!room", `$${n}`, undefined)) kept++;
	// One event takes two bytes a character.
	expect(kept * 2 * 7_000).toBeLessThan(8 * 1_048_576);
	expect(kept).toBeGreaterThan(500);
	expect(asked).toEqual(Array.from({ length: 1_500 - kept }, (_, n) => `$${n}`));
});
