import { describe, expect, test } from "vitest";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";
import { createRedelivery } from "../../src/mqtt/redelivery.ts";

/** The cursors on disk, which outlive a run. */
const disk = () => new Map<string, string>();
const arrival = (packetId: number, text = "21.5", more: Partial<Arrival> = {}): Arrival => ({
	topic: "t",
	payload: Buffer.from(text),
	qos: 1,
	dup: false,
	retain: false,
	packetId,
	subscriptions: [],
	...more,
});
const again = (packetId: number, text?: string) => arrival(packetId, text, { dup: true });
/** Identifies messages and stores their cursors. */
function run(on: Map<string, string>) {
	const { identify } = createRedelivery("home", async (key) => on.get(key));
	return {
		async identify(one: Arrival) {
			const { id, cursor } = await identify(one);
			if (cursor) on.set(cursor.key, cursor.value);
			return id;
		},
	};
}

describe("createRedelivery", () => {
	test("gives two equal values two ids, also with the same packet identifier", async () => {
		const { identify } = run(disk());
		const ids = [];
		for (const packet of [arrival(1), arrival(2), arrival(1), arrival(1)]) ids.push(await identify(packet));
		expect(new Set(ids).size).toBe(4);
	});

	test("gives a redelivery after a lost connection the same id", async () => {
		const { identify } = run(disk());
		const first = await identify(arrival(5));
		await identify(arrival(6));
		expect(await identify(again(5))).toBe(first);
	});

	test("gives a redelivery the same id, also when the packet identifier was reused for an equal value meanwhile", async () => {
		const { identify } = run(disk());
		const slow = await identify(arrival(6));
		const ids = [await identify(arrival(5)), await identify(arrival(5))];
		expect(new Set(ids).size).toBe(2);
		expect(await identify(again(6))).toBe(slow);
		expect(await identify(again(5))).toBe(ids[1]);
	});

	test("gives a redelivery after a restart the same id, however often the connection breaks", async () => {
		const on = disk();
		const first = await run(on).identify(arrival(5));
		const second = run(on);
		expect(await second.identify(again(5))).toBe(first);
		expect(await second.identify(again(5))).toBe(first);
	});

	test("keeps the ids of the run before when a run ends without a new message", async () => {
		const on = disk();
		const first = await run(on).identify(arrival(5));
		await run(on).identify(again(5));
		const last = run(on);
		expect(await last.identify(again(5))).toBe(first);
		const next = await last.identify(arrival(5));
		expect(next).not.toBe(first);
		expect(await last.identify(again(5))).toBe(next);
	});

	test("gives a message that two runs could not acknowledge the same id in the third run", async () => {
		const on = disk();
		const first = await run(on).identify(arrival(5));
		const second = run(on);
		expect(await second.identify(again(5))).toBe(first);
		const new6 = await second.identify(arrival(6));
		const third = run(on);
		expect(await third.identify(again(5))).toBe(first);
		expect(await third.identify(again(6))).toBe(new6);
		const new7 = await third.identify(arrival(7));
		expect(await third.identify(again(5))).toBe(first);
		const fourth = run(on);
		expect(await fourth.identify(again(5))).toBe(first);
		expect(await fourth.identify(again(6))).toBe(new6);
		expect(await fourth.identify(again(7))).toBe(new7);
		expect(await fourth.identify(arrival(5))).not.toBe(first);
	});

	test("gives a redelivery of a message that was never read a new id", async () => {
		const on = disk();
		const seen = await run(on).identify(arrival(5, "21.5"));
		expect(await run(on).identify(again(5, "22.0"))).not.toBe(seen);
	});

	test("gives an equal value under the same packet identifier a new id after a restart", async () => {
		const on = disk();
		const first = await run(on).identify(arrival(1));
		expect(await run(on).identify(arrival(1))).not.toBe(first);
	});

	test("marks a retained value as standing, since only the last value of its topic tells whether it is news", async () => {
		const { identify } = createRedelivery("home", async () => undefined);
		const kept = arrival(1, "21.5", { retain: true });
		const [one, other] = [await identify(kept), await identify(kept)];
		expect([one.standing, other.standing, (await identify(arrival(2))).standing]).toEqual([
			true,
			true,
			undefined,
		]);
		expect(one.id).not.toBe(other.id);
	});

	test("forgets the identifiers of a session that the broker lost, in this run and in the next", async () => {
		const on = disk();
		const naming = () => createRedelivery("home", async (key) => on.get(key));
		const store = async (by: ReturnType<typeof naming>, one: Arrival) => {
			const { id, cursor } = await by.identify(one);
			if (cursor) on.set(cursor.key, cursor.value);
			return id;
		};
		const one = naming();
		one.begin("first");
		const [first, other] = [await store(one, arrival(5)), await store(one, arrival(6))];
		const resumed = naming();
		resumed.begin("first");
		expect(await store(resumed, again(5))).toBe(first);
		resumed.begin("second");
		// The broker marks messages of the new session that it wrote into a breaking connection.
		const fresh = await store(resumed, again(5));
		expect(fresh).not.toBe(first);
		const next = naming();
		next.begin("second");
		expect(await store(next, again(5))).toBe(fresh);
		expect(await store(next, again(6))).not.toBe(other);
	});

	test("gives equal QoS 0 values different ids", async () => {
		const { identify } = run(disk());
		const fleeting = { ...arrival(0), qos: 0 as const, packetId: undefined };
		expect(await identify(fleeting)).not.toBe(await identify(fleeting));
	});

	test("gives a redelivery of a message that did not reach the disk the same id in this run, and a new one in the next", async () => {
		const { identify } = createRedelivery("home", async () => undefined);
		const first = await identify(arrival(5));
		expect(await identify(again(5))).toMatchObject(first);
		expect(await run(disk()).identify(again(5))).not.toBe(first.id);
	});

	test("keeps equal packet identifiers of two brokers apart", async () => {
		const on = disk();
		const { id } = await createRedelivery("home", async (key) => on.get(key)).identify(arrival(5));
		on.set("mqtt home 5", id);
		expect((await createRedelivery("garden", async (key) => on.get(key)).identify(again(5))).id).not.toBe(id);
	});
});
