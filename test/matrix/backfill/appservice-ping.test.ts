import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TemporaryError } from "../../../src/core/errors.ts";
import { createAppservicePing } from "../../../src/matrix/backfill/appservice-ping.ts";
import { MatrixError, Unwell } from "../../../src/matrix/client.ts";
import { whyNotReached } from "../../../src/matrix/reach.ts";
import { recordedCures } from "../../recorded-log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const url = "http://127.0.0.1:9993";
const badStatus = (status: number) =>
	new Unwell("502 M_BAD_STATUS", { body: { errcode: "M_BAD_STATUS", status } });
const unreached = new Unwell("502 M_CONNECTION_FAILED", { body: { errcode: "M_CONNECTION_FAILED" } });

/** Returns a ping whose answer is `state.error`, or a success without one. */
function pinged(error?: Error) {
	const { lines, log } = recordedCures();
	const state = { error, pings: 0 };
	const client = {
		ping: async () => {
			state.pings++;
			if (state.error) throw state.error;
			return { duration_ms: 1 };
		},
	};
	const one = createAppservicePing({ client, registration: { id: "trivium", url }, log });
	return { one, lines, state };
}
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("the path from the homeserver to the appservice", () => {
	test("is not proven before a ping or a transaction", async () => {
		const { one } = pinged();
		expect(one.cause()).toMatch(/has not reached/);
		one.now();
		await pass(0);
		expect(one.cause()).toBeUndefined();
		const other = pinged(unreached);
		other.one.arrived();
		expect(other.one.cause()).toBeUndefined();
	});

	test.each([
		["a wrong hs_token", badStatus(403), /another hs_token/],
		["a URL that leads nowhere", unreached, /cannot reach us at http:\/\/127.*Set matrix\.appservice\.url/],
		["a URL that leads to another program", badStatus(404), /cannot reach us at/],
		["no URL", new MatrixError(400, "M_URL_NOT_SET", "no url"), /without a url/],
	])("is named with the cure of %s, once in the log until it works", async (_what, error, cure) => {
		const { one, lines, state } = pinged(error);
		one.now();
		await pass(600_000);
		expect(one.cause()).toMatch(cure);
		expect(lines).toEqual([expect.stringMatching(cure)]);
		state.error = undefined;
		await pass(60_000);
		expect(one.cause()).toBeUndefined();
		expect(lines.slice(1)).toEqual(["the homeserver reaches the bridge again"]);
	});

	test("is asked for every ten minutes, unless transactions prove it", async () => {
		const { one, state } = pinged();
		one.now();
		await pass(0);
		for (let minutes = 0; minutes < 60; minutes++) {
			one.arrived();
			await pass(60_000);
		}
		expect(state.pings).toBe(1);
		state.error = badStatus(403);
		await pass(1_260_000);
		expect(one.cause()).toMatch(/hs_token/);
	});

	test("is asked for at a request without the hs_token, once in a minute", async () => {
		const { one, state, lines } = pinged();
		one.now();
		await pass(120_000);
		for (let n = 0; n < 10; n++) one.doubt();
		await pass(30_000);
		expect(state.pings).toBe(2);
		state.error = badStatus(403);
		await pass(30_000);
		one.doubt();
		await pass(0);
		expect(lines).toEqual([expect.stringMatching(/hs_token/)]);
	});

	test("is not blamed while the homeserver itself is away or too busy", async () => {
		for (const error of [
			new TemporaryError("the homeserver cannot be reached"),
			new Unwell("429", { body: { errcode: "M_LIMIT_EXCEEDED" } }),
		]) {
			const { one, lines, state } = pinged();
			one.now();
			await pass(0);
			state.error = error;
			await pass(3_600_000);
			expect(one.cause()).toBeUndefined();
			expect(lines).toEqual([]);
		}
	});

	test("counts as working if the homeserver has no way to be asked", async () => {
		const { one, lines } = pinged(new MatrixError(404, "M_UNRECOGNIZED", "no"));
		one.now();
		await pass(0);
		expect(one.cause()).toBeUndefined();
		expect(lines).toEqual([]);
	});
});

test("whyNotReached names the answer of a homeserver that tells no more", () =>
	expect(whyNotReached(url, undefined, "504")).toMatch(/cannot reach us at http:\/\/127\.0\.0\.1:9993: 504/));
