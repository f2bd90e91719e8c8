import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("every wait of a unit test is as long as the patience of all, not a second as by vitest's default", () => {
	const own = ["test/eventually.ts", "test/patience.test.ts"];
	const files = globSync("test/**/*.ts").filter(
		(file) => !file.startsWith("test/e2e/") && !own.includes(file),
	);
	expect(files.filter((file) => /\bvi\.wait(?:For|Until)\(/.test(readFileSync(file, "utf8")))).toEqual([]);
});
