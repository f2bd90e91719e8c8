import { type Case, type Outcome, outcomes } from "./results.ts";

/** The comparison of a run with the list of the cases that are expected not to pass. Pure. */

/** Cases that do not pass for one reason. */
export type Expected = Readonly<{
	reason: string;
	failed?: readonly string[];
	impossible?: readonly string[];
}>;

export type Verdict = Readonly<{
	/** The counts of each specification. */
	table: readonly (Readonly<{ spec: string }> & Readonly<Record<Outcome, number>>)[];
	/** The differences to the list, as sentences. */
	differences: readonly string[];
}>;

/** Returns a run's counts, and its differences to the list. `isPart`: only some cases were run. */
export function judge(
	cases: readonly Case[],
	impossible: ReadonlyMap<string, number>,
	expected: readonly Expected[],
	{ isPart }: Readonly<{ isPart: boolean }>,
): Verdict {
	const specs = [...new Set([...cases.map(({ spec }) => spec), ...impossible.keys()])].sort();
	const table = specs.map((spec) => {
		const count = (outcome: Outcome) =>
			cases.filter((one) => one.spec === spec && one.outcome === outcome).length;
		return {
			spec,
			passed: count("passed"),
			failed: count("failed"),
			impossible: Math.max(count("impossible"), impossible.get(spec) ?? 0),
		};
	});
	const unnamed = table.flatMap(({ spec, impossible: all }) => {
		const named = cases.filter((one) => one.spec === spec && one.outcome === "impossible").length;
		return all > named ? [`${all - named} cases of ${spec} are impossible, with their whole class`] : [];
	});
	const wanted = new Map<string, Outcome>();
	for (const { failed = [], impossible: not = [] } of expected) {
		for (const name of failed) wanted.set(name, "failed");
		for (const name of not) wanted.set(name, "impossible");
	}
	const ran = new Set(cases.map(({ name }) => name));
	const missing = isPart ? [] : [...wanted.keys()].filter((name) => !ran.has(name));
	return {
		table,
		differences: [
			...cases.flatMap((one) => difference(one, wanted.get(one.name) ?? "passed")),
			...unnamed,
			...missing.map((name) => `${name} is in the list, and was not run`),
		],
	};
}

function difference({ name, outcome, reason }: Case, wanted: Outcome): readonly string[] {
	if (outcome === wanted) return [];
	if (outcome === "passed") return [`${name} passes: remove it from the list`];
	const instead = wanted === "passed" ? "pass" : `be ${wanted}`;
	return [`${name} is ${outcome}, expected to ${instead}: ${reason}`];
}

/** Returns the counts as lines of text, with their sums. */
export function printed({ table }: Verdict): readonly string[] {
	const sum = (outcome: Outcome) => table.reduce((total, row) => total + row[outcome], 0);
	const line = (name: string, values: readonly (string | number)[]) =>
		[name.padEnd(10), ...values.map((value) => String(value).padStart(11))].join("");
	return [
		line("", [...outcomes]),
		...table.map((row) =>
			line(
				row.spec,
				outcomes.map((outcome) => row[outcome]),
			),
		),
		line("together", outcomes.map(sum)),
	];
}
