import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, normalize } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { loadConfig } from "../src/config.ts";
import { parse } from "../src/core/command-parameters.ts";
import { instructions } from "../src/register.ts";
import { commandsPage, declaredCommands } from "./commands-page.ts";
import { reference } from "./config/reference.ts";

const pages = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", ...globSync("docs/*.md")];
const text = (page: string) => readFileSync(page, "utf8");
/** Returns the fenced code blocks of a page in one language. */
const blocks = (page: string, language: string) =>
	[...text(page).matchAll(/^( *)```(\w*)\n(.*?)^ *```/gms)]
		.filter(([, , lang]) => lang === language)
		.map(([, indent = "", , body = ""]) => body.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
const prose = (page: string) => text(page).replaceAll(/^ *```.*?^ *```/gms, "");
/** Returns the anchors that GitHub makes of a page's headings. */
const anchors = (page: string) =>
	[...prose(page).matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
		title
			.toLowerCase()
			.replaceAll(/[^\p{L}\p{N} _-]/gu, "")
			.replaceAll(" ", "-"),
	);

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-docs-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("configure.md is generated from the schema (vitest -u writes it)", async () => {
	await expect(reference()).toMatchFileSnapshot("../docs/configure.md");
});

describe.each(pages)("%s", (page) => {
	test("has no dead link to a file or heading", () => {
		const dead = [...prose(page).matchAll(/\]\(([^)]+)\)/g)].flatMap(([, to = ""]) => {
			if (/^https?:/.test(to)) return [];
			const [path = "", anchor] = to.split("#");
			const target = path ? normalize(join(dirname(page), path)) : page;
			const there = existsSync(target) && (anchor === undefined || anchors(target).includes(anchor));
			return there ? [] : [to];
		});
		expect(dead).toEqual([]);
	});

	test("names only commands, scripts and files that exist", async () => {
		const said = [...text(page).matchAll(/!bridge (\w+)/g)].map(([, name]) => name);
		expect(declaredCommands().map(({ name }) => name)).toEqual(expect.arrayContaining(said));
		const paths = [...text(page).matchAll(/(?<![\w/.])(?:src|script|test|docs|config|bench)\/[\w/.-]*\w/g)];
		const missing = paths.map(([path]) => path).filter((path) => !existsSync(path));
		expect(missing).toEqual([]);
		const verbs = [...text(page).matchAll(/node src\/main\.ts (\w+)/g)].map(([, verb]) => verb);
		expect(["run", "check", "register", "backup", "restore"]).toEqual(expect.arrayContaining(verbs));
	});
});

test("ARCHITECTURE.md names each file of hosted rooms and joined MUCs, and no file that is gone", () => {
	const files = globSync("{src,test}/**/*.ts").map((file) => basename(file));
	const rows = text("ARCHITECTURE.md").split("\n");
	const named = (row: string) => [...row.matchAll(/`(?:[\w.-]+\/)*([\w.-]+\.ts)`/g)].map(([, name]) => name);
	expect(rows.flatMap(named).filter((name) => !files.includes(name ?? ""))).toEqual([]);
	for (const folder of ["src/xmpp/hosted/", "src/xmpp/joined/"]) {
		const index = rows
			.filter((row) => row.startsWith("| `src/") && row.includes(`\`${folder}`))
			.flatMap(named);
		const all = globSync(`${folder}**/*.ts`).map((file) => basename(file));
		expect(all.filter((name) => !index.includes(name))).toEqual([]);
	}
});

test("ARCHITECTURE.md names only existing files, and every dependency", () => {
	const inside = [
		...text("ARCHITECTURE.md").matchAll(/`((?:core|matrix|xmpp|mqtt|media|http|store)\/[\w/.-]+)`/g),
	];
	expect(inside.map(([, path]) => path).filter((path) => !existsSync(`src/${path}`))).toEqual([]);
	const { dependencies } = JSON.parse(text("package.json")) as { dependencies: object };
	const named = [...prose("ARCHITECTURE.md").matchAll(/`([^`]+)`/g)].map(([, name]) => name);
	expect(named).toEqual(expect.arrayContaining(Object.keys(dependencies)));
});

describe("CONTRIBUTING.md", () => {
	test("explains exactly the variables that tests and scripts read", () => {
		const variables = /\b(?:TRIVIUM|TESTBED)_[A-Z_]+\b/g;
		const read = globSync(["test/**/*.{ts,mjs}", "script/*", "bench/*", "vitest.config.ts"], {
			exclude: ["test/docs.test.ts"],
		}).flatMap((file) => text(file).match(variables) ?? []);
		expect([...new Set(text("CONTRIBUTING.md").match(variables))].sort()).toEqual([...new Set(read)].sort());
	});

	test("names only scripts of package.json and files that exist", () => {
		const { scripts } = JSON.parse(text("package.json")) as { scripts: object };
		const run = [...text("CONTRIBUTING.md").matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
		expect(Object.keys(scripts)).toEqual(expect.arrayContaining(run));
		const named = [...text("CONTRIBUTING.md").matchAll(/`([\w-]+\.(?:ts|md|json))`/g)].map(
			([, name]) => name,
		);
		const files = globSync("{*,{src,test,config,docs}/**/*}.{ts,md,json}").map((file) => basename(file));
		expect(named.filter((name) => name && !files.includes(name) && !/NAME/.test(name))).toEqual([]);
	});
});

test("an admin on XMPP has the commands of one on Matrix, but for the entry into rooms, which is the client's there", () => {
	const names = (on: "matrix" | "xmpp") => declaredCommands(on).map(({ name }) => name);
	expect(names("xmpp")).toEqual(names("matrix").filter((name) => name !== "join"));
});

test("commands.md is generated from the declared commands (vitest -u writes it)", async () => {
	await expect(commandsPage()).toMatchFileSnapshot("../docs/commands.md");
});

test.each(pages.filter((page) => page !== "CHANGELOG.md"))(
	"each command in %s is typed as it is declared",
	(page) => {
		const typed = [...text(page).matchAll(/`!bridge ([^`]+)`/g)].map(([, line = ""]) => line);
		for (const line of typed) {
			const [name = "", args = ""] = line.split(/\s+(.*)/s);
			const command = declaredCommands().find((one) => one.name === name);
			expect(command, line).toBeDefined();
			// A hash is shown by its beginning.
			const whole = args.replace(/\b([0-9a-f]{6})…/, (_, start: string) => start.padEnd(64, "0"));
			// A name alone stands for the command itself.
			if (args !== "") expect(() => parse(name, command?.parameters ?? [], whole), line).not.toThrow();
		}
	},
);

test("the config in the README loads unchanged", () => {
	const [config = ""] = blocks("README.md", "yaml").filter((block) => block.includes("matrix:"));
	const file = join(folder, "config.yaml");
	writeFileSync(file, config, { mode: 0o600 });
	expect(loadConfig(file).xmpp.component).toBe("bridge.example.org");
});

test.each(["README.md", "docs/install.md"])(
	"the server lines in %s are those that `register` prints",
	(page) => {
		const file = join(folder, "config.yaml");
		writeFileSync(file, blocks("README.md", "yaml").find((block) => block.includes("matrix:")) ?? "", {
			mode: 0o600,
		});
		const plain = (lines: string) => lines.replaceAll(/^ +/gm, "").replaceAll(/ +(--|#) .*$/gm, "");
		const printed = plain(instructions(loadConfig(file))).replaceAll("THE SECRET", "a-long-random-text");
		const ours = [...blocks(page, "lua"), ...blocks(page, "yaml")].filter((block) =>
			/^ *(Component|listen:|- port)/.test(block),
		);
		expect(ours).toHaveLength(2);
		for (const block of ours) expect(printed).toContain(plain(block).replace(/^listen:\n/, ""));
		for (const block of blocks(page, "yaml")) parseYaml(block);
	},
);
