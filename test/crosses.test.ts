import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (file: string) => readFileSync(file, "utf8");
const page = read("docs/what-crosses.md");
const tests = ["features", "media", "conversation"]
	.map((name) => read(`test/e2e/${name}.test.ts`))
	.join("\n");
const cells = page
	.slice(page.indexOf("## Which test"))
	.split("\n")
	.filter((line) => line.startsWith("| ") && !line.startsWith("| |"))
	.flatMap((line) =>
		line
			.split(" | ")
			.slice(1)
			.map((cell) => cell.replace(/\|/g, "").trim()),
	)
	.filter(Boolean);

test.each([...new Set(cells)])("what-crosses.md names a test there is: %s", (name) => {
	expect(tests).toContain(`"${name}"`);
});

test("what-crosses.md names tests at all", () => expect(cells.length).toBeGreaterThan(20));
