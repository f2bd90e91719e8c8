import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

type Locked = Readonly<{
	integrity?: string;
	link?: boolean;
	resolved?: string;
}>;
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
	packages: Readonly<Record<string, Locked>>;
};
const installed = Object.entries(packages).filter(([path, { link }]) => path !== "" && !link);

describe("package-lock.json", () => {
	test("gives every package a SHA-512, the optional binaries of other platforms included", () => {
		expect(installed.length).toBeGreaterThan(400);
		const without = installed.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ""));
		expect(without.map(([path]) => path)).toEqual([]);
	});

	test("names no registry's host: npm takes the one that it is configured with", () => {
		expect(installed.filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
	});
});

describe("the Dockerfile", () => {
	const dockerfile = readFileSync("Dockerfile", "utf8");

	test("pins the base image by its digest, with the Node that the tests run on", () => {
		const [, node] = /^node_version=(\S+)/m.exec(readFileSync("script/setup", "utf8")) ?? [];
		const [, base] = /^ARG BASE=(.*)$/m.exec(dockerfile) ?? [];
		expect(base).toMatch(/@sha256:[0-9a-f]{64}$/);
		expect(base).toContain(`node:${node}-slim@`);
	});

	test("has no other base image", () => {
		const stages = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
		// biome-ignore lint/suspicious/noTemplateCurlyInString: this is how a Dockerfile writes its argument
		expect(stages).toEqual(["${BASE}", "${BASE}"]);
	});
});
