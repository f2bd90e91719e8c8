import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

// The test starts whole processes.
vi.setConfig({ testTimeout: 300_000 });

const text = (page: string) => readFileSync(page, "utf8");
const everything = () => ["README.md", ...globSync("docs/*.md")].map(text).join("\n");
const blocks = (page: string, language: string) =>
	[...text(page).matchAll(/^( *)```(\w*)\n(.*?)^ *```/gms)]
		.filter(([, , lang]) => lang === language)
		.map(([, indent = "", , body = ""]) => body.replaceAll(new RegExp(`^${indent}`, "gm"), ""));

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-docs-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("the documented commands do what the docs say, one after the other", () => {
	const [config = ""] = blocks("README.md", "yaml").filter((block) => block.includes("matrix:"));
	const program = resolve("src/main.ts");
	const run = (documented: string) => {
		expect(everything()).toContain(documented);
		const args = documented.replace("node src/main.ts ", "").replace(/\/somewhere\/safe/, folder);
		const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args.split(" ")], {
			cwd: folder,
			encoding: "utf8",
		});
		return { code: status, said: `${stdout}${stderr}` };
	};

	const [make = ""] = /^mkdir -p data .*$/m.exec(text("README.md")) ?? [];
	execFileSync("sh", ["-ec", make], { cwd: folder });
	const file = join(folder, "data/config.yaml");
	// The servers of the example may run on this machine.
	writeFileSync(file, config.replace(/127\.0\.0\.1:(8008|5347)/g, "127.0.0.1:1"));
	expect(statSync(file).mode & 0o777).toBe(0o600);

	const registered = run("node src/main.ts register");
	expect(registered.code).toBe(0);
	expect(registered.said).toContain("Wrote data/registration.yaml");
	expect(run("node src/main.ts register").said).toContain("kept as it is");

	const checked = run("node src/main.ts check");
	expect(checked.code).toBe(1);
	for (const line of checked.said.trim().split("\n")) expect(line).toMatch(/^[✓!✗] /);
	const { code, said } = run("node src/main.ts check --json");
	expect(code).toBe(1);
	const [documented] = blocks("docs/operate.md", "").flatMap((block) => /^\{"ok".*$/m.exec(block) ?? []);
	const shape = (answer: { ok: unknown; checks: object[] }) => [
		Object.keys(answer),
		new Set(answer.checks.flatMap((one) => Object.keys(one))),
	];
	expect(shape(JSON.parse(said))).toEqual(shape(JSON.parse(documented ?? "{}")));

	execFileSync(process.execPath, [resolve("test/files/use.ts"), file, "stores"], { cwd: folder });
	const saved = "node src/main.ts backup /somewhere/safe/2026-11-21";
	expect(run(saved)).toMatchObject({ code: 0, said: expect.stringContaining("Wrote") });
	expect(run(saved)).toMatchObject({ code: 1, said: expect.stringContaining("is there already") });
	const restored = "node src/main.ts restore /somewhere/safe/2026-11-21";
	expect(run(restored)).toMatchObject({ code: 1, said: expect.stringContaining("Nothing was restored") });
	renameSync(join(folder, "data"), join(folder, "old"));
	expect(run(restored)).toMatchObject({ code: 0, said: expect.stringContaining("Restored the stores") });
	expect(statSync(file).isFile()).toBe(true);
});
