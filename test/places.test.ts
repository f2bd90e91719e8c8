import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

// Each test starts whole processes.
vi.setConfig({ testTimeout: 180_000 });

const program = resolve("src/main.ts");
let folder: string;
let home: string;
let away: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-places-"));
	home = join(folder, "home");
	away = join(folder, "away");
	for (const one of [home, join(home, "data"), away]) mkdirSync(one);
	configure("data", "data/registration.yaml");
});
afterEach(() => rmSync(folder, { recursive: true }));

function configure(directory: string, registration: string): void {
	writeFileSync(
		join(home, "data/config.yaml"),
		`matrix:
  homeserver: http://127.0.0.1:1
  domain: hs.test
  appservice: { listen: "127.0.0.1:0", url: "http://127.0.0.1:9993", registration: "${registration}" }
xmpp: { component: bridge.xmpp.test, service: "xmpp://127.0.0.1:1", secret: s3cr3t }
health: { listen: "localhost:0" }
store: { directory: "${directory}" }
permissions: { "*": use }
`,
		{ mode: 0o600 },
	);
}
/** Runs a command in another working directory than that of the bridge, unless `cwd` says otherwise. */
function run(args: readonly string[], cwd = away) {
	const command = [program, ...args, "--config", join(home, "data/config.yaml")];
	const { status, stdout, stderr } = spawnSync(process.execPath, command, {
		cwd,
		encoding: "utf8",
		timeout: 120_000,
	});
	return { code: status, said: `${stdout}${stderr}` };
}

describe("a command in another working directory than that of the bridge", () => {
	const moved = () =>
		`store.directory means ${away}/data here. No store is there, but one is at ${home}/data. Relative paths begin at the working directory, so run this in ${home}. If a new store is to begin at ${away}/data, write that whole path into store.directory.`;

	test.each([["run"], ["check"], ["register"], ["backup", "copy"]])(
		"%s stops, says where the store is, and makes no folder",
		(...args) => {
			writeFileSync(join(home, "data/journal.db"), "");
			const { code, said } = run(args);
			expect(said).toContain(moved());
			expect(said).not.toContain("component");
			expect(code).toBe(1);
			expect(readdirSync(away)).toEqual([]);
		},
	);

	test("an empty folder, as an older check left one, counts as no store", () => {
		mkdirSync(join(away, "data"));
		writeFileSync(join(home, "data/mapping.db"), "");
		expect(run(["run"]).said).toContain(moved());
	});

	test("register writes no new tokens where the bridge has a registration elsewhere", () => {
		writeFileSync(join(home, "data/registration.yaml"), "");
		const { code, said } = run(["register"]);
		expect(said).toContain(`No registration is there, but one is at ${home}/data/registration.yaml.`);
		expect(code).toBe(1);
		expect(readdirSync(away)).toEqual([]);
	});

	test("register works as before where no store and no registration are elsewhere", () => {
		expect(run(["register"])).toMatchObject({ code: 0 });
		expect(readdirSync(join(away, "data"))).toEqual(["registration.yaml"]);
	});

	test("whole paths are never doubted", () => {
		configure(join(away, "new"), join(away, "new/registration.yaml"));
		writeFileSync(join(home, "data/journal.db"), "");
		expect(run(["check"]).said).toContain(`✓ store: ${away}/new is not there yet: the first start makes it`);
	});
});

test("backup says that there is nothing to back up, and makes no store", () => {
	const { code, said } = run(["backup", "copy"], home);
	expect(said).toContain(`There is nothing to back up: ${home}/data holds no store.`);
	expect(code).toBe(1);
	expect(readdirSync(join(home, "data"))).toEqual(["config.yaml"]);
	expect(readdirSync(home)).toEqual(["data"]);
});

test("a reader that ends early, such as head, ends the program, which prints no error", () => {
	const script = `"$0" "$1" help | true; echo ${"$"}{PIPESTATUS[0]}`;
	const { stdout, stderr } = spawnSync("bash", ["-c", script, process.execPath, program], {
		encoding: "utf8",
	});
	expect({ stdout, stderr }).toEqual({ stdout: "141\n", stderr: "" });
});
