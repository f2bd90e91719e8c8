import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";

let demo: ChildProcess | undefined;
afterEach(() => {
	demo?.kill("SIGTERM");
});

/** Starts the demo in a process group of its own, as a terminal does, so that Ctrl-C reaches all its processes. */
function start(...args: string[]) {
	const child = spawn("script/demo", args, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
	demo = child;
	let said = "";
	for (const stream of [child.stdout, child.stderr])
		stream.setEncoding("utf8").on("data", (chunk: string) => {
			said += chunk;
		});
	const ended = once(child, "close").then(([code]) => code as number | null);
	return { ended, said: () => said, interrupt: () => process.kill(-(child.pid as number), "SIGINT") };
}
const count = (text: string, what: RegExp) => [...text.matchAll(what)].length;
const answers = (url: string) =>
	fetch(url).then(
		() => true,
		() => false,
	);

describe.each(["prosody", "ejabberd"])("script/demo with %s", (server) => {
	const which = server === "ejabberd" ? ["--ejabberd"] : [];

	test("shows a conversation that each person sees, and exits with 0", async () => {
		const { ended, said } = start("--once", ...which);
		expect(await ended, said()).toBe(0);
		expect(count(said(), /^ {2}sent on /gm)).toBe(6);
		// Two people see the thermometer's value.
		expect(count(said(), /^ {2}seen on .* after \d+ ms$/gm)).toBe(7);
		expect(said()).toContain("Every line was seen");
		expect(said()).not.toContain("Ctrl-C");
	});
});

test("stays up for clients without --once, and leaves no process running after Ctrl-C", async () => {
	const { ended, said, interrupt } = start();
	await expect.poll(said, { timeout: 50_000 }).toMatch(/until Ctrl-C[\s\S]*mosquitto_pub/);
	const [, homeserver = ""] = /Matrix {2}(http:\S+)/.exec(said()) ?? [];
	expect(await answers(homeserver)).toBe(true);
	interrupt();
	expect(await ended).toBe(0);
	expect(await answers(homeserver)).toBe(false);
	expect(said()).not.toMatch(/Error/);
});

test("leaves no process and prints no error when it is interrupted during the start", async () => {
	const { ended, said, interrupt } = start();
	await expect.poll(said, { timeout: 30_000 }).toContain("Romeo opens");
	interrupt();
	expect(await ended).toBe(130);
	expect(said()).not.toMatch(/Error/);
});
