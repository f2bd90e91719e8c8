import { describe, expect, test, vi } from "vitest";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";
import { createInbox } from "../../src/mqtt/inbox.ts";
import { eventually } from "../eventually.ts";

const arrival = (packetId: number | undefined): Arrival => ({
	topic: "t",
	payload: Buffer.from("x"),
	qos: packetId === undefined ? 0 : 1,
	dup: false,
	retain: false,
	packetId,
	subscriptions: [],
});
function open(take: (batch: readonly Arrival[]) => Promise<void>) {
	const acknowledged: number[] = [];
	const failed = vi.fn();
	const dropped = vi.fn();
	const box = createInbox({ take, acknowledge: (id) => void acknowledged.push(id), failed, dropped });
	return { box, acknowledged, failed, dropped };
}

describe("createInbox", () => {
	test("acknowledges messages in order once they are on disk, and takes those that came meanwhile as one batch", async () => {
		const batches: number[] = [];
		const disk: (() => void)[] = [];
		const { box, acknowledged } = open(async (batch) => {
			batches.push(batch.length);
			await new Promise<void>((resolve) => disk.push(resolve));
		});
		for (const id of [1, 2, 3]) box.add(arrival(id));
		await Promise.resolve();
		expect(acknowledged).toEqual([]);
		disk.shift()?.();
		await eventually(() => expect(batches).toEqual([1, 2]));
		expect(acknowledged).toEqual([1]);
		disk.shift()?.();
		await box.close();
		expect(acknowledged).toEqual([1, 2, 3]);
	});

	test("acknowledges nothing and takes no more messages once the disk has failed", async () => {
		const { box, acknowledged, failed } = open(() => Promise.reject(new Error("disk full")));
		box.add(arrival(1));
		await box.close();
		box.add(arrival(2));
		await box.close();
		expect(failed).toHaveBeenCalledOnce();
		expect(acknowledged).toEqual([]);
	});

	test("drops the newest messages of a flood at QoS 0, and none at QoS 1", async () => {
		const { promise, resolve } = Promise.withResolvers<void>();
		const { box, acknowledged, dropped } = open(() => promise);
		for (let i = 0; i < 1500; i++) box.add(arrival(undefined));
		box.add(arrival(9));
		expect(dropped).toHaveBeenCalledTimes(499);
		resolve();
		await box.close();
		expect(acknowledged).toEqual([9]);
	});

	test("keeps at most 8 MiB of large payloads at QoS 0, and drops none at QoS 1", async () => {
		const disk = Promise.withResolvers<void>();
		const batches: (readonly Arrival[])[] = [];
		const { box, dropped } = open(async (batch) => {
			batches.push(batch);
			await disk.promise;
		});
		const large = { ...arrival(undefined), payload: Buffer.alloc(1_048_576) };
		for (let n = 0; n < 100; n++) box.add(large);
		box.add(arrival(1));
		disk.resolve();
		await box.close();
		expect(batches.map((batch) => batch.length)).toEqual([1, 9]);
		expect(dropped).toHaveBeenCalledTimes(91);
	});

	test.each([
		["payloads of a megabyte", 8, { payload: Buffer.alloc(1_048_576) }],
		["topics of 60,000 characters", 70, { topic: "t".repeat(60_000) }],
		["empty payloads", 1_000, { payload: Buffer.alloc(0) }],
	])(
		"past its bounds it asks for a pause at QoS 1, until the batch is written: %s",
		async (_name, fits, shape) => {
			const disk = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
			let batches = 0;
			const { box, acknowledged } = open(async () => disk[batches++]?.promise);
			const add = (id: number) => box.add({ ...arrival(id), ...shape });
			add(0);
			for (let id = 1; id < fits; id++) expect(add(id)).toBeUndefined();
			const room = add(fits);
			expect(room).toBeInstanceOf(Promise);
			disk[0]?.resolve();
			await room;
			expect(add(fits + 1)).toBeUndefined();
			disk[1]?.resolve();
			await box.close();
			expect(acknowledged).toHaveLength(fits + 2);
		},
	);

	test("writes the waiting messages before it is closed, and takes no more", async () => {
		const disk = Promise.withResolvers<void>();
		const batches: number[] = [];
		const { box, acknowledged } = open(async (batch) => {
			batches.push(batch.length);
			await disk.promise;
		});
		for (let id = 0; id < 50; id++) box.add(arrival(id));
		const over = box.close();
		box.add(arrival(50));
		disk.resolve();
		await over;
		expect(batches).toEqual([1, 49]);
		expect(acknowledged).toEqual(Array.from({ length: 50 }, (_, id) => id));
	});
});
