import { afterEach, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { RoomId } from "../../src/core/ids.ts";
import type { Journal } from "../../src/core/journal.ts";
import { createMqtt } from "../../src/mqtt/index.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork, quiet, until } from "../fakes.ts";
import { patience } from "../patience.ts";
import { modelBroker } from "./model-broker.ts";

/** How often the bridge stops and starts again. */
const stops = 100;

let bridge: Running | undefined;
let broker: Awaited<ReturnType<typeof modelBroker>>;
afterEach(async () => {
	await bridge?.stop(0);
	broker?.close();
});

test("neither loses nor repeats a value of QoS 0 or 1 around a hundred stops, at whatever point each comes", async () => {
	const [mapping, stored] = [createMemoryMapping(), createMemoryJournal()];
	/** Turns of the event loop, different in each run. */
	const slow = { journal: 0, disconnect: 0 };
	/** The points of the path that were passed since the stop began, and the one at which values are published. */
	let [passed, due, most] = [0, 0, 0];
	const sent: string[] = [];
	function publish(): void {
		for (const qos of [0, 1] as const) {
			const value = `${qos} ${sent.length}`;
			if (broker.publish(value, qos)) sent.push(value);
		}
	}
	function point(): void {
		if (++passed !== due) return;
		publish();
		publish();
	}
	async function turns(count: number): Promise<void> {
		for (let n = 0; n < count; n++) {
			point();
			await new Promise((resolve) => setImmediate(resolve));
		}
		point();
	}
	const journal: Journal = {
		...stored,
		async accept(entries) {
			await turns(slow.journal);
			return stored.accept(entries);
		},
	};
	broker = await modelBroker({ read: point, disconnects: () => turns(slow.disconnect) });

	const shown: string[] = [];
	async function start(): Promise<void> {
		const chat = fakeNetwork("chat", {
			capabilities: () => ({ state: "native" }),
			async send({ event }) {
				if (event.kind === "state") shown.push(String(event.value));
				return [];
			},
		});
		const home = { url: broker.url, clientId: "trivium", protocol: "5" as const };
		const things = createMqtt({ brokers: { home }, mirrors: [] }, { mapping, log: quiet });
		bridge = bridgeOf([chat, things], rulesFor({ "*": "use" }), { mapping, journal });
		await bridge.start();
		await until(
			() => things.status().up,
			() => String(things.status().cause),
		);
		const mirror = { here: chat.name, room: "room" as RoomId, there: things.name, topic: "home/t" as RoomId };
		await bridge.mirror([mirror], true);
	}

	for (let stop = 0; stop < stops; stop++) {
		await start();
		Object.assign(slow, { journal: stop % 4, disconnect: Math.floor(stop / 20) * 4 });
		publish();
		publish();
		[passed, due] = [0, 1 + (stop % 20)];
		// A value that is on its way when this time is over is lost at QoS 0.
		await bridge?.stop(patience);
		most = Math.max(most, passed);
		if (passed < due) publish();
	}
	await start();
	expect(most).toBeGreaterThan(20);
	const missing = () => sent.filter((value) => !shown.includes(value));
	await until(
		() => missing().length === 0,
		() => `${missing()} of ${sent.length}`,
	);
	expect(sent.filter((value) => value.startsWith("0")).length).toBeGreaterThan(2 * stops);
	for (const qos of ["0", "1"]) {
		const of = (all: readonly string[]) => all.filter((value) => value.startsWith(qos));
		expect(of(shown)).toEqual(of(sent));
	}
}, 120_000);
