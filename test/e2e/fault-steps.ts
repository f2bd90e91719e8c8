import { setTimeout as sleep } from "node:timers/promises";
import type { Bridged } from "../testbed/bridge.ts";
import type { ServerName } from "../testbed/index.ts";
import type { Fault, FaultyProxy } from "../testbed/proxy.ts";
import type { Wire } from "../testbed/wire.ts";
import type { Outage, World } from "./faults.ts";

const mortal = new URL("../testbed/mortal.ts", import.meta.url).href;

/** A fault with its name, and the work that must precede it. */
export type Step = readonly [
	what: string,
	happens: () => Promise<unknown>,
	before?: (() => Promise<unknown>) | undefined,
];

/** Returns all faults of one bridge and its servers. `chance` returns a random number from 0 to 1. */
export function steps(deps: {
	bridged(): Bridged;
	everybody(): World;
	/** `proxy` carries requests to the homeserver, `inward` the homeserver's requests to the bridge. */
	proxy: FaultyProxy;
	inward: FaultyProxy;
	/** Calls `listener` after each acknowledged transaction that contains messages. */
	acknowledged(listener: () => void): void;
	component: Wire;
	broker: Wire;
	/** Collects the times in which 1:1 messages from XMPP may be lost. */
	outages: Outage[];
	/** Collects the kills that did not happen because the bridge did not reach their point. */
	missed: string[];
	chance: () => number;
}) {
	const { proxy, inward, component, broker, chance } = deps;
	const running = () => deps.bridged();

	async function outage(work: () => Promise<unknown>): Promise<void> {
		const mine: Outage = { from: Date.now(), until: Number.POSITIVE_INFINITY };
		deps.outages.push(mine);
		await work();
		mine.until = Date.now();
	}

	const dying = (point: string) => ({ NODE_OPTIONS: `--import ${mortal}`, TRIVIUM_DIE: point });
	/** Resolves when the bridge has died by itself, or was killed after 10 s without that, and runs again. */
	async function death(where: string, env = {}): Promise<void> {
		const died = await Promise.race([
			running()
				.ended()
				.then(() => true),
			sleep(10_000),
		]);
		if (!died) deps.missed.push(where);
		await outage(async () => {
			await running().kill();
			proxy.fail();
			await running().start(env);
		});
	}

	/** Kills the bridge at each of these points of a line's life; each restart prepares the next kill. */
	const points = ["before:accept:3", "after:accept:3", "after:attempt:1", "before:done:5"];
	const diesAt = points.map((point, index): Step => {
		const next = points[index + 1];
		const again = async () => {
			await running().stop();
			await running().start(dying(point));
		};
		return [
			`the bridge dies ${point}`,
			() => death(point, next && dying(next)),
			index === 0 ? again : undefined,
		];
	});
	const diesAtRandom = (): Step => {
		const ms = Math.round(100 + chance() * 1_500);
		return [
			`the bridge dies after ${ms} ms`,
			async () => {
				await sleep(ms);
				await outage(async () => {
					await running().kill();
					await running().start();
				});
			},
		];
	};
	/** Kills the bridge after the homeserver took a message and before it answers. */
	const diesUnanswered: Step = [
		"the bridge dies before the homeserver's answer",
		() => {
			let left = 5;
			proxy.fail((path, method) => {
				if (method !== "PUT" || !path.includes("/send/m.room.message") || --left !== 0) return undefined;
				void running().kill();
				return "drop";
			});
			return death("unanswered");
		},
	];
	const diesAcknowledged: Step = [
		"the bridge dies when it has acknowledged a transaction",
		() => {
			let left = 3;
			deps.acknowledged(() => {
				if (--left === 0) void running().kill();
			});
			return death("acknowledged");
		},
	];
	/** Simulates a power cut: the events that the homeserver had queued in memory for the bridge are lost, too. */
	const bothDie: Step = [
		"the bridge and synapse die at once",
		async () => {
			await sleep(500);
			await outage(async () => {
				await Promise.all([running().kill(), running().bed.kill("synapse")]);
				await running().bed.start("synapse");
				await running().start();
			});
		},
	];
	const restarts = (server: ServerName): Step => [
		`${server} restarts`,
		async () => {
			await sleep(300);
			const restarted = () => running().bed.restart(server);
			if (server !== "prosody") await restarted();
			if (server === "mosquitto") await deps.everybody().mqttBack();
			if (server === "prosody")
				await outage(async () => {
					await restarted();
					await deps.everybody().xmppBack();
				});
		},
	];
	const hangs = (server: ServerName, ms = 2_500): Step => [
		`${server} hangs for ${ms} ms`,
		async () => {
			running().bed.pause(server);
			await sleep(ms);
			running().bed.resume(server);
		},
	];
	const weHang: Step = [
		"the bridge hangs for 2500 ms",
		async () => {
			const { pid } = running();
			// At 0 the component stops itself.
			if (!pid) throw new Error("the bridge does not run");
			process.kill(pid, "SIGSTOP");
			await sleep(2_500);
			process.kill(pid, "SIGCONT");
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
	const homeserverFaults: readonly Step[] = [
		homeserver("is slow", () => ({ delay: 300 })),
		homeserver(
			"says 429",
			often({ status: 429, body: { errcode: "M_LIMIT_EXCEEDED", error: "too fast", retry_after_ms: 200 } }),
		),
		homeserver("says 500", often({ status: 500, body: { errcode: "M_UNKNOWN", error: "broken" } })),
		homeserver("drops its answers", often("drop")),
		[
			"the homeserver gets no responses to its transactions",
			async () => {
				inward.fail(() => (chance() < 0.7 ? "drop" : undefined));
				await sleep(2_500);
				inward.fail();
			},
		],
	];

	/** Resolves when both links have logged that they are up again. */
	async function linksBack(ms: number): Promise<void> {
		const { log } = running();
		const before = log.items.length;
		await Promise.all(
			["XMPP link up", "MQTT link up"].map((msg) =>
				log.waitFor(msg, (line) => line.msg === msg && log.items.indexOf(line) >= before, ms),
			),
		);
	}
	const resets: Step = [
		"all connections are reset",
		async () => {
			await sleep(500);
			await outage(async () => {
				for (const one of [proxy, inward, component, broker]) one.reset();
				await linksBack(30_000);
			});
		},
	];
	/** Leaves connections open without traffic, so that only the silence shows the fault. */
	const halfOpen: Step = [
		"all connections are half-open",
		async () => {
			await sleep(500);
			await outage(async () => {
				for (const one of [component, broker]) one.forget();
				for (const one of [proxy, inward]) one.fail(() => "silence");
				await sleep(1_000);
				for (const one of [proxy, inward]) one.fail();
				await linksBack(180_000);
			});
		},
	];

	return {
		kills: [...diesAt, diesUnanswered, diesAcknowledged],
		diesAtRandom,
		others: [
			bothDie,
			...(["mosquitto", "prosody", "synapse"] as const).flatMap((server) => [
				restarts(server),
				hangs(server),
			]),
			weHang,
			...homeserverFaults,
			resets,
		],
		homeserverFaults,
		halfOpen,
	};
}
