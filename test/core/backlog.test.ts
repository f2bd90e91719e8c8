import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent } from "../../src/core/event.ts";
import type { MessageId, RoomId } from "../../src/core/ids.ts";
import { createSqliteJournal } from "../../src/store/sqlite.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { fakeNetwork, lines, until } from "../fakes.ts";
import { liveHeap } from "../live-heap.ts";
import { freshFile, never } from "../store/directory.ts";

const [all, batch] = [100_000, 2_000];

test("100,000 undeliverable messages wait on disk, not in memory, and delay no other room", {
	timeout: 240_000,
}, async () => {
	const journal = createSqliteJournal({ file: await freshFile("journal.db"), onFailure: never });
	await journal.open();
	const earth = fakeNetwork("earth");
	const mars = fakeNetwork("mars");
	for (const room of ["crater", "valley"]) mars.rooms.set(room, []);
	mars.trouble = async ({ room }) => {
		if (room === "crater") throw new TemporaryError("away");
	};
	const bridge = bridgeOf([earth, mars], rulesFor({ "*": "link" }), { journal });
	await bridge.start();
	for (const [room, there] of [
		["plaza", "crater"],
		["market", "valley"],
	] as const)
		await command(bridge, earth, `link mars ${there}`, { room });
	const say = (from: number, count: number) =>
		earth.bridge.receive(
			Array.from({ length: count }, (_, n): BridgeEvent => {
				return {
					kind: "message",
					style: "text",
					id: `e${from + n}` as MessageId,
					room: "plaza" as RoomId,
					sender: earth.person("ann"),
					at: Date.now(),
					text: `line ${from + n} ${"x".repeat(200)}`,
				};
			}),
		);

	await say(0, batch);
	const before = liveHeap();
	for (let from = batch; from < all; from += batch) await say(from, batch);
	expect(liveHeap() - before).toBeLessThan(16);
	expect(await journal.stats()).toMatchObject({ waiting: all, dead: 0 });

	await earth.say("market", "ann", "is anybody there?");
	await until(
		() => lines(mars).length === 1,
		() => "the other room waits",
	);
	await bridge.stop(5_000);
	await journal.close();
});
