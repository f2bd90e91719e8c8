import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readCommandLine, usage } from "../src/command-line.ts";

vi.setConfig({ testTimeout: 180_000 });

const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-command-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Runs the program to its end. */
function program(...args: string[]): Promise<{ code: number; out: string; said: string }> {
	return new Promise((resolve) => {
		const child = execFile(process.execPath, ["src/main.ts", ...args], (_, out, said) =>
			resolve({ code: child.exitCode ?? -1, out, said }),
		);
	});
}

describe("the command line", () => {
	test.each([
		[["version"], { command: "version" }],
		[["--version"], { command: "version" }],
		[["run", "--version"], { command: "version" }],
		[["help"], { command: "help" }],
		[["-h"], { command: "help" }],
		[["check", "--help"], { command: "help" }],
		[["run"], { command: "run", file: "data/config.yaml" }],
		[["check", "--config", "x.yaml"], { command: "check", file: "x.yaml", json: false }],
		[["--json", "check"], { command: "check", json: true }],
		[["backup", "there"], { command: "backup", folder: "there" }],
		[["restore", "there"], { command: "restore", folder: "there" }],
	])("%j is understood", (args, means) => expect(readCommandLine(args)).toMatchObject(means));

	test.each([
		[[], "Which command?"],
		[["frobnicate"], "There is no command “frobnicate”."],
		[["constructor"], "There is no command “constructor”."],
		[["backup"], "“backup” needs the name of a folder: backup FOLDER"],
		[["restore", "--config", "x.yaml"], "“restore” needs the name of a folder"],
		[["backup", "a", "b"], "“backup” does not take “b”."],
		[["run", "now"], "“run” does not take “now”."],
		[["version", "1"], "“version” does not take “1”."],
		[["run", "--json"], "“run” has no --json"],
		[["run", "--frobnicate"], "Unknown option '--frobnicate'"],
		[["run", "--config"], "--config"],
	])("%j is refused, and the reason is named", (args, why) => expect(readCommandLine(args)).toContain(why));

	test("a mistake is answered with its reason and the usage on standard error, exit code 2", async () => {
		const { code, out, said } = await program("frobnicate");
		expect({ code, out }).toEqual({ code: 2, out: "" });
		expect(said).toBe(`There is no command “frobnicate”.\n\n${usage}\n`);
	});

	test.each([["version"], ["--version"]])("%s prints the version of package.json", async (word) =>
		expect(await program(word)).toEqual({ code: 0, out: `${version}\n`, said: "" }),
	);
});

test("check prints each mistake of the config as a ✗", async () => {
	const file = join(folder, "config.yaml");
	expect(await program("check", "--config", file)).toMatchObject({
		code: 1,
		out: expect.stringMatching(/^✗ config: The config .* is not there\. .*\n$/),
		said: "",
	});
	writeFileSync(file, "matrix: {}\nxmpp: {}\n", { mode: 0o600 });
	const { code, out } = await program("check", "--config", file);
	expect(code).toBe(1);
	expect(out.trim().split("\n").length).toBeGreaterThan(3);
	for (const line of out.trim().split("\n")) expect(line).toMatch(/^✗ config: /);
});

describe("check --json", () => {
	/** Nothing listens on port 1. */
	const config = () => `matrix:
  homeserver: http://127.0.0.1:1
  domain: hs.test
  appservice: { listen: "127.0.0.1:0", url: "http://127.0.0.1:9993", registration: "${folder}/registration.yaml" }
xmpp: { component: bridge.xmpp.test, service: "xmpp://127.0.0.1:1", secret: s3cr3t }
health: { listen: "localhost:0" }
store: { directory: "${folder}/data" }
permissions: { "*": use }
`;
	async function checked(text: string) {
		const file = join(folder, "config.yaml");
		writeFileSync(file, text, { mode: 0o600 });
		const { code, out, said } = await program("check", "--json", "--config", file);
		expect(said).toBe("");
		expect(out.trim().split("\n")).toHaveLength(1);
		return { code, answer: JSON.parse(out) as { ok: boolean; checks: object[] } };
	}

	test("prints one object: whether all is well, and the result of each part with its detail", async () => {
		const { code, answer } = await checked(config());
		expect(code).toBe(1);
		expect(answer.ok).toBe(false);
		expect(answer.checks[0]).toEqual({ what: "config", result: "works", detail: `${folder}/config.yaml` });
		expect(answer.checks).toContainEqual({
			what: "homeserver",
			result: "fails",
			detail: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1 cannot be reached: /),
		});
	});

	test("reports a mistake in the config as a result", async () => {
		const { code, answer } = await checked(config().replace("component:", "komponent:"));
		expect(code).toBe(1);
		expect(answer).toEqual({
			ok: false,
			checks: [
				{ what: "config", result: "fails", detail: expect.stringContaining("unknown key “komponent”") },
			],
		});
		expect(existsSync(join(folder, "data"))).toBe(false);
	});
});
