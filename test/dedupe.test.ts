import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { keyKinds } from "../src/core/dedupe.ts";

test("guarantees.md lists each kind of dedupe key, and no other", () => {
	const [, section = ""] = readFileSync("docs/guarantees.md", "utf8").split("## Repeats");
	const listed = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, kind]) => kind);
	expect([...new Set(listed)].toSorted()).toEqual(Object.keys(keyKinds).toSorted());
});

test("every key of the journal is made by dedupe.ts", () => {
	const calls = globSync("src/**/*.ts").flatMap((file) => {
		const code = readFileSync(file, "utf8");
		return [...code.matchAll(/journal\.once\(\s*([^\n]+)/g)].map(([, key = ""]) => `${file}: ${key}`);
	});
	expect(calls.length).toBeGreaterThan(2);
	expect(calls.filter((one) => !/: \w+Key\(/.test(one))).toEqual([]);
});

test("no key of one kind is a key of another", () => {
	const prefixes = Object.values(keyKinds).map(({ prefix }) => prefix as string);
	const clashing = prefixes.filter((one) =>
		prefixes.some((other) => other !== "" && other !== one && one.startsWith(other)),
	);
	expect(clashing).toEqual([]);
	expect(new Set(prefixes).size).toBe(prefixes.length);
});
