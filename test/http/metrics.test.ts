import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { NetworkName } from "../../src/core/ids.ts";
import { createMetrics } from "../../src/http/metrics.ts";

const [matrix, xmpp] = ["matrix" as NetworkName, "xmpp" as NetworkName];
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Returns the samples of a metric without its name. */
async function samples(of: Pick<ReturnType<typeof createMetrics>, "text">, name: string): Promise<string[]> {
	const lines = (await of.text()).split("\n").filter((line) => line.startsWith(`trivium_${name}`));
	return lines.map((line) => line.slice(`trivium_${name}`.length).trim());
}

describe("createMetrics", () => {
	test("counts received, delivered, retried and refused events by direction and kind", async () => {
		const all = createMetrics();
		all.meter.received(xmpp, "message", false);
		all.meter.received(xmpp, "message", true);
		all.meter.delivered(xmpp, matrix, "message", "shown", 250);
		all.meter.delivered(xmpp, matrix, "state", "hidden", 1);
		all.meter.retried(xmpp);
		all.meter.refused(xmpp, "edit");
		expect(await samples(all, "received_total")).toEqual([
			'{from="xmpp",kind="message",result="new"} 1',
			'{from="xmpp",kind="message",result="again"} 1',
		]);
		expect(await samples(all, "delivered_total")).toEqual([
			'{from="xmpp",to="matrix",kind="message",result="shown"} 1',
			'{from="xmpp",to="matrix",kind="state",result="hidden"} 1',
		]);
		expect(await samples(all, "retried_total")).toEqual(['{from="xmpp"} 1']);
		expect(await samples(all, "refused_total")).toEqual(['{from="xmpp",kind="edit"} 1']);
		expect(await samples(all, "delivery_seconds_sum")).toEqual(['{from="xmpp",to="matrix"} 0.25']);
		expect(await samples(all, "delivery_seconds_bucket")).toContain('{le="0.3",from="xmpp",to="matrix"} 1');
	});

	test("shows the number and age of waiting rows, held events, rows in doubt and dead letters", async () => {
		vi.setSystemTime(100_000);
		const all = createMetrics();
		const stats = { waiting: 7, oldest: 40_000 as number | undefined, dead: 2, held: 5 };
		all.watch({ networks: [], journal: { stats: async () => stats }, inDoubt: () => 3 });
		expect(await samples(all, "waiting")).toEqual(["7"]);
		expect(await samples(all, "oldest_seconds")).toEqual(["60"]);
		expect(await samples(all, "in_doubt")).toEqual(["3"]);
		expect(await samples(all, "dead")).toEqual(["2"]);
		expect(await samples(all, "held")).toEqual(["5"]);
		stats.oldest = undefined;
		expect(await samples(all, "oldest_seconds")).toEqual(["0"]);
	});

	test("shows which networks are up, and counts their reconnects", async () => {
		const all = createMetrics();
		let up = false;
		const networks = [{ name: xmpp, status: () => ({ up }) }, { name: matrix }];
		const journal = { stats: async () => ({ waiting: 0, oldest: undefined, dead: 0, held: 0 }) };
		all.watch({ networks, journal, inDoubt: () => 0 });
		expect(await samples(all, "link_up")).toEqual(['{network="xmpp"} 0', '{network="matrix"} 1']);
		for (const now of [true, true, false, true]) {
			up = now;
			vi.advanceTimersByTime(1_000);
		}
		expect(await samples(all, "link_up")).toEqual(['{network="xmpp"} 1', '{network="matrix"} 1']);
		expect(await samples(all, "reconnects_total")).toEqual(['{network="xmpp"} 1', '{network="matrix"} 0']);
	});

	test("names the release, and the process's own figures as all Node programs do", async () => {
		const all = createMetrics("1.2.3");
		expect(await samples(all, "build_info")).toEqual([`{version="1.2.3",node="${process.version}"} 1`]);
		const text = await all.text();
		for (const name of [
			"process_cpu_seconds_total",
			"process_resident_memory_bytes",
			"nodejs_eventloop_lag_seconds",
		])
			expect(text).toMatch(new RegExp(`^${name} `, "m"));
		expect(text).not.toMatch(/trivium_(process|nodejs)_/);
		// Their sampler would wake an idle process a hundred times a second.
		expect(text).not.toContain("nodejs_eventloop_lag_p99_seconds");
	});

	test("fails when the store does not answer", async () => {
		const all = createMetrics();
		const journal = { stats: () => Promise.reject(new Error("closed")) };
		all.watch({ networks: [], journal, inDoubt: () => 0 });
		await expect(all.text()).rejects.toThrow("closed");
	});
});
