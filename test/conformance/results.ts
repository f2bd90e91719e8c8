import { SaxesParser } from "saxes";

/** The results of a run of the XMPP Interop Testing suite. Pure. */

export const outcomes = ["passed", "failed", "impossible"] as const;
export type Outcome = (typeof outcomes)[number];

/** One case of the suite, as its report names it. */
export type Case = Readonly<{
	/** The class and the method: `MultiUserChatIntegrationTest.mucTest`. */
	name: string;
	/** The specification that the case quotes: `XEP-0045`. */
	spec: string;
	outcome: Outcome;
	/** The suite's words for a failure, or for an impossibility. */
	reason: string;
}>;

/** Returns the cases of a report, which is in the XML of JUnit. @throws Error for malformed XML */
export function casesOf(report: string): readonly Case[] {
	const cases: { -readonly [key in keyof Case]: Case[key] }[] = [];
	let spec = "";
	const parser = new SaxesParser();
	parser.on("error", (error) => {
		throw error;
	});
	parser.on("opentag", ({ name, attributes }) => {
		const last = cases.at(-1);
		if (name === "testsuite") spec = specOf(attributes.name ?? "");
		else if (name === "testcase")
			cases.push({ name: nameOf(attributes), spec, outcome: "passed", reason: "" });
		else if (last && (name === "failure" || name === "skipped")) {
			last.outcome = name === "failure" ? "failed" : "impossible";
			last.reason = attributes.message ?? attributes.type ?? "";
		}
	});
	parser.write(report).close();
	return cases;
}

/** `XEP0045: Multi-User Chat` */
const specOf = (suite: string): string => suite.replace(/:.*$/s, "").replace(/^(XEP|RFC)(?=\d)/, "$1-");

/** The name of a case ends in the kind of connection that it used. */
function nameOf({ name = "", classname = "" }: Readonly<Record<string, string>>): string {
	const method = name.replace(/ \(.*$/s, "").replace(/^.*[.#]/s, "");
	return `${classname.replace(/^.*\./s, "")}.${method}`;
}

/**
 * Returns how many cases of each specification were impossible, by the summary that the suite prints. The report leaves
 * out the cases of a class that is impossible as a whole.
 */
export function impossibleBySpec(printed: string): ReadonlyMap<string, number> {
	const lines = printed.matchAll(/^• ((?:XEP|RFC)-?\d+).*? (\d+) ✖\s*$/gm);
	return new Map([...lines].map(([, spec = "", count]) => [specOf(spec), Number(count)]));
}
