import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import type { ServerName } from "../testbed/index.ts";
import { type Fault, type FaultyProxy, startProxy } from "../testbed/proxy.ts";
import { columns, type Figures, figures, missing, oddities, type Path, pathNames, world } from "./faults.ts";

/** TRIVIUM_SOAK: the long form, unless it is "short". TRIVIUM_SEED: the random kills of an earlier run. */
const soak = (process.env.TRIVIUM_SOAK ?? "short") !== "short";
const each = soak ? 2_000 : 200;
const seed = Number(process.env.TRIVIUM_SEED ?? Date.now() % 1_000_000);
const topic = "home/balcony/temperature";
const mortal = new URL("../testbed/mortal.ts", import.meta.url).href;

let bridged: Bridged;
/** On the way to the homeserver, and on its way to us. */
let proxy: FaultyProxy;
let inward: FaultyProxy;
/** Ids of the events we acknowledged. */
const handed = new Set<string>();
let everybody: Awaited<ReturnType<typeof world>>;

/** mulberry32: a small generator that a seed repeats. */
function random(from: number): () => number {
	let state = from;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}
const chance = random(seed);

/** Deaths that did not happen, because the point was not reached. */
const missed: string[] = [];
/** Resolves when the bridge has died by itself, or too much time has passed for that. */
async function death(where: string): Promise<void> {
	const died = await Promise.race([bridged.ended().then(() => true), sleep(10_000)]);
	if (!died) missed.push(where);
	await bridged.kill();
}

/** What goes wrong while people talk, and what has to be done before. */
type Step = readonly [what: string, happens: () => Promise<unknown>, before?: () => Promise<unknown>];

/** The bridge dies at this point of the life of one of the lines, and comes back. */
const diesAt = (point: string): Step => [
	`the bridge dies ${point}`,
	async () => {
		await death(point);
		await bridged.start();
	},
	async () => {
		await bridged.stop();
		await bridged.start({ NODE_OPTIONS: `--import ${mortal}`, TRIVIUM_DIE: point });
	},
];
const diesAtRandom = (): Step => {
	const ms = Math.round(100 + chance() * 1_500);
	return [
		`the bridge dies after ${ms} ms`,
		async () => {
			await sleep(ms);
			await bridged.kill();
			await bridged.start();
		},
	];
};
/** Between the homeserver's taking a message and its telling us. */
const diesUnanswered: Step = [
	"the bridge dies before the homeserver's answer",
	async () => {
		let left = 5;
		proxy.fail((path, method) => {
			if (method !== "PUT" || !path.includes("/send/m.room.message") || --left !== 0) return undefined;
			void bridged.kill();
			return "drop";
		});
		await death("unanswered");
		proxy.fail();
		await bridged.start();
	},
];
const restarts = (server: ServerName): Step => [
	`${server} restarts`,
	async () => {
		await sleep(300);
		await bridged.bed.restart(server);
		if (server === "prosody") await everybody.xmppBack();
		if (server === "mosquitto") await everybody.mqttBack();
	},
];
const hangs = (server: ServerName, ms = 3_000): Step => [
	`${server} hangs for ${ms} ms`,
	async () => {
		bridged.bed.pause(server);
		await sleep(ms);
		bridged.bed.resume(server);
	},
];
const homeserver = (what: string, fault: () => Fault | undefined): Step => [
	`the homeserver ${what}`,
	async () => {
		proxy.fail((path) => (path.includes("/_matrix/client/") ? fault() : undefined));
		await sleep(2_500);
		proxy.fail();
	},
];
const often = (fault: Fault) => () => (chance() < 0.5 ? fault : undefined);
const homeserverFaults: Step[] = [
	homeserver("is slow", () => ({ delay: 300 })),
	homeserver(
		"says 429",
		often({ status: 429, body: { errcode: "M_LIMIT_EXCEEDED", error: "too fast", retry_after_ms: 200 } }),
	),
	homeserver("says 500", often({ status: 500, body: { errcode: "M_UNKNOWN", error: "broken" } })),
	homeserver("drops its answers", often("drop")),
	[
		"the homeserver does not hear our acknowledgements",
		async () => {
			inward.fail(() => (chance() < 0.7 ? "drop" : undefined));
			await sleep(2_500);
			inward.fail();
		},
	],
];
const points = ["before:accept:3", "after:accept:3", "after:attempt:5", "before:done:5"].map(diesAt);

const round: Step[] = [
	...points,
	diesUnanswered,
	diesAtRandom(),
	restarts("mosquitto"),
	restarts("prosody"),
	restarts("synapse"),
	hangs("mosquitto"),
	hangs("prosody"),
	hangs("synapse"),
	...homeserverFaults,
];
const steps = soak
	? [...round, ...round, ...Array.from({ length: 8 }, diesAtRandom), ...homeserverFaults]
	: round;

const servers = ["synapse", "prosody", "mosquitto"] as const;

/** Sends the lines `from` to `to` on every path at once, each path one after the other. */
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

/** Waits until everything confirmed is there, or nothing more comes. */
async function arrivals(paths: readonly Path[]): Promise<(readonly number[])[]> {
	const end = Date.now() + (soak ? 300_000 : 90_000);
	for (;;) {
		await everybody.told();
		const now = await Promise.all(paths.map((path) => path.arrived()));
		const complete = paths.every((path, index) => missing(path, now[index] ?? []).length === 0);
		if (!complete && Date.now() < end) {
			await sleep(1_000);
			continue;
		}
		// Time for what comes twice.
		await sleep(5_000);
		return Promise.all(paths.map((path) => path.arrived()));
	}
}

function print(results: readonly (Figures & { path: string })[]): void {
	const row = (cells: readonly (string | number)[]) =>
		cells.map((cell, index) => (index ? String(cell).padStart(10) : String(cell).padEnd(20))).join("");
	console.log(
		[
			`seed ${seed}: ${steps.length} faults, ${each} lines a path`,
			row(["path", ...columns]),
			...results.map((one) => row([one.path, ...columns.map((column) => one[column])])),
		].join("\n"),
	);
}

describe("under kills, restarts and hangs, on real servers", () => {
	let results: (Figures & { path: string })[] = [];

	beforeAll(async () => {
		proxy = await startProxy();
		inward = await startProxy((path, body) => {
			if (!path.includes("/transactions/")) return;
			for (const { event_id } of (JSON.parse(body) as { events: { event_id: string }[] }).events)
				handed.add(event_id);
		});
		const much = () => ({ per_minute: 1_000_000, burst: 100_000 });
		bridged = await startBridged({
			xmpp: "prosody",
			homeserver: proxy.url,
			appservice: inward.url,
			mirrors: [{ topic, room: "#climate:hs.test" }],
			prosody: { conflict: "kick_old" },
			config: ({ ports }) => {
				proxy.leadsTo(`http://127.0.0.1:${ports.synapse}`);
				inward.leadsTo(`http://127.0.0.1:${ports.appservice}`);
				return { limits: { sender: much(), domain: much(), new_chats: much(), new_chats_of_domain: much() } };
			},
		});
		everybody = await world(bridged, topic, handed);
		const share = each / steps.length;
		for (const [index, [what, happens, before]] of steps.entries()) {
			await before?.();
			const began = Date.now();
			await Promise.all([
				happens(),
				talk(everybody.paths, Math.round(index * share), Math.round((index + 1) * share)),
			]);
			const lines = `${Math.round(index * share)}–${Math.round((index + 1) * share) - 1}`;
			console.log(`${what}: ${Date.now() - began} ms, lines ${lines}`);
		}
		const arrived = await arrivals(everybody.paths);
		results = everybody.paths.map((path, index) => ({
			path: path.name,
			...figures(path, arrived[index] ?? []),
		}));
		print(results);
		for (const [index, path] of everybody.paths.entries()) {
			const odd = oddities(path, arrived[index] ?? []);
			if (odd) console.log(`${path.name}: ${odd}`);
		}
	}, 3_600_000);
	afterAll(async () => {
		await everybody?.close();
		await bridged?.down();
		proxy?.close();
		inward?.close();
	});

	test.each(pathNames)(
		"%s: all is sent, and what its sender saw confirmed is there once and in order",
		(path) => {
			const found = results.find((one) => one.path === path);
			expect(found).toMatchObject({ sent: each, lost: 0, disorder: 0 });
			// A 1:1 chat has no archive we may ask: what was under way when we died, or the link, goes out again.
			const inDoubt = path === "1:1 Matrix → XMPP" ? 20 * steps.length : 0;
			expect(found?.twice).toBeLessThanOrEqual(inDoubt);
			// What Synapse forgot or left lying is read; then it is there, too late for its order.
			expect(found?.withheld).toBeLessThanOrEqual(each / 20);
			expect(found?.arrived).toBeGreaterThanOrEqual((found?.confirmed ?? 0) - (found?.refused ?? 0));
		},
	);
	test("all that was to die died, and all servers and the bridge survive", () => {
		expect(missed).toEqual([]);

		for (const server of servers) expect(bridged.bed.isRunning(server)).toBe(true);
	});
});
