import { execFileSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import schema from "../config/schema.json" with { type: "json" };
import { readCommandLine } from "../src/command-line.ts";
import type { NetworkName } from "../src/core/ids.ts";
import type { Log } from "../src/core/log.ts";
import { health } from "../src/http/health.ts";
import { revoke } from "../src/media/revoke.ts";
import { publishCommand } from "../src/mqtt/pub.ts";
import { bridgeOf, command, rulesFor } from "./bridge.ts";
import { fakeNetwork, quiet } from "./fakes.ts";

const pages = ["README.md", ...globSync("docs/*.md")];
const text = (page: string) => readFileSync(page, "utf8");
const everything = () => pages.map(text).join("\n");
/** Returns the fenced code blocks of one language, without their indentation. */
const blocks = (page: string, language: string) =>
	[...text(page).matchAll(/^( *)```(\w*)\n(.*?)^ *```/gms)]
		.filter(([, , lang]) => lang === language)
		.map(([, indent = "", , body = ""]) => body.replaceAll(new RegExp(`^${indent}`, "gm"), ""));
/** Returns the part of a page below a heading. */
const section = (page: string, title: string) =>
	text(page).split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
const quoted = (from: string) => [...from.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code as string);

describe("the shell commands in the docs", () => {
	test.each(pages)("%s has only blocks that a shell can read", (page) => {
		for (const block of blocks(page, "sh"))
			expect(() => execFileSync("bash", ["-n"], { input: block, stdio: "pipe" }), block).not.toThrow();
	});

	test("call the program with arguments that it knows", () => {
		const calls = [
			...[...everything().matchAll(/src\/main\.ts ([^`|\n#]*)/g)].map(([, args = ""]) => args),
			...[...everything().matchAll(/^docker run .* trivium trivium(.*)$/gm)].map(
				([, args = ""]) => args || "run",
			),
			...[...everything().matchAll(/^docker run --rm .* trivium (.*)$/gm)].map(([, args = ""]) => args),
		].map((args) => args.trim().split(/\s+/).filter(Boolean));
		expect(calls.length).toBeGreaterThan(10);
		for (const args of calls) expect(readCommandLine(args), args.join(" ")).toBeTypeOf("object");
	});
});

describe("the commands to the bot in the docs", () => {
	test("are understood", async () => {
		const outcomes: string[] = [];
		const note = (fields: object, msg: string) => {
			if (/^command/.test(msg)) outcomes.push(String((fields as { outcome?: string }).outcome));
		};
		const log: Log = { ...quiet, info: note, warn: note, error: note };
		const here = fakeNetwork("here");
		const there = fakeNetwork("xmpp", {
			commands: [
				publishCommand({
					brokers: ["home"],
					hasExpiry: () => true,
					bridge: () => here.bridge,
					publish: async () => 0,
					mayPublish: () => ({ kind: "yes" as const }),
				}),
			],
		});
		const bridge = bridgeOf([here, there], rulesFor({ "*": "admin" }), {
			log,
			commands: [revoke({ links: { revoke: async () => undefined }, bridge: () => here.bridge })],
		});
		await bridge.start();
		const help = await command(bridge, here, "help", { alone: true });
		const names = [...help.matchAll(/^(\w+) /gm)].map(([, name]) => name).join("|");
		// The name alone is the name of a command, not a command that somebody types.
		// docs/commands.md has forms, not commands; it is made from their declarations.
		const documented = pages
			.filter((page) => page !== "docs/commands.md")
			.flatMap((page) => quoted(text(page)))
			.flatMap((code) => new RegExp(`^(?:!bridge )?((?:${names}) .*)$`).exec(code)?.[1] ?? []);
		expect(documented.length).toBeGreaterThan(10);
		for (const typed of documented) {
			outcomes.length = 0;
			// The part of an address or a hash that the docs leave out.
			await command(bridge, here, typed.replaceAll("…", "0".repeat(58)), { alone: true });
			expect(["done", "refused"], typed).toContain(outcomes[0]);
		}
	});
});

describe("the answers of the listeners in the docs", () => {
	test("/ready has the documented form", async () => {
		const [sample = ""] = /^\{"ready".*$/m.exec(text("docs/operate.md")) ?? [];
		const documented = JSON.parse(sample) as Record<string, object>;
		const port = 20_000 + Math.floor(Math.random() * 10_000);
		const network = (name: string, up: boolean) => ({
			name: name as NetworkName,
			status: () => (up ? { up } : { up, cause: "refused", since: Date.now() - 42_100 }),
		});
		const stats = async () => ({ waiting: 3, oldest: Date.now() - 41_250, dead: 0, held: 0 });
		const sides = {
			networks: [network("matrix", true), network("xmpp", false)],
			journal: { stats },
			metrics: { text: async () => "", contentType: "text/plain" as never },
		};
		const server = await health({ host: "127.0.0.1", port }, sides, quiet);
		const answer = (await (await fetch(`http://127.0.0.1:${port}/ready`)).json()) as Record<string, object>;
		await server.close();
		expect(Object.keys(answer)).toEqual(Object.keys(documented));
		for (const side of ["matrix", "xmpp", "store"])
			expect(Object.keys(answer[side] ?? {}), side).toEqual(Object.keys(documented[side] ?? {}));
		const { oldest } = answer.store as { oldest: number };
		expect(Math.abs(oldest - (documented.store as { oldest: number }).oldest)).toBeLessThan(5_000);
	});
});

describe("the lines of the log in the docs", () => {
	/** The code without its comments. */
	const sources = globSync("src/**/*.ts")
		.map((file) => text(file).replaceAll(/^\s*(?:\/\*|\*|\/\/).*$/gm, ""))
		.join("\n")
		.replaceAll('\\"', '"');
	const isWritten = (part: string) => sources.includes(part);
	/** A line is written if each part of it is: the docs put … where a value stands. */
	const parts = (line: string) =>
		line
			.split("…")
			// The option that a sentence begins with is a value, too.
			.map((part) => part.trim().replaceAll(/^[a-z]+(\.[a-z_]+)+ |^[:.] *| *[:.]$/g, ""))
			.filter((part) => part.length > 2)
			.flatMap((part) => (isWritten(part) ? [part] : part.split(": ")));

	const [, ...rows] = section("docs/operate.md", "What to do when …")
		.split("\n")
		.filter((line) => line.startsWith("| `"));
	const lines = rows.flatMap((row) => quoted(row.split(" | ")[0] ?? ""));

	test.each(lines)("“%s” is a line that the program writes", (line) => {
		for (const part of parts(line)) expect(isWritten(part.replace(/ \([A-Z]+\)$/, "")), part).toBe(true);
	});

	test("name only fields and messages that the program writes", () => {
		expect(lines.length).toBeGreaterThan(15);
		for (const page of pages)
			for (const [, message = ""] of text(page).matchAll(/"msg":"([^"…]+)"/g))
				expect(isWritten(message), message).toBe(true);
		const logs = section("docs/operate.md", "Logs");
		const prose = logs.replaceAll(/```.*?```/gs, "");
		for (const name of quoted(prose).filter(
			(code) => /^[\w ]+$/.test(code) && !/^(journalctl|docker)/.test(code),
		))
			expect(new RegExp(`\\b${name}\\b`).test(sources), name).toBe(true);
	});
});

describe("the options of the config in the docs", () => {
	type Node = {
		properties?: Record<string, Node>;
		additionalProperties?: Node | boolean;
		items?: Node;
		$ref?: string;
	};
	const root = schema as unknown as Node & {
		$defs?: Record<string, Node>;
		definitions?: Record<string, Node>;
	};
	function resolved(node: Node | undefined): Node | undefined {
		if (!node?.$ref) return node;
		const path = node.$ref.replace(/^#\//, "").split("/");
		return path.reduce<unknown>((of, key) => (of as Record<string, unknown>)[key], root) as Node;
	}
	function has(path: readonly string[], from: Node | undefined = root): boolean {
		const node = resolved(from);
		const [key = "", ...more] = path;
		if (path.length === 0) return true;
		if (!node) return false;
		if (node.items) return has(path, node.items);
		const next = node.properties?.[key];
		if (next) return has(more, next);
		return typeof node.additionalProperties === "object" && has(more, node.additionalProperties);
	}

	test("are in the schema", () => {
		const sections = Object.keys(root.properties ?? {});
		const named = pages.flatMap((page) =>
			quoted(text(page))
				.filter((code) => /^[a-z]+(\.\w+)+$/.test(code) && sections.includes(code.split(".")[0] ?? ""))
				.filter((code) => !/\.(example|org|db|sock)\b/.test(code))
				.map((code) => [page, code] as const),
		);
		expect(named.length).toBeGreaterThan(40);
		for (const [page, code] of named) expect(has(code.split(".")), `${page}: ${code}`).toBe(true);
	});
});
