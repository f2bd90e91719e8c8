import { afterEach, describe, expect, test } from "vitest";
import type { NetworkName } from "../../src/core/ids.ts";
import type { Status } from "../../src/core/network.ts";
import { health } from "../../src/http/health.ts";
import { quiet } from "../fakes.ts";
import { freePort } from "../free-port.ts";

let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

type Stats = { waiting: number; oldest: number | undefined; dead: number; held: number };
const late = async (): Promise<Stats> => ({ waiting: 2, oldest: Date.now() - 60_000, dead: 0, held: 3 });

async function serve(status: () => Status, stats = late) {
	const listen = { host: "127.0.0.1", port: await freePort() };
	const networks = [{ name: "one" as NetworkName, status }, { name: "other" as NetworkName }];
	const metrics = { text: async () => "figures", contentType: "text/plain" as never };
	({ close } = await health(listen, { networks, journal: { stats }, metrics }, quiet));
	return (path: string, method = "GET") => fetch(`http://127.0.0.1:${listen.port}${path}`, { method });
}

describe("health", () => {
	test("/ready answers 200 with the status of every network and the store", async () => {
		const get = await serve(() => ({ up: true }));
		const answer = await get("/ready");
		expect(answer.status).toBe(200);
		expect(await answer.json()).toEqual({
			ready: true,
			one: { up: true },
			other: { up: true },
			store: { up: true, waiting: 2, oldest: expect.any(Number), dead: 0, held: 3 },
		});
	});

	test("/ready gives the age of the oldest waiting delivery in ms, and none if nothing waits", async () => {
		const store = async (get: Awaited<ReturnType<typeof serve>>) =>
			((await (await get("/ready")).json()) as { store: Partial<Stats> }).store;
		const { oldest = 0 } = await store(await serve(() => ({ up: true })));
		expect(oldest).toBeGreaterThanOrEqual(60_000);
		expect(oldest).toBeLessThan(70_000);
		await close?.();
		const idle = async () => ({ waiting: 0, oldest: undefined, dead: 0, held: 0 });
		expect(await store(await serve(() => ({ up: true }), idle))).toEqual({
			up: true,
			waiting: 0,
			dead: 0,
			held: 0,
		});
	});

	test("/ready answers 503 with the cause while a network is down, and /live still 200", async () => {
		const get = await serve(() => ({ up: false, cause: "refused" }));
		const answer = await get("/ready");
		expect(answer.status).toBe(503);
		expect(await answer.json()).toMatchObject({ ready: false, one: { up: false, cause: "refused" } });
		expect((await get("/live")).status).toBe(200);
	});

	test("/ready answers 503 when the store fails", async () => {
		const get = await serve(
			() => ({ up: true }),
			() => Promise.reject(new Error("disk full")),
		);
		expect(await (await get("/ready")).json()).toMatchObject({ ready: false, store: { cause: "disk full" } });
	});

	test("/metrics answers Prometheus's text format", async () => {
		const answer = await (await serve(() => ({ up: true })))("/metrics");
		expect(answer.headers.get("content-type")).toContain("text/plain");
		expect(await answer.text()).toBe("figures");
	});

	test("any other path or method is refused", async () => {
		const get = await serve(() => ({ up: true }));
		expect((await get("/")).status).toBe(404);
		expect((await get("/live", "POST")).status).toBe(405);
	});
});
