import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { writeBackup } from "../src/backup.ts";
import { loadConfig } from "../src/config.ts";
import type { BridgeEvent } from "../src/core/event.ts";
import type { LinkId, OperationId, PortalId, TraceId } from "../src/core/ids.ts";
import { writeRegistration } from "../src/matrix/registration.ts";
import { createNedbMapping } from "../src/store/nedb.ts";
import { createSqliteJournal } from "../src/store/sqlite.ts";
import { eventually } from "./eventually.ts";
import { quiet } from "./fakes.ts";
import { freePort } from "./free-port.ts";

// Each test starts and ends whole processes.
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
let children: ReturnType<typeof spawn>[];
const at = (name: string) => join(folder, name);

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "trivium-"));
	children = [];
	const options = {
		url: "http://127.0.0.1:9993",
		domain: "hs.test",
		bot: "trivium",
		networks: ["xmpp", "mqtt"],
	};
	writeFileSync(at("registration.yaml"), writeRegistration(options), { mode: 0o600 });
	await configure("config.yaml");
});
afterEach(async () => {
	for (const child of children) child.kill("SIGKILL");
	rmSync(folder, { recursive: true });
});

/** Nothing listens on port 1, so the bridge waits for its servers with its stores open. */
async function configure(name: string, data = "data", registration = "registration.yaml"): Promise<void> {
	writeFileSync(
		at(name),
		`matrix:
  homeserver: http://127.0.0.1:1
  domain: hs.test
  appservice: { listen: "127.0.0.1:0", url: "http://127.0.0.1:9993", registration: "${at(registration)}" }
xmpp: { component: bridge.xmpp.test, service: "xmpp://127.0.0.1:1", secret: s3cr3t }
health: { listen: "127.0.0.1:${await freePort()}" }
store: { directory: "${at(data)}" }
permissions: { "*": use }
`,
		{ mode: 0o600 },
	);
}

function run(config = "config.yaml") {
	const child = spawn(process.execPath, ["src/main.ts", "run", "--config", at(config)]);
	children.push(child);
	let [out, said] = ["", ""];
	child.stdout.on("data", (chunk) => {
		out += chunk;
	});
	child.stderr.on("data", (chunk) => {
		said += chunk;
	});
	const ended = once(child, "close").then(([code]) => ({ code, out, said }));
	return { child, ended, waits: () => eventually(() => expect(out).toContain("ECONNREFUSED")) };
}
function verb(...args: string[]): { code: number; said: string } {
	try {
		const said = execFileSync(process.execPath, ["src/main.ts", ...args], {
			encoding: "utf8",
			stdio: "pipe",
		});
		return { code: 0, said };
	} catch (error) {
		const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
		return { code: status, said: stdout + stderr };
	}
}
const end = async (one: ReturnType<typeof run>) => {
	one.child.kill("SIGTERM");
	return (await one.ended).code;
};

describe("a store that cannot be used", () => {
	test("ends a second bridge on the same store with one line", async () => {
		const first = run();
		await first.waits();
		await configure("second.yaml");
		const { code, said } = await run("second.yaml").ended;
		expect(said.trim()).toBe(
			`The journal ${at("data/journal.db")} cannot be used: another process uses it: stop that one first.`,
		);
		expect(code).toBe(1);
		expect(await end(first)).toBe(0);
	});

	test("ends a bridge with other domains than the store's, with one line that names the cure", async () => {
		const first = run();
		await first.waits();
		await end(first);
		const config = readFileSync(at("config.yaml"), "utf8");
		writeFileSync(at("config.yaml"), config.replace("domain: hs.test", "domain: other.test"), {
			mode: 0o600,
		});
		const { code, said } = await run().ended;
		expect(said.trim()).toBe(
			"This store was made for matrix.domain hs.test, matrix.bot trivium and xmpp.component bridge.xmpp.test. " +
				"Set them back. A bridge with other domains needs a store.directory of its own, and begins anew there.",
		);
		expect(code).toBe(1);
	});

	test.each([
		["journal", "is damaged: restore a backup|is no journal: restore a backup"],
		["mapping", "cannot be used"],
	])("ends a bridge with a damaged %s with one line, and leaves the file as it is", async (name, why) => {
		const first = run();
		await first.waits();
		await end(first);
		const file = at(`data/${name}.db`);
		const bytes = readFileSync(file);
		bytes.fill(0x5a, 0, 64);
		writeFileSync(file, bytes);
		const { code, said } = await run().ended;
		expect(said.trim().split("\n")).toHaveLength(1);
		expect(said).toMatch(new RegExp(why));
		expect(code).toBe(1);
		expect(readFileSync(file)).toEqual(bytes);
	});
});

test("a start deletes dead letters older than 30 days, however soon the bridge is stopped again", async () => {
	const journal = () => createSqliteJournal({ file: at("data/journal.db"), onFailure: () => undefined });
	const day = 24 * 60 * 60_000;
	const [portal, link] = ["p" as PortalId, "l" as LinkId];
	mkdirSync(at("data"));
	const before = journal();
	await before.open();
	for (const days of [31, 1]) {
		vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - days * day });
		const event = { kind: "message", id: `${days}`, room: "r", sender: { network: "n" } } as BridgeEvent;
		const [operation, trace] = [`${days} days` as OperationId, "t" as TraceId];
		const rows = [{ operation, trace, lane: { portal, link }, event }];
		for (const row of await before.accept([{ key: `${days}`, rows }])) await before.refuse(row, "no");
		vi.useRealTimers();
	}
	await before.close();
	const bridge = run();
	await bridge.waits();
	expect(await end(bridge)).toBe(0);
	const after = journal();
	await after.open();
	expect((await after.dead(10)).map(({ operation }) => operation)).toEqual(["1 days"]);
	await after.close();
});

describe("a backup", () => {
	/** Saves a setting that the backup has to hold. */
	async function note(value: string): Promise<void> {
		const mapping = createNedbMapping({
			file: at("data/mapping.db"),
			log: quiet,
			onFailure: () => undefined,
		});
		await mapping.open();
		await mapping.saveSetting("note", value);
		await mapping.close();
	}
	async function noted(data: string): Promise<string | undefined> {
		const mapping = createNedbMapping({
			file: at(`${data}/mapping.db`),
			log: quiet,
			onFailure: () => undefined,
		});
		await mapping.open();
		const value = await mapping.setting("note");
		await mapping.close();
		return value;
	}

	test.each(["running", "stopped"])(
		"of a %s bridge holds both stores, registration and config, is readable by its owner alone, and can be restored",
		async (state) => {
			await note("kept");
			const bridge = state === "running" ? run() : undefined;
			await bridge?.waits();
			if (bridge) expect(statSync(at("data/control.sock")).mode & 0o077).toBe(0);
			const { code, said } = verb("backup", at("copy"), "--config", at("config.yaml"));
			expect(said).toContain(`Wrote ${at("copy")}`);
			expect(code).toBe(0);
			expect(readdirSync(at("copy")).sort()).toEqual(
				["config.yaml", "journal.db", "mapping.db", "registration.yaml"].sort(),
			);
			expect(statSync(at("copy")).mode & 0o077).toBe(0);
			for (const file of readdirSync(at("copy"))) expect(statSync(at(`copy/${file}`)).mode & 0o077).toBe(0);
			if (bridge) expect(await end(bridge)).toBe(0);

			await configure("other.yaml", "other", "other-registration.yaml");
			expect(verb("restore", at("copy"), "--config", at("other.yaml"))).toMatchObject({ code: 0 });
			expect(await noted("other")).toBe("kept");
			expect(readFileSync(at("other-registration.yaml"))).toEqual(readFileSync(at("registration.yaml")));
			const restored = run("other.yaml");
			await restored.waits();
			expect(await end(restored)).toBe(0);
		},
	);

	test("restores its config on a machine without one", async () => {
		const bridge = run();
		await bridge.waits();
		verb("backup", at("copy"), "--config", at("config.yaml"));
		await end(bridge);
		const config = readFileSync(at("config.yaml"));
		for (const name of ["data", "registration.yaml", "config.yaml"]) renameSync(at(name), at(`old-${name}`));
		const { code, said } = verb("restore", at("copy"), "--config", at("config.yaml"));
		expect(said).toContain(at("config.yaml"));
		expect(code).toBe(0);
		expect(readFileSync(at("config.yaml"))).toEqual(config);
		expect(existsSync(at("data/journal.db"))).toBe(true);
	});

	test("overwrites no existing file, when written or restored", async () => {
		const bridge = run();
		await bridge.waits();
		verb("backup", at("copy"), "--config", at("config.yaml"));
		const before = statSync(at("copy/journal.db")).mtimeMs;
		expect(verb("backup", at("copy"), "--config", at("config.yaml"))).toMatchObject({
			code: 1,
			said: expect.stringContaining("EEXIST"),
		});
		expect(statSync(at("copy/journal.db")).mtimeMs).toBe(before);
		await end(bridge);
		const mapping = readFileSync(at("data/mapping.db"));
		expect(verb("restore", at("copy"), "--config", at("config.yaml"))).toMatchObject({
			code: 1,
			said: expect.stringContaining("Nothing was restored"),
		});
		expect(readFileSync(at("data/mapping.db"))).toEqual(mapping);
	});

	test("is not restored beside the -wal file of another journal, which SQLite would read as its newest part", async () => {
		const bridge = run();
		await bridge.waits();
		verb("backup", at("copy"), "--config", at("config.yaml"));
		await end(bridge);
		for (const name of ["data", "registration.yaml"]) rmSync(at(name), { recursive: true });
		mkdirSync(at("data"));
		writeFileSync(at("data/journal.db-wal"), "left");
		expect(verb("restore", at("copy"), "--config", at("config.yaml"))).toMatchObject({
			code: 1,
			said: expect.stringContaining("journal.db-wal"),
		});
		expect(readdirSync(at("data"))).toEqual(["journal.db-wal"]);
	});

	test("copies the journal first, so that the mapping knows the portal of every waiting row", async () => {
		const order: string[] = [];
		const store = (name: string) => ({ backup: async () => void order.push(name) });
		const stores = { journal: store("journal"), mapping: store("mapping") } as never;
		const from = { config: loadConfig(at("config.yaml")), file: at("config.yaml") };
		await writeBackup(stores, from, at("copy"));
		expect(order).toEqual(["journal", "mapping"]);
	});

	test("is not restored when a file of it is missing", async () => {
		expect(verb("restore", at("nowhere"), "--config", at("config.yaml"))).toMatchObject({
			code: 1,
			said: expect.stringContaining("is not a backup"),
		});
		expect(existsSync(at("data/journal.db"))).toBe(false);
	});

	test("needs the name of a folder", () => {
		expect(verb("backup", "--config", at("config.yaml")).code).toBe(2);
		expect(verb("restore", "a", "b").code).toBe(2);
	});

	test("leaves no folder behind when it fails, and the bridge goes on", async () => {
		const bridge = run();
		await bridge.waits();
		rmSync(at("registration.yaml"));
		expect(verb("backup", at("copy"), "--config", at("config.yaml"))).toMatchObject({
			code: 1,
			said: expect.stringContaining("ENOENT"),
		});
		expect(existsSync(at("copy"))).toBe(false);
		expect(await end(bridge)).toBe(0);
	});
});
