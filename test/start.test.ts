import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { complaint } from "../src/complaint.ts";
import { TemporaryError } from "../src/core/errors.ts";
import { nodeTooOld } from "../src/core/phrases.ts";
import { writeRegistration } from "../src/matrix/registration.ts";
import { freePort } from "./free-port.ts";

// Each test starts the whole bridge, which takes seconds on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
let taken: Server;
let child: ChildProcess;
beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "trivium-start-"));
	taken = await server();
});
afterEach(() => {
	child?.kill("SIGKILL");
	taken.close();
	rmSync(folder, { recursive: true });
});

async function server(): Promise<Server> {
	const one = createServer().listen(0, "127.0.0.1");
	await once(one, "listening");
	return one;
}
const portOf = (one: Server) => (one.address() as { port: number }).port;

/** Nothing listens on port 1, so every connection fails. */
function configure(health = portOf(taken)): string {
	const file = join(folder, "config.yaml");
	writeFileSync(
		file,
		`matrix:
  homeserver: http://127.0.0.1:1
  domain: hs.test
  appservice: { listen: "127.0.0.1:0", url: "http://127.0.0.1:9993", registration: "${folder}/registration.yaml" }
xmpp: { component: bridge.xmpp.test, service: "xmpp://127.0.0.1:1", secret: s3cr3t }
health: { listen: "127.0.0.1:${health}" }
store: { directory: "${folder}/data" }
permissions: { "*": use }
`,
		{ mode: 0o600 },
	);
	return file;
}
function register(): void {
	const networks = ["xmpp", "mqtt"];
	const options = { url: "http://127.0.0.1:9993", domain: "hs.test", bot: "trivium", networks };
	writeFileSync(join(folder, "registration.yaml"), writeRegistration(options));
}

function run(file: string) {
	const started = spawn(process.execPath, ["src/main.ts", "run", "--config", file]);
	child = started;
	let [out, said] = ["", ""];
	started.stdout.on("data", (chunk) => {
		out += chunk;
	});
	started.stderr.on("data", (chunk) => {
		said += chunk;
	});
	const ended = once(started, "close").then(([code]) => ({ code, said }));
	return { ended, out: () => out };
}

describe("the start of the bridge", () => {
	test("ends without a registration, with one line", async () => {
		const { code, said } = await run(configure()).ended;
		expect(said.trimEnd().split("\n")).toEqual([
			`The registration ${folder}/registration.yaml cannot be read (ENOENT): ${folder}/registration.yaml is not there. If the homeserver has a copy of it, put that there, since it has the tokens. Else write it with “register”, and add it to the homeserver's configuration.`,
		]);
		expect(code).toBe(1);
	});

	test("names a port that is in use in one line, with the cure", async () => {
		register();
		const { code, said } = await run(configure()).ended;
		expect(said).toMatch(
			new RegExp(`^Another program listens on 127\\.0\\.0\\.1:${portOf(taken)}\\. Stop it, or .*\\n$`),
		);
		expect(code).toBe(1);
	});

	test("waits for an unreachable server with one short line per try, and can be stopped", async () => {
		register();
		const free = await freePort();
		const { ended, out } = run(configure(free));
		await expect.poll(out, { timeout: 30_000 }).toContain("ECONNREFUSED");
		const line =
			out()
				.split("\n")
				.find((one) => one.includes("ECONNREFUSED")) ?? "";
		expect(line.length).toBeLessThan(400);
		const [live, ready] = await Promise.all(
			["live", "ready"].map((path) => fetch(`http://127.0.0.1:${free}/${path}`)),
		);
		expect(live?.status).toBe(200);
		expect(ready?.status).toBe(503);
		expect(await ready?.json()).toMatchObject({
			matrix: { up: false, cause: expect.stringContaining("ECONNREFUSED") },
		});
		child.kill("SIGTERM");
		expect(await ended).toEqual({ code: 0, said: "" });
	});

	test("begins its log with version, Node, config and store, and ends it with the reason of the stop", async () => {
		register();
		const { ended, out } = run(configure(await freePort()));
		await expect.poll(out, { timeout: 30_000 }).toContain("ECONNREFUSED");
		child.kill("SIGINT");
		await ended;
		const log = out()
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line) as object);
		const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
		expect(log[0]).toMatchObject({
			msg: "starting",
			version,
			node: process.version,
			config: `${folder}/config.yaml`,
			store: `${folder}/data`,
		});
		expect(log.slice(-2)).toMatchObject([
			{ msg: "stopping", signal: "SIGINT" },
			{ msg: "stopped", signal: "SIGINT", ms: expect.any(Number) },
		]);
	});

	test("complaint returns the message of an expected error, and a programming error whole", () => {
		expect(complaint(new TemporaryError("no such server"))).toBe("no such server");
		expect(complaint(new Error("in use by process 7"))).toBe("in use by process 7");
		expect(complaint(new TypeError("x is not a function"))).toBeInstanceOf(TypeError);
	});

	test("the oldest supported Node is the same everywhere", () => {
		const { engines } = JSON.parse(readFileSync("package.json", "utf8")) as { engines: { node: string } };
		const least = engines.node.replace(/^>=(\d+\.\d+)\.0$/, "$1");
		expect(nodeTooOld("v1")).toContain(`Node ${least} or newer`);
		expect(readFileSync("README.md", "utf8")).toContain(`Node ${least} or newer`);
		expect(readFileSync("src/node-version.ts", "utf8")).toContain(`minor < ${least.split(".")[1]}`);
		expect(readFileSync("script/setup", "utf8")).toContain(`b >= ${least.split(".")[1]}`);
	});
});
