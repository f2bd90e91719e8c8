import { expect, test } from "vitest";
import type { Arrival } from "../../src/mqtt/from-mqtt.ts";
import { createRedelivery } from "../../src/mqtt/redelivery.ts";

/** What outlives a run. */
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
/** All that it names is put on the disk. */
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

test("the same value twice is two messages, even where the broker uses one packet identifier for ever", async () => {
	const { identify } = run(disk());
	const ids = [];
	for (const packet of [arrival(1), arrival(2), arrival(1), arrival(1)]) ids.push(await identify(packet));
	expect(new Set(ids).size).toBe(4);
});

test("a redelivery after a lost connection is the same message", async () => {
	const { identify } = run(disk());
	const first = await identify(arrival(5));
	await identify(arrival(6));
	expect(await identify(again(5))).toBe(first);
});

test("a redelivery is the same message, also where an identifier was used anew for the same value meanwhile", async () => {
	const { identify } = run(disk());
	const slow = await identify(arrival(6));
	const ids = [await identify(arrival(5)), await identify(arrival(5))];
	expect(new Set(ids).size).toBe(2);
	expect(await identify(again(6))).toBe(slow);
	expect(await identify(again(5))).toBe(ids[1]);
});

test("a redelivery after a restart is the same message, however often the connection breaks", async () => {
	const on = disk();
	const first = await run(on).identify(arrival(5));
	const second = run(on);
	expect(await second.identify(again(5))).toBe(first);
	expect(await second.identify(again(5))).toBe(first);
});

test("a run that dies before it saw anything new does not spoil the names of the one before", async () => {
	const on = disk();
	const first = await run(on).identify(arrival(5));
	await run(on).identify(again(5));
	const last = run(on);
	expect(await last.identify(again(5))).toBe(first);
	const next = await last.identify(arrival(5));
	expect(next).not.toBe(first);
	expect(await last.identify(again(5))).toBe(next);
});

test("what two runs could not acknowledge is the same message in the third, whatever came in between", async () => {
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

test("a redelivery of what we never read is a message of its own", async () => {
	const on = disk();
	const seen = await run(on).identify(arrival(5, "21.5"));
	expect(await run(on).identify(again(5, "22.0"))).not.toBe(seen);
});

test("after a restart the same value under the same packet identifier is news", async () => {
	const on = disk();
	const first = await run(on).identify(arrival(1));
	expect(await run(on).identify(arrival(1))).not.toBe(first);
});

test("a retained value is known for good, a QoS 0 one never", async () => {
	const on = disk();
	const kept = arrival(1, "21.5", { retain: true });
	const first = await run(on).identify(kept);
	const { identify } = run(on);
	expect(await identify({ ...kept, packetId: 9 })).toBe(first);
	const fleeting = { ...arrival(0), qos: 0 as const, packetId: undefined };
	expect(await identify(fleeting)).not.toBe(await identify(fleeting));
});

test("what was named and never on disk is the same message when it comes again in this run, and news in the next", async () => {
	const { identify } = createRedelivery("home", async () => undefined);
	const first = await identify(arrival(5));
	expect(await identify(again(5))).toEqual(first);
	expect(await run(disk()).identify(again(5))).not.toBe(first.id);
});

test("what brokers call alike is kept apart", async () => {
	const on = disk();
	const { id } = await createRedelivery("home", async (key) => on.get(key)).identify(arrival(5));
	on.set("mqtt home 5", id);
	expect((await createRedelivery("garden", async (key) => on.get(key)).identify(again(5))).id).not.toBe(id);
});
