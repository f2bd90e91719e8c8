import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { random } from "../random.ts";
import { soak } from "../soak.ts";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { type FaultyProxy, startProxy } from "../testbed/proxy.ts";
import { startWire, type Wire } from "../testbed/wire.ts";
import { type Arrived, figures, isOdd, missing, type Path, table } from "./counting.ts";
import { type Step, steps } from "./fault-steps.ts";
import { type Outage, pathNames, type World, world } from "./faults.ts";

const each = soak ? 2_000 : 200;
/** TRIVIUM_SEED repeats the random kills of an earlier run. */
const seed = Number(process.env.TRIVIUM_SEED ?? Date.now() % 1_000_000);
const topic = "home/balcony/temperature";
const much = () => ({ per_minute: 1_000_000, burst: 100_000 });

/** Sends the lines `from` to `to` on all paths at once, and one after the other on each path. */
const talk = (paths: readonly Path[], from: number, to: number) =>
	Promise.all(
		paths.map(async (path) => {
			for (let n = from; n < to; n++) {
				path.sent++;
				await path.say(n).catch(() => undefined);
				await sleep(soak ? 50 : 200);
			}
		}),
	);

/** Waits until every confirmed line has arrived, or no further line arrives. */
async function arrivals({ paths, told }: World): Promise<(readonly Arrived[])[]> {
	const end = Date.now() + (soak ? 300_000 : 90_000);
	for (;;) {
		await told();
		const now = await Promise.all(paths.map((path) => path.arrived()));
		const complete = paths.every((path, index) => missing(path, now[index] ?? []).length === 0);
		if (!complete && Date.now() < end) {
			await sleep(1_000);
			continue;
		}
		// Duplicates get some more time to arrive.
		await sleep(5_000);
		return Promise.all(paths.map((path) => path.arrived()));
	}
}

// A retry of the test would hide the fault that it looks for.
describe("the delivery on real servers under kills, restarts and hangs", { retry: 0 }, () => {
	let bridged: Bridged;
	let everybody: World;
	let proxies: FaultyProxy[] = [];
	let wires: Wire[] = [];
	let arrived: (readonly Arrived[])[] = [];
	/** The times of the acknowledged events, by event id. */
	const transactions: { at: number; path: string; events: string[] }[] = [];
	const missed: string[] = [];
	let kills = 0;
	let faults = 0;

	beforeAll(async () => {
		const handed = new Set<string>();
		let acknowledged: () => void = () => undefined;
		const proxy = await startProxy();
		const inward = await startProxy((path, body) => {
			if (!path.includes("/transactions/")) return;
			const { events } = JSON.parse(body) as { events: { event_id: string }[] };
			for (const { event_id } of events) handed.add(event_id);
			transactions.push({ at: Date.now(), path, events: events.map(({ event_id }) => event_id) });
			acknowledged();
		});
		proxies = [proxy, inward];
		const [component, broker] = [await startWire(), await startWire()];
		wires = [component, broker];
		bridged = await startBridged({
			xmpp: "prosody",
			servers: ["synapse", "prosody", "mosquitto"],
			homeserver: proxy.url,
			appservice: inward.url,
			prosody: { conflict: "kick_old" },
			config: ({ ports }) => {
				proxy.leadsTo(`http://127.0.0.1:${ports.synapse}`);
				inward.leadsTo(`http://127.0.0.1:${ports.appservice}`);
				component.leadsTo(ports.prosodyComponent);
				broker.leadsTo(ports.mqtt);
				return {
					...(soak && { log: { level: "debug" } }),
					xmpp: {
						component: "bridge.xmpp.test",
						service: `xmpp://127.0.0.1:${component.port}`,
						secret: "bridge-secret",
					},
					mqtt: {
						brokers: { home: { url: `mqtt://bridge@127.0.0.1:${broker.port}`, password: "pw-bridge" } },
						mirrors: [{ broker: "home", topic, room: "#climate:hs.test" }],
					},
					limits: {
						sender: much(),
						domain: much(),
						new_chats: much(),
						new_chats_of_domain: much(),
						joins: much(),
						joins_of_domain: much(),
						new_ghosts: much(),
						new_ghosts_of_domain: much(),
					},
				};
			},
		});
		const outages: Outage[] = [];
		everybody = await world(bridged, topic, handed, outages);
		const chance = random(seed);
		const can = steps({
			bridged: () => bridged,
			everybody: () => everybody,
			proxy,
			inward,
			acknowledged: (listener) => {
				acknowledged = listener;
			},
			component,
			broker,
			outages,
			missed,
			chance,
		});
		const round = (): Step[] => [...can.kills, can.diesAtRandom(), ...can.others];
		const plan = soak
			? [
					...round(),
					...round(),
					...Array.from({ length: 6 }, can.diesAtRandom),
					...can.homeserverFaults,
					can.halfOpen,
				]
			: round();
		const share = each / plan.length;
		for (const [index, [what, happens, before]] of plan.entries()) {
			const [from, to] = [Math.round(index * share), Math.round((index + 1) * share)];
			await before?.();
			const began = Date.now();
			await Promise.all([happens(), talk(everybody.paths, from, to)]);
			console.log(`${what}: ${Date.now() - began} ms, lines ${from}–${to - 1}`);
		}
		faults = plan.length;
		kills = plan.filter(([what]) => / dies? /.test(what)).length;
		arrived = await arrivals(everybody);
		console.log(
			[
				`seed ${seed}: ${plan.length} faults, ${kills} of them kills of the bridge; ${each} lines a path`,
				table(everybody.paths, arrived),
			].join("\n"),
		);
		if (everybody.paths.some((path, index) => isOdd(path, arrived[index] ?? []))) {
			const file = join(tmpdir(), `trivium-faults-${seed}.json`);
			const sent = everybody.sent();
			writeFileSync(file, JSON.stringify({ sent, transactions, arrived, log: bridged.log.items }));
			console.log(`the events and the log of this run are in ${file}`);
		}
	}, 3_600_000);
	afterAll(async () => {
		await everybody?.close();
		await bridged?.down();
		for (const one of [...proxies, ...wires]) one.close();
	});

	test.each(pathNames)(
		"%s: every line is sent, and each confirmed line is there once and in order",
		(name) => {
			const index = everybody.paths.findIndex((path) => path.name === name);
			const path = everybody.paths[index] as Path;
			const found = figures(path, arrived[index] ?? []);
			expect(found).toMatchObject({ sent: each, lost: 0, twice: 0, disorder: 0, denied: 0 });
			expect(found.again).toBeLessThanOrEqual(faults);
			// No fault justifies a refusal, except that a server bounces stanzas while no bridge is connected.
			if (name !== "1:1 XMPP → Matrix") expect(found.refused).toBe(0);
			// A path without confirmations cannot lose a confirmed line.
			expect(found.confirmed).toBeGreaterThan(each / 4);
		},
	);
	test("each planned kill happened, and all servers and the bridge run", () => {
		expect(missed).toEqual([]);
		expect(kills).toBeGreaterThanOrEqual(soak ? 20 : 6);
		for (const server of ["synapse", "prosody", "mosquitto"] as const)
			expect(bridged.bed.isRunning(server)).toBe(true);
	});
});
