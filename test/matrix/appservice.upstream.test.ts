import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import "../../src/matrix/appservice.ts";

// The faults of matrix-appservice-bridge 11.2.0 and matrix-appservice 3.0.0 that src/matrix/appservice.ts works around. A
// failing test says that upstream has fixed one: remove the workaround.

const { AppService, AppServiceRegistration, Bridge, Intent } = await import("matrix-appservice-bridge");
const require = createRequire(import.meta.url);

type Service = InstanceType<typeof AppService>;
const token = "hs";
let service: Service;
let url: string;
beforeEach(async () => {
	service = new AppService({ homeserverToken: token });
	await service.listen(0, "127.0.0.1", 10);
	const { server } = service as unknown as { server: { address(): AddressInfo } };
	url = `http://127.0.0.1:${server.address().port}`;
});
afterEach(() => service.close());

const ask = (method: string, path: string, body?: object) =>
	fetch(url + path, {
		method,
		headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
		...(body && { body: JSON.stringify(body) }),
	});
const put = (body: object, txn = "1") => ask("PUT", `/_matrix/app/v1/transactions/${txn}`, body);

describe("matrix-appservice-bridge", () => {
	test("cannot be imported without a native binary that its install step downloads", () => {
		// A process without the hooks of appservice.ts, in which the binary is missing.
		const absent = `require("node:module").registerHooks({ resolve(name, context, next) {
			if (/crypto.*\\.node$|crypto-nodejs-\\w+-\\w+/.test(name)) throw new Error("no binary");
			return next(name, context);
		} }); require("matrix-appservice-bridge")`;
		expect(() => execFileSync(process.execPath, ["-e", absent], { stdio: "pipe" })).toThrow(/no binary/);
	});
	test.each(["@matrix-org/matrix-sdk-crypto-nodejs", "request", "sanitize-html", "html-to-text"])(
		"gets an empty module in place of %s, installed or not",
		(unused) => {
			const engine = createRequire(require.resolve("@vector-im/matrix-bot-sdk/lib/index.js"));
			expect(engine(unused)).toEqual({});
		},
	);
	test("opens stores of its own by default", () => {
		const registration = AppServiceRegistration.fromObject({
			id: "x",
			url: "http://x",
			as_token: "a",
			hs_token: "h",
			sender_localpart: "b",
			namespaces: {},
		});
		const controller = { onEvent: () => undefined };
		const bridge = new Bridge({
			homeserverUrl: "http://x",
			domain: "x",
			registration: registration as never,
			controller,
		});
		expect(bridge.opts.disableStores).toBe(false);
	});
	test("has stores that fail on this version of Node", () => {
		expect(require("matrix-appservice-bridge/package.json").peerDependencies?.nedb).toMatch(/^\^?1\./);
		expect(require("node:util").isDate).toBeUndefined();
	});
	test("retries with a new transaction id after a network error, and raises the power levels of ghosts", () => {
		const source =
			String(Intent.prototype.sendEvent) +
			readFileSync(require.resolve("matrix-appservice-bridge/lib/components/intent.js"), "utf8");
		expect(source).toContain("_joinGuard");
		expect(source).toContain("_ensureHasPowerLevelFor");
	});
	test("drops receive_ephemeral from the registration", () => {
		const read = AppServiceRegistration.fromObject({
			id: "x",
			url: "http://x",
			as_token: "a",
			hs_token: "h",
			sender_localpart: "b",
			namespaces: {},
			receive_ephemeral: true,
		} as never);
		expect(read?.getOutput()).not.toHaveProperty("receive_ephemeral");
	});
});

describe("matrix-appservice", () => {
	test("acknowledges a transaction before its listeners are done", async () => {
		let done = false;
		service.on("event", async () => {
			await new Promise((resolve) => setTimeout(resolve, 300));
			done = true;
		});
		expect((await put({ events: [{}] })).status).toBe(200);
		expect(done).toBe(false);
	});
	test("remembers only the last transaction id", async () => {
		let count = 0;
		service.on("event", () => count++);
		for (const txn of ["1", "2", "1"]) await put({ events: [{}] }, txn);
		expect(count).toBe(3);
	});
	test("ignores ephemeral events under the specification's name", async () => {
		let seen = 0;
		service.on("ephemeral", () => seen++);
		await put({ events: [], ephemeral: [{ type: "m.typing" }] });
		expect(seen).toBe(0);
	});
	test("answers a ping with an HTML page for 404", async () => {
		const answer = await ask("POST", "/_matrix/app/v1/ping", {});
		expect([answer.status, answer.headers.get("content-type")]).toEqual([404, expect.stringMatching(/html/)]);
	});
	test("answers 200 for an alias that does not exist", async () => {
		service.onAliasQuery = () => Promise.reject(new Error("no"));
		expect((await ask("GET", "/_matrix/app/v1/rooms/x")).status).toBe(200);
	});
	test("refuses transactions of more than 5 MB", async () => {
		expect((await put({ events: [{ body: "x".repeat(5_200_000) }] })).status).toBe(413);
	});
	test("compares tokens in variable time, and after it has read the body", () => {
		const { isInvalidToken } = AppService.prototype as unknown as { isInvalidToken: unknown };
		expect(String(isInvalidToken)).toMatch(/providedToken !== this\.config\.homeserverToken/);
	});
	test("acknowledges a body that is no transaction", async () => {
		expect((await put({})).status).toBe(200);
	});
});
