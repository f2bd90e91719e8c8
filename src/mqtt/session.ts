import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { createGuard } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Status } from "../core/network.ts";
import {
	type BrokerOptions,
	type Connection,
	dial,
	type Events,
	patience,
	Refusal,
	type Welcome,
} from "./client.ts";
import type { Arrival } from "./from-mqtt.ts";
import { createInbox } from "./inbox.ts";
import * as phrases from "./phrases.ts";
import { createRedelivery, type Named } from "./redelivery.ts";

/** In ms: before dialling again the first time, and at most; how long an own publish may take to come back. */
const defaults = { first: 1000, most: 60_000, echo: 10_000, ...patience };

/** Our standing with one broker: dials again whenever the connection breaks, and keeps the subscriptions that are wanted. */
export function createSession(deps: {
	name: string;
	broker: BrokerOptions;
	mapping: Mapping;
	log: Log;
	/** What is on disk under a cursor. */
	cursor(key: string): Promise<string | undefined>;
	/** Resolves when they are on disk, each with its cursor. */
	receive(batch: readonly (Arrival & Named)[]): Promise<void>;
	timing?: Partial<typeof defaults>;
}) {
	const { name, broker, mapping, log } = deps;
	const timing = { ...defaults, ...deps.timing };
	const wanted = new Set<string>();
	const guard = createGuard(log);
	const stopping = new AbortController();
	let connection: Connection | undefined;
	let incoming: ReturnType<typeof createInbox> | undefined;
	let welcome: Welcome | undefined;
	let supervisor: Promise<void> | undefined;
	let lastCause = "not connected yet";
	let paused = false;

	const naming = createRedelivery(name, deps.cursor);

	// Which subscriptions the session on the broker holds: it cannot be asked.
	const heldKey = `mqtt subscriptions ${name}`;
	let held = new Set<string>();
	const keep = () => mapping.saveSetting(heldKey, JSON.stringify([...held]));

	/** COMPAT MQTT 3.1.1 has no No Local: what we published ourselves and has not come back yet. */
	const echoes = new Map<string, number>();
	const echoKey = (topic: string, payload: string | Uint8Array) =>
		createHash("sha256").update(`${topic}\0`).update(payload).digest("base64");
	const isEcho = ({ topic, payload, retain }: Arrival) => {
		if (retain || echoes.size === 0) return false;
		const key = echoKey(topic, payload);
		const until = echoes.get(key) ?? 0;
		echoes.delete(key);
		return until > Date.now();
	};

	async function take(batch: readonly Arrival[]): Promise<void> {
		const named: (Arrival & Named)[] = [];
		for (const arrival of batch)
			if (!isEcho(arrival)) named.push({ ...arrival, ...(await naming.identify(arrival)) });
		await deps.receive(named);
	}

	const live = () => (connection && welcome ? connection : undefined);

	async function subscribe(on: Connection, filter: string): Promise<void> {
		await on.subscribe(filter);
		if (held.has(filter)) return;
		held.add(filter);
		await keep();
	}

	async function unsubscribe(on: Connection, filter: string): Promise<void> {
		await on.unsubscribe(filter);
		if (held.delete(filter)) await keep();
	}

	/** Makes the session hold what is wanted. One that is refused is not worth the others. */
	async function settle(on: Connection, { sessionPresent }: Welcome): Promise<void> {
		if (!sessionPresent) held = new Set();
		const gone = [...held].filter((filter) => !wanted.has(filter));
		// COMPAT MQTT 3.1.1 sends what is retained at each SUBSCRIBE, so what is held is not asked for again.
		const ask = [...wanted].filter((filter) => broker.protocol === "5" || !held.has(filter));
		for (const filter of gone) await unsubscribe(on, filter);
		for (const filter of ask)
			await subscribe(on, filter).catch((error: unknown) => {
				if (!(error instanceof Refusal)) throw error;
				log.error({ broker: name, filter, cause: phrases.brokerRefused(error.code) }, "subscription refused");
			});
	}

	function once(): Promise<Error> {
		return new Promise((resolve) => {
			const mine = createInbox({
				take,
				acknowledge: (packetId) => current.acknowledge(packetId),
				failed(error) {
					log.error({ broker: name, err: error }, "could not take messages in; they will come again");
					current.drop();
				},
				dropped: () => log.warn({ broker: name }, "more QoS 0 messages than can be written; one was dropped"),
			});
			const heard: Events = {
				up(said) {
					welcome = said;
					log.info({ broker: name, resumed: said.sessionPresent }, "MQTT link up");
					settle(current, said).catch((error: unknown) => {
						log.warn({ broker: name, err: error }, "could not subscribe");
						current.drop();
					});
				},
				arrival: (arrival) =>
					void guard.run("MQTT packet", () => {
						if (!paused) mine.add(arrival);
					}),
				down: resolve,
			};
			const current = dial(broker, heard, { patience: timing });
			connection = current;
			incoming = mine;
		});
	}

	async function supervise(): Promise<void> {
		let failures = 0;
		while (!stopping.signal.aborted) {
			const since = Date.now();
			const cause = await once();
			const wasUp = welcome !== undefined;
			welcome = undefined;
			connection = undefined;
			lastCause = cause instanceof Refusal ? phrases.brokerRefused(cause.code) : cause.message;
			if (stopping.signal.aborted) return;
			// One that breaks as soon as it is up is no success: two bridges may be fighting for a client_id.
			failures = wasUp && Date.now() - since >= timing.most ? 1 : failures + 1;
			const retryMs = backoff(failures - 1, timing);
			log.warn(
				{ broker: name, cause: lastCause, retryMs },
				wasUp ? "MQTT link broke" : "MQTT broker not reached",
			);
			await sleep(retryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
		}
	}

	return {
		/** Dials; `filters` are those wanted from before. Outages are mended from here on. */
		async start(filters: readonly string[]): Promise<void> {
			for (const filter of filters) wanted.add(filter);
			held = new Set(JSON.parse((await mapping.setting(heldKey)) ?? "[]") as string[]);
			supervisor = supervise();
		},
		/** Subscribes now, or when the broker is back. @throws Refusal */
		async attach(filter: string): Promise<void> {
			if (wanted.has(filter)) return;
			wanted.add(filter);
			const on = live();
			if (!on) return;
			try {
				await subscribe(on, filter);
			} catch (error) {
				if (!(error instanceof Refusal)) return;
				wanted.delete(filter);
				throw error;
			}
		},
		async detach(filter: string): Promise<void> {
			wanted.delete(filter);
			const on = live();
			// Offline, or when it breaks now: done when the broker is back.
			if (on) await unsubscribe(on, filter).catch(() => undefined);
		},
		/** Resolves with the reason code of the broker's answer. @throws Refusal, or Error when it is away or breaks off. */
		async publish(topic: string, payload: string): Promise<number> {
			const on = live();
			if (!on) throw new NotConnected("not connected");
			if (broker.protocol === "3.1.1") echoes.set(echoKey(topic, payload), Date.now() + timing.echo);
			return on.publish(topic, payload);
		},
		wants: () => [...wanted],
		status: (): Status => (welcome ? { up: true } : { up: false, cause: lastCause }),
		pause(): void {
			paused = true;
		},
		async stop(): Promise<void> {
			stopping.abort();
			await incoming?.close();
			connection?.close();
			await supervisor;
		},
	};
}

export class NotConnected extends Error {}
