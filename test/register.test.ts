import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../src/config.ts";
import { loadConfig } from "../src/config.ts";
import { readRegistration } from "../src/matrix/registration.ts";
import { register } from "../src/register.ts";

let folder: string;
let file: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-register-"));
	file = join(folder, "sub", "registration.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

const example = loadConfig("config/example.yaml", { XMPP_SECRET: "s3cr3t", MQTT_PASSWORD: "x" });
const configured = (over: Partial<Config["matrix"]> = {}): Config => ({
	...example,
	matrix: { ...example.matrix, ...over, appservice: { ...example.matrix.appservice, registration: file } },
});
async function run(config = configured()) {
	const lines: string[] = [];
	const good = await register(config, "config.yaml", (line) => void lines.push(line));
	return { good, said: lines.join("\n") };
}
const read = () => readRegistration(readFileSync(file, "utf8"));

describe("register", () => {
	test("writes the registration for its owner alone, and prints the lines to add to each server", async () => {
		const { good, said } = await run();
		expect(good).toBe(true);
		expect(statSync(file).mode & 0o777).toBe(0o600);
		expect(read().namespaces.users.map(({ regex }) => regex)).toEqual([
			"^@_xmpp_.*:example\\.org$",
			"^@_mqtt_.*:example\\.org$",
		]);
		for (const part of [
			"with new tokens",
			"app_service_config_files",
			'Component "bridge.example.org"',
			"kick_old",
			"ejabberd_service",
		])
			expect(said).toContain(part);
		for (const secret of ["s3cr3t", read().as_token, read().hs_token]) expect(said).not.toContain(secret);
	});

	test("keeps an existing registration on a second run", async () => {
		await run();
		const before = readFileSync(file, "utf8");
		expect((await run()).said).toContain("kept as it is");
		expect(readFileSync(file, "utf8")).toBe(before);
	});

	test("keeps the tokens and the id after a change of the config", async () => {
		await run();
		writeFileSync(file, readFileSync(file, "utf8").replace("id: trivium", "id: of our own"));
		const { as_token, hs_token } = read();
		const { said } = await run(configured({ bot: "bridge" }));
		expect(said).toContain("the bot is trivium in the registration but bridge in the config");
		expect(read()).toMatchObject({ id: "of our own", as_token, hs_token, sender_localpart: "bridge" });
	});

	test("leaves an invalid registration as it is, and prints the cure", async () => {
		await run();
		writeFileSync(file, "as_token: [");
		const { good, said } = await run();
		expect(good).toBe(false);
		expect(said).toContain("move this file away");
		expect(readFileSync(file, "utf8")).toBe("as_token: [");
	});

	test("refuses the example registration of the repository", () => {
		expect(() => readRegistration(readFileSync("registration.yaml", "utf8"))).toThrow(
			/is the example.*register/,
		);
	});
});
