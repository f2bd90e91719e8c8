import { expect, test } from "vitest";
import type { BridgeEvent } from "../../src/core/event.ts";
import { createHeldQueues } from "../../src/core/held-queues.ts";
import type { MessageId, NetworkName, RoomId } from "../../src/core/ids.ts";
import { fakeNetwork } from "../fakes.ts";

const here = fakeNetwork("here" as NetworkName);
const words = {
	room: "plaza" as RoomId,
	sender: here.person("ann"),
	at: 0,
	style: "text",
	text: "hello",
} as const;
const message: BridgeEvent = { ...words, id: "m" as MessageId, kind: "message" };
const reply = (to: string): BridgeEvent => ({
	...message,
	id: "r" as MessageId,
	replyTo: { id: to as MessageId },
});
const edit = (id: string): BridgeEvent => ({
	...words,
	...{ id: id as MessageId, kind: "edit", target: { id: "m" as MessageId }, aka: [`own ${id}` as MessageId] },
});

test("a held message that is edited without end keeps its own ids and those of its latest edits, and no others", () => {
	const queues = createHeldQueues();
	const one = queues.make(message, ["own m" as MessageId], false);
	queues.add(one);
	for (let n = 0; n < 10_000; n++) {
		const next = edit(`e${n}`);
		expect(queues.mergesInto(next)).toBe(one);
		queues.merge(one, next, next.aka ?? [], 0);
	}
	for (const id of ["m", "own m", "e9999", "own e9999", "e9990"])
		expect(queues.targetsOf(reply(id))).toEqual([one]);
	expect(queues.targetsOf(reply("e100"))).toEqual([]);
	expect(one.ids.length).toBeLessThan(100);
	const ids = Array.from({ length: 10_000 }, (_, n) => `e${n}` as MessageId);
	expect(createHeldQueues().make(message, ids, false).ids.length).toBeLessThan(100);
	queues.remove(one);
	for (const id of ["m", "e9999", "e9990"]) expect(queues.targetsOf(reply(id))).toEqual([]);
});
