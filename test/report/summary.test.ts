import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { type Report, summary } from "./summary.ts";

const counts = { numPassedTests: 2, numFailedTests: 1, numPendingTests: 1, numTodoTests: 1 };
const passed = { status: "passed", fullName: "a test", failureMessages: [] };
const failed = {
	status: "failed",
	fullName: "a store keeps a row",
	failureMessages: ["\u001b[31mAssertionError\u001b[39m: expected 1 to be 2\n    at a.test.ts:1"],
};
const report: Report = {
	...counts,
	testResults: [
		{ name: "/home/me/test/a.test.ts", status: "failed", message: "", assertionResults: [passed, failed] },
		{ name: "/home/me/test/b.test.ts", status: "failed", message: "no module x", assertionResults: [] },
		{ name: "/home/me/test/c.test.ts", status: "passed", message: "", assertionResults: [passed] },
	],
};

test("the summary names each failed test and file with the first line of its cause", () => {
	expect(summary(report, "/home/me")).toEqual([
		"2 1 2",
		"failed: test/a.test.ts: a store keeps a row: AssertionError: expected 1 to be 2",
		"failed: test/b.test.ts: no module x",
	]);
});

test("the summary of many failures names the first ones and counts the others", () => {
	const one = { name: "/x/a.test.ts", status: "failed", assertionResults: Array(30).fill(failed) };
	const lines = summary({ ...counts, testResults: [one] }, "/x");
	expect(lines).toHaveLength(22);
	expect(lines.at(-1)).toBe("and 10 more failures");
});

test("the program prints the summary of a report", () => {
	const folder = mkdtempSync(join(tmpdir(), "report-"));
	onTestFinished(() => rmSync(folder, { recursive: true }));
	writeFileSync(join(folder, "unit.json"), JSON.stringify(report));
	const program = join(import.meta.dirname, "summary.ts");
	expect(execFileSync(process.execPath, [program, join(folder, "unit.json")]).toString()).toMatch(
		/^2 1 2\nfailed: .*\nfailed: .*\n$/,
	);
});
