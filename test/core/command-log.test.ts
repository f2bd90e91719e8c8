import { expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { RoomId } from "../../src/core/ids.ts";
import { publishCommand } from "../../src/mqtt/pub.ts";
import { createMemoryJournal } from "../../src/store/memory.ts";
import { bridgeOf, command, noLimits, rulesFor } from "../bridge.ts";
import { fakeNetwork, until } from "../fakes.ts";
import { recordedLog } from "../recorded-log.ts";

async function world() {
	const { lines, log } = recordedLog();
	const here = fakeNetwork("here");
	const find = { fail: undefined as Error | undefined };
	const there = fakeNetwork("there", {
		commands: [
			publishCommand({
				brokers: ["home"],
				hasExpiry: () => true,
				bridge: () => here.bridge,
				publish: async () => 1,
				mayPublish: () => ({ kind: "yes" as const }),
			}),
		],
	});
	const { findRoom } = there;
	Object.assign(there, {
		findRoom: async (address: readonly string[]) => {
			if (find.fail) throw find.fail;
			return findRoom(address);
		},
	});
	there.rooms.set("crater", []);
	const bridge = bridgeOf([here, there], rulesFor({ "*": "admin" }), { log });
	await bridge.start();
	const say = async (text: string) => {
		lines.length = 0;
		await command(bridge, here, text);
		return lines.filter(({ msg }) => msg.startsWith("command"));
	};
	return { say, find, here, there, bridge, lines };
}
const common = { net: "here", room: "plaza", sender: "ann@here" };

test("a command leaves one line with its room, target and outcome", async () => {
	const { say, find } = await world();
	expect(await say("link there crater")).toMatchObject([
		{ level: "info", ...common, command: "link", target: "there crater", outcome: "done", msg: "command" },
	]);
	expect(await say("link there nowhere")).toMatchObject([
		{ level: "info", ...common, command: "link", outcome: "refused", msg: "command" },
	]);
	expect(await say("frobnicate")).toMatchObject([{ command: "unknown", outcome: "unknown" }]);
	expect(await say("retry nonsense of mine")).toMatchObject([
		{ command: "retry", outcome: "not understood" },
	]);
	find.fail = new TemporaryError("no answer");
	expect(await say("join crater")).toMatchObject([
		{ level: "warn", ...common, command: "join", outcome: "failed", err: { message: "no answer" } },
	]);
	find.fail = new TypeError("x is undefined");
	expect(await say("join crater")).toMatchObject([
		{ level: "error", outcome: "failed", msg: "command failed" },
	]);
});

test("the log has no text that a person typed to the bot: no value, and nothing that is no command", async () => {
	const { say } = await world();
	for (const text of [
		"pub home/lamp my-secret-value",
		"my-password",
		"chat my secret words",
		"link there my-secret",
		'pub "home/lamp my-secret',
	]) {
		const said = JSON.stringify(await say(text));
		expect(said).toContain("outcome");
		if (!text.startsWith("chat")) expect(said).not.toMatch(/my-(secret|password)/);
	}
	expect(await say("pub home/lamp my-secret-value")).toMatchObject([
		{ target: "home/lamp", outcome: "done" },
	]);
});

test("the line about a refused message has the cause", async () => {
	const { say, here, there, lines } = await world();
	await say("link there crater");
	there.trouble = async () => {
		throw new PermanentError("failed", "the server refused it", { cause: new Error("policy-violation") });
	};
	await here.say("plaza", "ann", "hello");
	const refused = () => lines.filter(({ msg }) => msg === "message refused");
	await until(
		() => refused().length > 0,
		() => JSON.stringify(lines),
	);
	expect(refused()).toMatchObject([
		{ reason: "failed", err: { message: "the server refused it", cause: { message: "policy-violation" } } },
	]);
	expect(JSON.stringify(refused())).not.toContain("hello");
});

test("a flood of commands, or of people who ask for the greeting, fills neither the journal nor the log", async () => {
	const { lines, log } = recordedLog();
	const here = fakeNetwork("here");
	const journal = createMemoryJournal();
	const noted: string[] = [];
	const { once } = journal;
	journal.once = async (key) => {
		noted.push(key);
		return once(key);
	};
	const limits = { ...noLimits, domain: { perMinute: 1e-9, burst: 3 } };
	const bridge = bridgeOf([here], rulesFor({ "*": "use" }, { limits }), { log, journal });
	await bridge.start();
	const answers: string[] = [];
	for (let i = 0; i < 100; i++) answers.push(await command(bridge, here, "version", { who: `ann${i}` }));
	expect(answers.filter((one) => one.startsWith("Trivium"))).toHaveLength(3);
	expect(new Set(answers.slice(3))).toEqual(
		new Set(["That did not work: too many messages at once. Wait a minute and go on more slowly."]),
	);
	const where = { network: here.name, room: "cellar" as RoomId, prefix: "" };
	expect(await bridge.greeting(here.person("bob"), where)).toBeUndefined();
	expect(noted).toHaveLength(3);
	expect(lines.filter(({ msg }) => msg === "command").length).toBeLessThan(30);
	await bridge.stop(0);
});

test("a command or a request for the greeting that a server repeats costs its sender nothing", async () => {
	const here = fakeNetwork("here");
	const limits = { ...noLimits, sender: { perMinute: 1e-9, burst: 3 } };
	const bridge = bridgeOf([here], rulesFor({ "*": "use" }, { limits }));
	await bridge.start();
	const where = { network: here.name, room: "cellar" as RoomId, prefix: "" };
	expect(await bridge.greeting(here.person("ann"), where)).toContain("Hello");
	expect(await bridge.greeting(here.person("ann"), where)).toBeUndefined();
	const answers: string[] = [];
	for (const id of ["one", "one", "one", "two", "three"])
		answers.push((await command(bridge, here, "version", { id })).slice(0, 7));
	expect(answers).toEqual(["Trivium", "", "", "Trivium", "That di"]);
	await bridge.stop(0);
});
