import { mkdtempSync, rmSync } from "node:fs";
import { connect, type NetConnectOpts, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { NetworkName } from "../../src/core/ids.ts";
import type { Log } from "../../src/core/log.ts";
import { control } from "../../src/http/control.ts";
import { health } from "../../src/http/health.ts";
import { publicListener } from "../../src/http/public.ts";
import { createAppservice } from "../../src/matrix/appservice.ts";
import { readRegistration, writeRegistration } from "../../src/matrix/registration.ts";
import { createMediaServer } from "../../src/media/serve.ts";
import { quiet } from "../fakes.ts";
import { freePort } from "../free-port.ts";

const registration = readRegistration(
	writeRegistration({ url: "http://127.0.0.1:1", domain: "hs.test", bot: "trivium", networks: ["xmpp"] }),
);
const bearer = `Authorization: Bearer ${registration.hs_token}`;

type Listening = Readonly<{ at: NetConnectOpts; close(): Promise<unknown> }>;
const folder = mkdtempSync(join(tmpdir(), "trivium-listeners-"));
const at = (port: number) => ({ host: "127.0.0.1", port });

/** Starts each listener as the bridge does. */
const listeners: Record<string, () => Promise<Listening>> = {
	async appservice() {
		const port = await freePort();
		const service = createAppservice(
			{ homeserver: "http://127.0.0.1:1", domain: "hs.test", listen: at(port), registration },
			{
				transaction: async () => undefined,
				user: async () => false,
				alias: async () => false,
				thirdParty: async () => [],
			},
			quiet,
		);
		await service.start();
		return { at: at(port), close: () => service.stop() };
	},
	async health() {
		const port = await freePort();
		const metrics = { text: async () => "figures", contentType: "text/plain" as never };
		const journal = { stats: async () => ({ waiting: 0, oldest: undefined, dead: 0, held: 0 }) };
		const one = await health(at(port), { networks: [], journal: journal as never, metrics }, quiet);
		return { at: at(port), close: one.close };
	},
	async media() {
		const links = { read: () => undefined, revoked: async () => false };
		const serve = createMediaServer(links, {
			open: () => Promise.reject(new Error("nothing is kept")),
			largest: 1,
			log: quiet,
		});
		const one = await publicListener(at(0), { "/media/": serve }, quiet);
		return { at: at(one.address.port), close: one.close };
	},
	async control() {
		const path = join(folder, "control.sock");
		const one = await control(
			path,
			{ backup: async () => undefined, check: async () => ({ config: "", networks: {} }) },
			quiet,
		);
		return { at: { path }, close: one.close };
	},
};

/** Raw bytes that are invalid or unusual HTTP. */
const requests: Record<string, string> = {
	"a target of two slashes": "GET // HTTP/1.1\r\nHost: x\r\n\r\n",
	"a target that is half a URL": "GET http://[ HTTP/1.1\r\nHost: x\r\n\r\n",
	"a target that is no path": "GET % HTTP/1.1\r\nHost: x\r\n\r\n",
	"an escape that is not UTF-8": "GET /media/%ff%00 HTTP/1.1\r\nHost: x\r\n\r\n",
	"a target in absolute form": "GET http://other.test//?access_token=%zz HTTP/1.1\r\nHost: x\r\n\r\n",
	"a broken query": "GET /?access_token=%&%=% HTTP/1.1\r\nHost: x\r\n\r\n",
	"no Host": "GET / HTTP/1.1\r\n\r\n",
	"a Host that is no name": "GET / HTTP/1.1\r\nHost: [::\x7f]:99999999\r\n\r\n",
	"headers of 100 kB": `GET / HTTP/1.1\r\nHost: x\r\nX: ${"x".repeat(100_000)}\r\n\r\n`,
	CONNECT: "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n",
	"an upgrade": "GET /media/x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
	"an expectation": "PUT / HTTP/1.1\r\nHost: x\r\nExpect: the moon\r\n\r\n",
	OPTIONS: "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	"no HTTP at all": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
	"HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	"two lengths": "POST /backup HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
	"an authorised target of two slashes": `GET // HTTP/1.1\r\nHost: x\r\n${bearer}\r\n\r\n`,
	"an authorised escape that is not UTF-8": `GET /users/%ff HTTP/1.1\r\nHost: x\r\n${bearer}\r\n\r\n`,
	"an authorised transaction of null": `PUT /transactions/1 HTTP/1.1\r\nHost: x\r\n${bearer}\r\nContent-Length: 4\r\n\r\nnull`,
};

/** Incomplete requests, after which the client closes the connection. */
const broken: Record<string, string> = {
	"half a request line": "GET /li",
	"half the headers": "GET / HTTP/1.1\r\nHost:",
	"half a body": `PUT /transactions/1 HTTP/1.1\r\nHost: x\r\n${bearer}\r\nContent-Length: 100\r\n\r\n{"ev`,
	"half a chunk": `PUT /transactions/1 HTTP/1.1\r\nHost: x\r\n${bearer}\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{`,
	"half a backup": "POST /backup HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
	"no wait for the answer": "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n",
};

const faults: unknown[] = [];
const fault = (error: unknown) => void faults.push(error);
const open = (where: NetConnectOpts): Promise<Socket> =>
	new Promise((resolve) => {
		const socket = connect(where, () => resolve(socket));
		socket.on("error", () => undefined);
	});

/** Resolves with the status of the answer; 0 if the server closes without one. */
async function status(where: NetConnectOpts, text: string): Promise<number> {
	const socket = await open(where);
	let answer = "";
	const { promise, resolve } = Promise.withResolvers<void>();
	socket.on("data", (chunk) => {
		answer += chunk;
		resolve();
	});
	socket.on("close", () => resolve());
	socket.write(text, "latin1");
	await promise;
	socket.destroy();
	return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 0);
}

beforeAll(() => {
	process.on("uncaughtException", fault);
	process.on("unhandledRejection", fault);
});
afterAll(() => {
	process.off("uncaughtException", fault);
	process.off("unhandledRejection", fault);
	rmSync(folder, { recursive: true });
});
afterEach(() => faults.splice(0));

describe.each(Object.entries(listeners))("the %s listener", (_name, start) => {
	let one: Listening;
	beforeAll(async () => {
		one = await start();
	});
	afterAll(() => one.close());

	test.each(Object.entries(requests))("refuses %s and lives on", async (_what, text) => {
		const refused = await status(one.at, text);
		expect(refusals).toContain(refused);
		expect(faults).toEqual([]);
		expect(await status(one.at, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")).toBeOneOf([403, 404]);
	});

	test.each(Object.entries(broken))(
		"lives on when a client closes the connection after %s",
		async (_what, text) => {
			const socket = await open(one.at);
			await new Promise<void>((resolve) => socket.write(text, () => resolve()));
			await sleep(20);
			// A Unix socket has no reset.
			if ("path" in one.at) socket.destroy();
			else socket.resetAndDestroy();
			await sleep(20);
			expect(faults).toEqual([]);
			expect(await status(one.at, "GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")).toBeOneOf([403, 404]);
		},
	);
});
const refusals = [400, 403, 404, 405, 417, 431];

describe("a handler that fails", () => {
	test.each<[string, () => Promise<void>]>([
		[
			"throws",
			() => {
				throw new TypeError("of our own");
			},
		],
		["rejects", () => Promise.reject(new TypeError("of our own"))],
	])("answers 500 where it %s, and the fault is logged", async (_how, serve) => {
		const lines: object[] = [];
		const log: Log = { ...quiet, error: (fields) => void lines.push(fields) };
		const one = await publicListener(at(0), { "/media/": serve }, log);
		expect(await status(at(one.address.port), "GET /media/x HTTP/1.1\r\nHost: x\r\n\r\n")).toBe(500);
		expect(lines).toMatchObject([{ entry: "HTTP media", err: new TypeError("of our own") }]);
		expect(faults).toEqual([]);
		await one.close();
	});
	test("answers 500 when a network's status throws", async () => {
		const status_ = () => {
			throw new TypeError("of our own");
		};
		const port = await freePort();
		const metrics = { text: async () => "", contentType: "" as never };
		const journal = { stats: async () => ({ waiting: 0, oldest: undefined, dead: 0, held: 0 }) };
		const networks = [{ name: "one" as NetworkName, status: status_ }];
		const one = await health(at(port), { networks, journal: journal as never, metrics }, quiet);
		expect(await status(at(port), "GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")).toBe(500);
		expect(faults).toEqual([]);
		await one.close();
	});
});

describe("the appservice", () => {
	test("gives up a transaction whose connection breaks, and can be stopped", async () => {
		const port = await freePort();
		let taken = 0;
		const lines: string[] = [];
		const log: Log = { ...quiet, warn: (_fields, message) => void lines.push(message) };
		const service = createAppservice(
			{ homeserver: "http://127.0.0.1:1", domain: "hs.test", listen: at(port), registration },
			{
				transaction: async () => void taken++,
				user: async () => false,
				alias: async () => false,
				thirdParty: async () => [],
			},
			log,
		);
		await service.start();
		const socket = await open(at(port));
		socket.write(broken["half a body"] as string);
		await sleep(50);
		socket.resetAndDestroy();
		await expect.poll(() => lines).toContain("the homeserver's connection broke during a transaction");
		expect(taken).toBe(0);
		await service.stop();
	});
});
