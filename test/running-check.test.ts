import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Config } from "../src/config.ts";
import { fails, works } from "../src/core/check-result.ts";
import type { Network } from "../src/core/network.ts";
import { askForCheck, control } from "../src/http/control.ts";
import { checkRunning, fingerprintOf } from "../src/running-check.ts";
import { quiet } from "./fakes.ts";

const config = { xmpp: { component: "bridge.test" } } as unknown as Config;

test("a running bridge answers `check` over its socket with the results or the status of each network", async () => {
	const networks = [
		{ name: "one", title: "One", check: async () => [works("path"), fails("rooms", "closed")] },
		{ name: "two", title: "Two", status: () => ({ up: false, cause: "refused" }) },
		{ name: "three", title: "Three" },
	] as unknown as Network[];
	const folder = mkdtempSync(join(tmpdir(), "trivium-control-"));
	const socket = join(folder, "control.sock");
	const requests = { backup: async () => undefined, check: () => checkRunning(config, networks) };
	const listener = await control(socket, requests, quiet);
	const answer = await askForCheck(socket);
	await listener.close();
	expect(answer).toEqual({
		config: fingerprintOf(config),
		networks: {
			one: [
				{ ok: true, what: "path" },
				{ ok: false, what: "rooms", detail: "closed" },
			],
			two: [{ ok: false, what: "Two", detail: "refused" }],
			three: [{ ok: true, what: "Three" }],
		},
	});
	expect(await askForCheck(socket)).toBeUndefined();
	rmSync(folder, { recursive: true });
});

test("gives a bridge up that does not answer `check`, and one that answers with nonsense", async () => {
	const folder = mkdtempSync(join(tmpdir(), "trivium-control-"));
	const ends = [
		() => undefined,
		(socket: Socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{no"),
	];
	for (const [index, answer] of ends.entries()) {
		const path = join(folder, `${index}.sock`);
		const server = createServer((socket) =>
			socket.on("error", () => undefined).once("data", () => answer(socket)),
		);
		await once(server.listen(path), "listening");
		await expect(askForCheck(path, 50)).rejects.toThrow(index === 0 ? "no answer in time" : "JSON");
		server.close();
	}
	rmSync(folder, { recursive: true });
});

test("two configs have the same fingerprint only if they are the same", () => {
	expect(fingerprintOf({ ...config })).toBe(fingerprintOf(config));
	expect(fingerprintOf({ ...config, log: { level: "debug" } })).not.toBe(fingerprintOf(config));
});
