import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { type Case, casesOf, impossibleBySpec } from "./results.ts";
import { type Expected, judge, printed } from "./verdict.ts";

const testcase = (method: string, inside = "") =>
	`<testcase classname="org.example.muc.DoorTest" name="DoorTest.${method} (Normal)" time="0">${inside}<properties>
	<property name="attachment" value="DoorTest.${method} (Normal).log"/></properties></testcase>`;

const report = `<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<testsuites failures="1" name="a run" skipped="1" tests="4">
	<testsuite failures="1" name="XEP0045: Multi-User Chat" skipped="1" tests="3">
		${testcase("opens")}
		${testcase("closes", '<failure message="expected: &lt;forbidden/&gt;&#10;but was: nothing" type="AssertionError"/>')}
		${testcase("rings", '<skipped message="There is no bell."/>')}
	</testsuite>
	<testsuite failures="0" name="XEP0421" skipped="0" tests="1">
		${testcase("is-known")}
	</testsuite>
</testsuites>`;

const summary = `Test run finished! 2 tests were successful (✔), 1 failed (💀), and 4 were impossible to run (✖).

• XEP-0045: Multi-User Chat     1 ✔   1 💀   1 ✖
• XEP-0410: MUC Self-Ping       0 ✔   0 💀   3 ✖
• XEP-0421                      1 ✔   0 💀   0 ✖

• XEP-0410: could not run 3 test(s) because: nobody is there
`;

const [opens, closes, rings, known] = casesOf(report) as [Case, Case, Case, Case];
const whole = { isPart: false };
const none = new Map<string, number>();

test("the cases of a report have their names, specifications, outcomes and reasons", () => {
	expect([opens, closes, rings, known]).toEqual([
		{ name: "DoorTest.opens", spec: "XEP-0045", outcome: "passed", reason: "" },
		{
			name: "DoorTest.closes",
			spec: "XEP-0045",
			outcome: "failed",
			reason: "expected: <forbidden/>\nbut was: nothing",
		},
		{ name: "DoorTest.rings", spec: "XEP-0045", outcome: "impossible", reason: "There is no bell." },
		{ name: "DoorTest.is-known", spec: "XEP-0421", outcome: "passed", reason: "" },
	]);
	expect(() => casesOf("<testsuites>")).toThrow();
});

test("impossible classes are counted by the printed summary", () => {
	expect([...impossibleBySpec(summary)]).toEqual([
		["XEP-0045", 1],
		["XEP-0410", 3],
		["XEP-0421", 0],
	]);
});

test("a run that agrees with the list has no differences", () => {
	const expected = [{ reason: "no bell", failed: ["DoorTest.closes"], impossible: ["DoorTest.rings"] }];
	const verdict = judge([opens, closes, rings, known], none, expected, whole);
	expect(verdict.differences).toEqual([]);
	expect(printed(verdict)).toEqual([
		"               passed     failed impossible",
		"XEP-0045            1          1          1",
		"XEP-0421            1          0          0",
		"together            2          1          1",
	]);
});

test("a case that fails, or becomes possible, or is impossible with its class, differs from the list", () => {
	const expected = [{ reason: "no bell", impossible: ["DoorTest.rings", "DoorTest.closes"] }];
	const { differences } = judge([opens, closes, rings, known], impossibleBySpec(summary), expected, whole);
	expect(differences).toEqual([
		"DoorTest.closes is failed, expected to be impossible: expected: <forbidden/>\nbut was: nothing",
		"3 cases of XEP-0410 are impossible, with their whole class",
	]);
});

test("a case of the list that passes or does not exist any more differs from it", () => {
	const expected = [{ reason: "doors", failed: ["DoorTest.opens", "DoorTest.removed"] }];
	expect(judge([opens, known], none, expected, whole).differences).toEqual([
		"DoorTest.opens passes: remove it from the list",
		"DoorTest.removed is in the list, and was not run",
	]);
	expect(judge([known], none, expected, { isPart: true }).differences).toEqual([]);
});

test("the list names each case once, with a reason", () => {
	const list = parse(readFileSync(new URL("expected.yaml", import.meta.url), "utf8")) as Expected[];
	const names = list.flatMap(({ failed = [], impossible = [] }) => [...failed, ...impossible]);
	expect(new Set(names).size).toBe(names.length);
	for (const { reason } of list) expect(reason).toMatch(/^[A-Z].*\.$/s);
});

test("without a file of the suite, the script says so and succeeds", () => {
	expect(execFileSync(resolve("script/conformance"), { encoding: "utf8" })).toMatch(/^conformance: skipped/);
});
