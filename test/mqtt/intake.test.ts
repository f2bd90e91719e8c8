import { expect, test } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";
import type { Cursor } from "../../src/core/network.ts";
import { createFlood } from "../../src/mqtt/flood.ts";
import { createIntake, type Received } from "../../src/mqtt/intake.ts";
import { plain } from "../../src/mqtt/sorts.ts";

test("a value that waits keeps all that MQTT 5 says of it over a restart", async () => {
	const disk = new Map<string, string>();
	const received: Received[] = [];
	let ids = 0;
	const run = () =>
		createIntake("home", {
			flood: createFlood({
				rate: { perMinute: 60, burst: 1 },
				pace: () => "latest",
				merged: () => undefined,
				makeId: () => `m${ids++}` as MessageId,
				now: () => 1_000,
			}),
			sort: () => plain,
			naming: { identify: async (_arrival, as) => ({ id: as ?? (`m${ids++}` as MessageId) }) },
			receive: async (batch) => void received.push(...batch),
			async save(cursors) {
				for (const { key, value } of cursors)
					if (value === undefined) disk.delete(key);
					else disk.set(key, value);
			},
		});
	const about = {
		expires: 5_000,
		passed: ["mark"],
		response: { topic: "answers", correlation: Buffer.from([0, 255]) },
		mime: "text/plain",
		properties: { who: "Romeo" },
		retain: true,
	};
	const arrival = (text: string, packetId: number) => ({
		...{ topic: "a", payload: Buffer.from(text), qos: 1 as const, dup: false, packetId },
		...{ subscriptions: [], subscribed: ["#"], ...about },
	});
	const first = run();
	for (const [at, text] of ["1", "2", "3"].entries()) {
		const step = first.step(arrival(text, at + 1));
		if (step) await first.take([step]);
	}
	await first.keep();
	const cursors: Cursor[] = [...disk].map(([key, value]) => ({ key, value }));
	expect(cursors).toHaveLength(1);
	received.splice(0);
	await run().resume(cursors);
	expect(received).toHaveLength(1);
	expect(received[0]).toMatchObject({ topic: "a", payload: Buffer.from("3"), ...about });
});
