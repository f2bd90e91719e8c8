import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { Guard } from "../core/guard.ts";
import type { Journal } from "../core/journal.ts";
import type { Meter } from "../core/meter.ts";
import type { Network } from "../core/network.ts";

// Only this file knows prom-client. No label holds a person, room or topic: strangers choose those names, and their
// number has no bound.

type Sides = Readonly<{
	networks: readonly Pick<Network, "name" | "status">[];
	journal: Pick<Journal, "stats">;
	/** Returns the number of rows that were sent and are not confirmed. */
	inDoubt(): number;
	/** Returns the number of items in the quarantine. */
	setAside?(): number;
	guard?: Pick<Guard, "run">;
}>;

/**
 * The figures of the event loop that prom-client takes from samples. Its sampler wakes an idle process a hundred times a
 * second, a third of all that the bridge costs at rest, so it runs at an interval, in ms, that never ends. The lag itself
 * (`nodejs_eventloop_lag_seconds`) is measured when the metrics are read.
 */
const sampled = ["min", "max", "mean", "stddev", "p50", "p90", "p99"];
const never = 0x7fff_ffff;

/** Interval in ms at which the links' status is read. */
const glance = 1_000;

/**
 * Returns the metrics: `meter` counts events, and `watch` adds gauges over the networks and the journal. The figures of the
 * process and of Node have their standard names, which stock dashboards know.
 */
export function createMetrics(version = "unknown") {
	const registry = new Registry();
	const registers = [registry];
	collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: never });
	for (const name of sampled) registry.removeSingleMetric(`nodejs_eventloop_lag_${name}_seconds`);
	const labelNames = ["version", "node"] as const;
	const build = new Gauge({
		name: "trivium_build_info",
		help: "1; the labels name the release",
		labelNames,
		registers,
	});
	build.set({ version, node: process.version }, 1);
	const received = new Counter({
		name: "trivium_received_total",
		help: "Events that came in; result again: known already, and not delivered a second time",
		labelNames: ["from", "kind", "result"],
		registers,
	});
	const delivered = new Counter({
		name: "trivium_delivered_total",
		help: "Events delivered and confirmed; result hidden: the room there shows nothing of the kind",
		labelNames: ["from", "to", "kind", "result"],
		registers,
	});
	const refused = new Counter({
		name: "trivium_refused_total",
		help: "Events given up: dead letters",
		labelNames: ["from", "kind"],
		registers,
	});
	const limited = new Counter({
		name: "trivium_limited_total",
		help: "Events that a rate limit kept from being delivered",
		labelNames: ["from", "kind"],
		registers,
	});
	const merged = new Counter({
		name: "trivium_merged_total",
		help: "Values that took the place of an earlier one, which was not sent yet",
		labelNames: ["from"],
		registers,
	});
	const filtered = new Counter({
		name: "trivium_filtered_total",
		help: "Values that a condition of a mirror kept from being shown",
		labelNames: ["from", "reason"],
		registers,
	});
	const retried = new Counter({
		name: "trivium_retried_total",
		help: "Attempts that failed and are repeated",
		labelNames: ["from"],
		registers,
	});
	const latency = new Histogram({
		name: "trivium_delivery_seconds",
		help: "From taken in to confirmed",
		labelNames: ["from", "to"],
		buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 60, 600, 3_600],
		registers,
	});

	let refresh: () => Promise<void> = () => Promise.resolve();

	const meter: Meter = {
		received: (from, kind, again) => received.inc({ from, kind, result: again ? "again" : "new" }),
		delivered(from, to, kind, how, waited) {
			delivered.inc({ from, to, kind, result: how });
			if (how === "shown") latency.observe({ from, to }, waited / 1_000);
		},
		retried: (from) => retried.inc({ from }),
		refused: (from, kind) => refused.inc({ from, kind }),
		limited: (from, kind) => limited.inc({ from, kind }),
		merged: (from, count) => merged.inc({ from }, count),
		filtered: (from, reason) => filtered.inc({ from, reason }),
	};

	return {
		meter,
		watch({ networks, journal, inDoubt, setAside = () => 0, guard }: Sides): void {
			const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
			const waiting = gauge("trivium_waiting", "Deliveries on disk that are not done");
			const doubt = gauge("trivium_in_doubt", "Deliveries sent and not confirmed yet");
			const oldest = gauge("trivium_oldest_seconds", "Age of the oldest delivery that waits");
			const dead = gauge("trivium_dead", "Dead letters kept");
			const held = gauge("trivium_held", "Events on disk that a rate limit delays");
			const apart = gauge("trivium_set_aside", "Items not handled any more: the bridge died twice over each");
			refresh = async () => {
				const stats = await journal.stats();
				waiting.set(stats.waiting);
				dead.set(stats.dead);
				held.set(stats.held);
				oldest.set(stats.oldest === undefined ? 0 : (Date.now() - stats.oldest) / 1_000);
				doubt.set(inDoubt());
				apart.set(setAside());
			};
			const up = new Gauge({
				name: "trivium_link_up",
				help: "1 while the link to the server works",
				labelNames: ["network"],
				registers,
			});
			const reconnects = new Counter({
				name: "trivium_reconnects_total",
				help: "How often a link came back, as far as it was away for a second",
				labelNames: ["network"],
				registers,
			});
			const before = new Map<string, boolean>();
			const look = () => {
				for (const { name, status } of networks) {
					const now = status?.().up ?? true;
					up.set({ network: name }, now ? 1 : 0);
					reconnects.inc({ network: name }, now && before.get(name) === false ? 1 : 0);
					// The first connection is no reconnect.
					if (now || before.has(name)) before.set(name, now);
				}
			};
			look();
			const timer = () => (guard ? void guard.run("timer of the metrics", look) : look());
			setInterval(timer, glance).unref();
		},
		contentType: registry.contentType,
		/** Resolves with all metrics in Prometheus's text format. @throws Error when the store does not answer. */
		async text(): Promise<string> {
			await refresh();
			return registry.metrics();
		},
	};
}

export type Metrics = ReturnType<typeof createMetrics>;
