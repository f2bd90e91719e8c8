import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";

/** The parts of vitest's JSON report that the summary needs. */
export type Report = Readonly<{
	numPassedTests: number;
	numFailedTests: number;
	numPendingTests: number;
	numTodoTests: number;
	testResults: readonly Readonly<{
		name: string;
		status: string;
		message?: string;
		assertionResults: readonly Readonly<{
			status: string;
			fullName: string;
			failureMessages?: readonly string[] | null;
		}>[];
	}>[];
}>;

/** Most failures that are named, and characters of the cause of one. */
const [mostFailures, longestCause] = [20, 300];

const firstLine = (text = ""): string =>
	(stripVTControlCharacters(text).trim().split("\n")[0] ?? "").slice(0, longestCause);

/**
 * Returns the lines of a summary: the numbers of passed, failed and skipped tests, then a line for each failure with its
 * file, title and the first line of its cause.
 */
export function summary(report: Report, folder = process.cwd()): readonly string[] {
	const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
		const file = name.replace(`${folder}/`, "");
		const failed = assertionResults.filter((one) => one.status === "failed");
		// A file that cannot be loaded fails without a test.
		if (status === "failed" && failed.length === 0) return [`failed: ${file}: ${firstLine(message)}`];
		return failed.map((one) => `failed: ${file}: ${one.fullName}: ${firstLine(one.failureMessages?.[0])}`);
	});
	const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = report;
	return [
		`${numPassedTests} ${numFailedTests} ${numPendingTests + numTodoTests}`,
		...failures.slice(0, mostFailures),
		...(failures.length > mostFailures ? [`and ${failures.length - mostFailures} more failures`] : []),
	];
}

const [, program, file] = process.argv;
if (program === import.meta.filename && file !== undefined)
	for (const line of summary(JSON.parse(readFileSync(file, "utf8")) as Report)) console.log(line);
