import { expect, test } from "vitest";
import type { MessageId } from "../../src/core/ids.ts";
import type { Cursor } from "../../src/core/network.ts";
import { createResponses } from "../../src/mqtt/responses.ts";

/** Stores changes as the journal does. */
const stored = (
	disk: Map<string, string>,
	changes: ReturnType<ReturnType<typeof createResponses>["changes"]>,
) => {
	for (const { key, value } of changes)
		if (value === undefined) disk.delete(key);
		else disk.set(key, value);
	return [...disk].map(([key, value]): Cursor => ({ key, value }));
};
const id = (text: string) => text as MessageId;

test("the response topics of values are known after a restart, with their correlation data", () => {
	const disk = new Map<string, string>();
	const before = createResponses();
	before.note(id("a home/lamp"), { topic: "reply/1", correlation: Uint8Array.of(0, 255) });
	before.note(id("b"), { topic: "reply/2" });
	const cursors = stored(disk, before.changes());
	expect(before.changes()).toEqual([]);
	const after = createResponses();
	after.load(cursors);
	expect(after.of(id("a home/lamp"))).toEqual({ topic: "reply/1", correlation: Buffer.of(0, 255) });
	expect(after.of(id("b"))).toEqual({ topic: "reply/2" });
	expect(after.changes()).toEqual([]);
});

test("no more than 1,000 of them and 1 MiB are kept, in memory and on disk", () => {
	const disk = new Map<string, string>();
	const responses = createResponses();
	for (let n = 0; n < 1_010; n++) {
		responses.note(id(`v${n}`), { topic: "reply" });
		stored(disk, responses.changes());
	}
	expect([disk.size, responses.of(id("v9")), responses.of(id("v10"))]).toEqual([
		1_000,
		undefined,
		{ topic: "reply" },
	]);
	for (let n = 0; n < 20; n++)
		responses.note(id(`w${n}`), { topic: "reply", correlation: Buffer.alloc(65_535) });
	stored(disk, responses.changes());
	expect(disk.size).toBeLessThan(17);
});
