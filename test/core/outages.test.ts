import { describe, expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { NetworkName } from "../../src/core/ids.ts";
import { retryLevel } from "../../src/core/log.ts";
import { noMeter } from "../../src/core/meter.ts";
import type { Status } from "../../src/core/network.ts";
import { createOutageLog } from "../../src/core/outages.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { fakeNetwork, until } from "../fakes.ts";
import { recordedLog } from "../recorded-log.ts";

const [mars, earth] = ["mars" as NetworkName, "earth" as NetworkName];

describe("the log of outages", () => {
	function setup() {
		const { lines, log } = recordedLog();
		const state = { now: 1_000_000, status: { up: true } as Status, waiting: 0 };
		const outages = createOutageLog({
			networks: [{ name: mars, status: () => state.status }, { name: earth }],
			waiting: (name) => (name === mars ? state.waiting : 0),
			log,
			now: () => state.now,
		});
		const meter = outages.counting(noMeter);
		const look = (after: number) => {
			state.now += after;
			outages.look();
		};
		const away = () => {
			state.status = { up: false, cause: "refused", since: state.now };
		};
		/** Delivers a row that was taken in `ago` ms before. */
		const deliver = (ago: number) => {
			state.waiting -= 1;
			meter.delivered(earth, mars, "message", "shown", ago);
		};
		return { lines, state, outages, look, away, deliver };
	}

	test("has one line when a side goes away, one when it is back, one when all that waited is delivered", () => {
		const { lines, state, look, away, deliver } = setup();
		look(1_000);
		away();
		state.waiting = 3;
		for (let second = 0; second < 60; second++) look(1_000);
		state.status = { up: true };
		look(0);
		// A row that came in after the return is no part of the outage.
		state.waiting += 1;
		state.now += 500;
		deliver(100);
		for (const ago of [61_000, 50_000, 40_000]) deliver(ago);
		look(500);
		look(1_000);
		expect(lines).toEqual([
			{
				level: "warn",
				net: mars,
				cause: "refused",
				waiting: 3,
				msg: "a side is away; deliveries to it wait on disk",
			},
			{ level: "info", net: mars, awayMs: 60_000, waiting: 3, msg: "a side is back" },
			{
				level: "info",
				net: mars,
				delivered: 3,
				waiting: 0,
				ms: 1_000,
				msg: "the deliveries that waited for a side are done",
			},
		]);
	});

	test("has no line for a side that is up, nor for the first seconds of a start", () => {
		const { lines, state, look, away } = setup();
		away();
		for (let second = 0; second < 5; second++) look(1_000);
		state.status = { up: true };
		for (let second = 0; second < 60; second++) look(1_000);
		expect(lines).toEqual([]);
	});

	test("has a line for a side that is away from the start on", () => {
		const { lines, look, away } = setup();
		away();
		for (let second = 0; second < 60; second++) look(1_000);
		expect(lines).toMatchObject([{ level: "warn", cause: "refused" }]);
	});

	test("knows the side that is away, and no other", () => {
		const { outages, look, away } = setup();
		look(1_000);
		away();
		look(1_000);
		expect([mars, earth, undefined].map((name) => outages.isAway(name))).toEqual([true, false, false]);
	});
});

test("an outage with 50 waiting messages is three lines and one failed delivery, with attempt and retryMs", async () => {
	const { lines, log } = recordedLog();
	const here = fakeNetwork("here");
	const state = { status: { up: true } as Status };
	const there = fakeNetwork("there", { status: () => state.status, window: 16 });
	for (let room = 0; room < 5; room++) there.rooms.set(`crater${room}`, []);
	const bridge = bridgeOf([here, there], rulesFor({ "*": "link" }), { log });
	await bridge.start();
	for (let room = 0; room < 5; room++)
		await command(bridge, here, `link there crater${room}`, { room: `plaza${room}` });
	await until(
		() => lines.length > 0,
		() => "no line",
	);
	there.trouble = async () => {
		throw new TemporaryError("refused", { unsent: true });
	};
	await here.say("plaza0", "ann", "first");
	await until(
		() => lines.some(({ msg }) => msg === "delivery failed, will retry"),
		() => JSON.stringify(lines),
	);
	state.status = { up: false, cause: "refused", since: Date.now() };
	await until(
		() => lines.some(({ msg }) => msg.startsWith("a side is away")),
		() => JSON.stringify(lines),
	);
	for (let n = 0; n < 50; n++) await here.say(`plaza${n % 5}`, "ann", `${n}`);
	const retries = () => lines.filter(({ msg }) => msg === "delivery failed, will retry");
	await until(
		() => retries().some(({ attempt }) => attempt === 2),
		() => JSON.stringify(retries()),
	);
	there.trouble = async () => undefined;
	state.status = { up: true };
	await until(
		() => lines.some(({ msg }) => msg === "a side is back"),
		() => JSON.stringify(lines),
	);
	bridge.resume(there.name);
	await until(
		() => lines.some(({ msg }) => msg === "the deliveries that waited for a side are done"),
		() => JSON.stringify(lines),
	);
	await bridge.stop(1_000);
	const loud = lines.filter(({ level, msg }) => level !== "debug" && msg !== "command");
	expect(loud.map(({ msg }) => msg)).toEqual([
		"delivery failed, will retry",
		"a side is away; deliveries to it wait on disk",
		"a side is back",
		"the deliveries that waited for a side are done",
	]);
	expect(loud.at(-1)).toMatchObject({ delivered: 51, waiting: 0 });
	for (const { attempt, retryMs } of retries()) {
		expect(attempt).toBeGreaterThanOrEqual(1);
		expect(retryMs).toBeGreaterThan(0);
	}
});

test("a retry is a warning at the attempts 1, 4, 16 and so on, and debug at the others", () => {
	const loud = Array.from({ length: 1_100 }, (_, index) => index + 1).filter((n) => retryLevel(n) === "warn");
	expect(loud).toEqual([1, 4, 16, 64, 256, 1_024]);
});
