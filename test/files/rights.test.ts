import { execFileSync, spawnSync } from "node:child_process";
import {
	chmodSync,
	chownSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { backup } from "../../src/backup.ts";
import { loadConfig } from "../../src/config.ts";
import { writeRegistration } from "../../src/matrix/registration.ts";
import { register } from "../../src/register.ts";
import { makeStore } from "../../src/store/check.ts";

// Each test starts and ends whole processes.
vi.setConfig({ testTimeout: 180_000 });

/** Users of every Debian machine: the one that the bridge runs as, and another one. */
const [nobody, daemon] = [65_534, 1] as const;
const as = (uid: number) => [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", "--"];
const reads = spawnSync("setpriv", [...as(nobody), "test", "-r", "src/main.ts"]).status === 0;

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-rights-"));
	chmodSync(folder, 0o755);
	mkdirSync(at("data"), { mode: 0o700 });
	const networks = ["xmpp", "mqtt"];
	const options = { url: "http://127.0.0.1:9993", domain: "hs.test", bot: "trivium", networks };
	writeFileSync(at("data/registration.yaml"), writeRegistration(options), { mode: 0o600 });
	configure();
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Writes the config, and gives the data folder with all in it to the bridge's user. */
function configure({ directory = at("data"), secret = "secret: s3cr3t" } = {}): void {
	writeFileSync(
		at("data/config.yaml"),
		`matrix:
  homeserver: http://127.0.0.1:1
  domain: hs.test
  appservice: { listen: "127.0.0.1:0", url: "http://127.0.0.1:9993", registration: "${at("data/registration.yaml")}" }
xmpp: { component: bridge.xmpp.test, service: "xmpp://127.0.0.1:1", ${secret} }
health: { listen: "localhost:0" }
store: { directory: "${directory}" }
permissions: { "*": use }
`,
		{ mode: 0o600 },
	);
	execFileSync("chown", ["-R", String(nobody), at("data")]);
}

/** Runs a command of the bridge to its end, as a user. */
function program(uid: number, ...args: string[]): { code: number | null; said: string } {
	const command = [process.execPath, "src/main.ts", ...args, "--config", at("data/config.yaml")];
	const { status, stdout, stderr } = spawnSync("setpriv", [...as(uid), ...command], { encoding: "utf8" });
	return { code: status, said: `${stdout}${stderr}`.trim() };
}
/** Uses files as the bridge does, as a user. Returns “done”, or what an admin would read. */
function use(uid: number, what: string, ...more: string[]): string {
	const command = [process.execPath, "test/files/use.ts", at("data/config.yaml"), what, ...more];
	return execFileSync("setpriv", [...as(uid), ...command], { encoding: "utf8" }).trim();
}
/** Runs the cure that an error message names, as root, and returns the command. */
function mend(said: string): string {
	const [, command = ""] = /Run(?: as root)?: (.*?)(?: \(or keep .*)?\.$/m.exec(said) ?? [];
	expect(command, said).not.toBe("");
	execFileSync("sh", ["-ec", command]);
	return command;
}

describe.runIf(process.getuid?.() === 0 && reads)("a file with the wrong rights", () => {
	test.each([
		["config", "The config", "config.yaml"],
		["registration", "The registration", "registration.yaml"],
	])("a %s that root made is named with user, rights and the command that mends it", (what, title, name) => {
		const file = at(`data/${name}`);
		chownSync(file, 0, 0);
		const before = readFileSync(file, "utf8");
		const said = use(nobody, what);
		expect(said).toBe(
			`${title} ${file} cannot be read (EACCES): ${file} belongs to root with mode 600, and the process runs as nobody, who needs the right to read it. Run as root: chown nobody ${file}.`,
		);
		mend(said);
		expect(use(nobody, what)).toBe("done");
		expect(readFileSync(file, "utf8")).toBe(before);
	});

	test("of a registration is never answered with a new one, by check, run or register", () => {
		chownSync(at("data/registration.yaml"), 0, 0);
		for (const verb of ["check", "run", "register"]) {
			const { code, said } = program(nobody, verb);
			const [line = ""] = said.split("\n").filter((one) => /^(✗ registration: )?The registration/.test(one));
			expect(line).toMatch(/ belongs to root with mode 600, .* Run as root: chown (-R )?nobody /);
			expect(line).not.toMatch(/“register”|`register`/);
			expect(code).toBe(1);
		}
	});

	test.each([
		["journal", "journal.db"],
		["journal's log", "journal.db-wal"],
		["mapping", "mapping.db"],
		["mapping's lock", "mapping.db.lock"],
		["quarantine", "handling"],
	])("that root made, the %s, stops the start, and one command mends it", (_, name) => {
		const file = at(`data/${name}`);
		expect(use(nobody, "stores")).toBe("done");
		if (!existsSync(file)) writeFileSync(file, "1 1", { mode: 0o600 });
		chownSync(file, 0, 0);
		chmodSync(file, 0o600);
		const said = use(nobody, "stores");
		expect(said.split("\n")).toHaveLength(1);
		expect(said).toMatch(/^The (journal|mapping|quarantine) .* belongs to root with mode 600, .*nobody/);
		expect(mend(said)).toBe(`chown -R nobody ${at("data")}`);
		expect(use(nobody, "stores")).toBe("done");
	});

	test("a folder of the stores that root made is named by check and run, and one command mends it", () => {
		configure({ directory: at("store") });
		mkdirSync(at("store"), { mode: 0o755 });
		const belongs = "cannot be used \\(EACCES\\): .*/store belongs to root with mode 755";
		expect(program(nobody, "check").said).toMatch(new RegExp(`✗ store: The store .*/store ${belongs}`));
		const { code, said } = program(nobody, "run");
		expect(said).toMatch(new RegExp(`^The journal .* ${belongs}`, "m"));
		expect(code).toBe(1);
		expect(mend(said)).toBe(`chown -R nobody ${at("store")}`);
		expect(use(nobody, "stores")).toBe("done");
	});

	test("a folder of the stores that cannot be made is made by the named command, which changes no other", () => {
		configure({ directory: at("store") });
		const said = use(nobody, "stores");
		expect(said).toMatch(/^The store .*\/store cannot be made \(EACCES\): /);
		expect(mend(said)).toBe(`install -d -o nobody -m 700 ${at("store")}`);
		expect(use(nobody, "stores")).toBe("done");
		expect(statSync(folder).uid).toBe(0);
	});

	test("files of the bridge's own user are for that user to mend, or to run the bridge", () => {
		chmodSync(at("data/config.yaml"), 0o000);
		expect(mend(use(nobody, "config"))).toBe(`chmod u+r ${at("data/config.yaml")}`);
		expect(use(daemon, "config")).toMatch(
			/belongs to nobody with mode 700, and the process runs as daemon, .* Run the bridge and its commands as nobody \(runuser -u nobody -- …\), or /,
		);
	});

	test("in a container the folder outside is what has to be mended", () => {
		execFileSync("chown", ["-R", "0", at("data")]);
		vi.stubEnv("container", "oci");
		const said = use(nobody, "config");
		vi.unstubAllEnvs();
		expect(said).toContain(
			`Run on the host, for the folder that is mounted at ${at("data")}: chown -R 65534:65534 FOLDER (with rootless Podman: podman unshare chown -R 65534:65534 FOLDER).`,
		);
	});

	test("of another program, such as a secret, stays with its owner", () => {
		writeFileSync(at("secret"), "s3cr3t\n", { mode: 0o600 });
		chownSync(at("secret"), daemon, daemon);
		configure({ secret: `secret_file: "${at("secret")}"` });
		const said = use(nobody, "config");
		expect(said).toMatch(/xmpp\.secret_file: .* belongs to daemon with mode 600/);
		expect(mend(said)).toContain("chgrp 65534");
		expect(statSync(at("secret")).uid).toBe(daemon);
		expect(use(nobody, "config")).toBe("done");
	});

	test("a folder for a backup that others own stays theirs", () => {
		expect(use(nobody, "stores")).toBe("done");
		mkdirSync(at("backups"), { mode: 0o755 });
		const said = use(nobody, "backup", at("backups/today"));
		expect(said).toMatch(/^The backup .*\/backups\/today cannot be made \(EACCES\): /);
		expect(said).toContain(
			`Run as root: install -d -o nobody -m 700 ${at("backups/trivium")}, and name a path in`,
		);
	});

	test("a symbolic link is judged by the file that it leads to", () => {
		writeFileSync(at("elsewhere.yaml"), readFileSync(at("data/registration.yaml")), { mode: 0o600 });
		rmSync(at("data/registration.yaml"));
		symlinkSync(at("elsewhere.yaml"), at("data/registration.yaml"));
		mend(use(nobody, "registration"));
		expect(use(nobody, "registration")).toBe("done");
	});
});

describe("a file of the wrong kind is named as such", () => {
	test("a config that is a folder, or is below a file", () => {
		expect(() => loadConfig(folder)).toThrow(
			`The config ${folder} cannot be read (EISDIR): ${folder} is a folder, not a file. Name a file in it.`,
		);
		const file = at("data/config.yaml");
		expect(() => loadConfig(`${file}/x`)).toThrow(
			`The config ${file}/x cannot be read (ENOTDIR): ${file} is a file, not a folder. Move it away, or name another path.`,
		);
	});

	test("a store.directory that is a file, or is below one", async () => {
		const file = at("data/config.yaml");
		await expect(makeStore(file)).rejects.toThrow(
			`The store ${file} cannot be made (EEXIST): ${file} is a file, not a folder. Move it away, or correct store.directory.`,
		);
		await expect(makeStore(`${file}/x`)).rejects.toThrow(
			`The store ${file}/x cannot be made (ENOTDIR): ${file} is a file, not a folder. Move it away, or correct store.directory.`,
		);
	});

	test("a folder of a backup that is there already, or has no folder above it", async () => {
		const file = at("data/config.yaml");
		const stores = { journal: { backup: async () => undefined }, mapping: { backup: async () => undefined } };
		const open = async () => ({ ...stores, close: async () => undefined }) as never;
		const back = (to: string) => backup(loadConfig(file), file, to, open, () => undefined);
		await expect(back(at("data"))).rejects.toThrow(
			`The backup ${at("data")} cannot be made (EEXIST): ${at("data")} is there already. Name a folder that is not there yet.`,
		);
		await expect(back(at("a/b"))).rejects.toThrow(
			`The backup ${at("a/b")} cannot be made (ENOENT): ${at("a")} is not there. Run: mkdir -p ${at("a")}.`,
		);
	});

	test("a registration that cannot be understood, which is not to be replaced by one with new tokens", async () => {
		const file = at("data/registration.yaml");
		writeFileSync(file, "as_token: [");
		const said: string[] = [];
		expect(await register(loadConfig(at("data/config.yaml")), "", (line) => void said.push(line))).toBe(
			false,
		);
		expect(said.join("\n")).toContain("Put the homeserver's copy of it there, since it has the tokens.");
		expect(readFileSync(file, "utf8")).toBe("as_token: [");
	});
});
