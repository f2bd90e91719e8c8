import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("docs/guarantees.md", "utf8").replaceAll(/\s+/g, " ");
const named = [...page.matchAll(/`(test\/[\w/.-]+\.test\.ts)` “([^”]+)”/g)].map(
	([, file = "", name = ""]) => [file, name] as const,
);

test.each(named)("guarantees.md names an existing test: %s: %s", (file, name) => {
	expect(existsSync(file)).toBe(true);
	// Only titles are in double quotes, so a comment does not count.
	expect(readFileSync(file, "utf8")).toContain(`"${name}"`);
});

test("guarantees.md names a test for every guarantee and every exception", () => {
	const rows = readFileSync("docs/guarantees.md", "utf8")
		.split("\n")
		.filter((line) => line.startsWith("| ") && !/^\| (path|event|key) \|/.test(line));
	expect(rows.length).toBeGreaterThan(20);
	const bare = rows.filter((line) => !/`test\/.*“/.test(line) && !line.includes("not built yet"));
	expect(bare).toEqual([]);
	const [, impossible = ""] = readFileSync("docs/guarantees.md", "utf8").split("## What a protocol");
	const cases = impossible.split("\n- ").slice(1);
	expect(cases.length).toBeGreaterThan(5);
	expect(cases.filter((one) => !/`test\/.*“/.test(one))).toEqual([]);
});
