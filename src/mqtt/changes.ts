/** The conditions under which a mirror shows a value. Pure: the state of a topic goes in and comes out. */

export type Conditions = Readonly<{
	/** Only a value in which this regular expression finds something; see pattern.ts. */
	matches?: string;
	/** Seconds: the value that is left when a topic has sent nothing for so long; see debounce.ts. */
	debounce?: number;
	/** Only a value that differs from the one shown last. */
	changed?: boolean;
	/** Only a number that differs from the one shown last by at least this much, or by this percentage of it (`5%`). */
	deadband?: number | string;
	/** Only a number of at least, and of at most, this much: each one, as long as it is there. */
	min?: number;
	max?: number;
	/** Only when a number rises above, or falls below, a bound: once, until it has come back past the bound by `hysteresis`. */
	above?: number;
	below?: number;
	hysteresis?: number;
	/** Seconds: a number beyond a bound is shown when it has been there for so long. */
	for?: number;
	/** Seconds: at most one value of a topic in this time. */
	every?: number;
}>;

/** The memory of one topic. `beyond`: the bound that the last number was beyond. `at`: ms since 1970. */
export type Memory = Readonly<{ text?: string; number?: number; at?: number; beyond?: "above" | "below" }>;

/** Returns the number that a text is; undefined if it is none. A unit after the number makes it a text. */
export function numberOf(text: string): number | undefined {
	const number = Number(text);
	return text.trim() !== "" && Number.isFinite(number) ? number : undefined;
}

/** The conditions that keep a value from being shown, as the metric names them. */
export type Reason =
	| "retained"
	| "matches"
	| "debounce"
	| "range"
	| "changed"
	| "deadband"
	| "threshold"
	| "every";

/**
 * Returns the first condition that keeps a value from being shown, if one does, and the memory after the value. `at`: the
 * time of the value, in ms since 1970. `matches` and `debounce` are decided before, by the value alone and by a clock.
 */
export function decide(
	conditions: Conditions,
	memory: Memory,
	text: string,
	at: number,
): Readonly<{ hidden?: Reason; memory: Memory }> {
	const number = numberOf(text);
	const beyond = beyondOf(conditions, memory.beyond, number);
	const hidden = reasonOf(conditions, memory, { text, number, beyond, at });
	const side = beyond && { beyond };
	if (hidden) {
		const { beyond: _, ...rest } = memory;
		return { hidden, memory: { ...rest, ...side } };
	}
	return { memory: { text, at, ...(number !== undefined && { number }), ...side } };
}

type Value = Readonly<{
	text: string;
	number: number | undefined;
	beyond: Memory["beyond"];
	at: number;
}>;

function reasonOf(
	conditions: Conditions,
	memory: Memory,
	{ text, number, beyond, at }: Value,
): Reason | undefined {
	const { changed, deadband, every } = conditions;
	if (!isInRange(conditions, number)) return "range";
	if (changed === true && memory.text === text) return "changed";
	if (!leavesDeadband(deadband, memory.number, number)) return "deadband";
	if (!crosses(conditions, memory.beyond, beyond)) return "threshold";
	if (every === undefined || memory.at === undefined) return undefined;
	// A clock that was set back must not silence a topic.
	return at < memory.at || at - memory.at >= every * 1_000 ? undefined : "every";
}

/** Returns whether the range lets a value be shown. A text is in none. */
export function isInRange({ min, max }: Conditions, number: number | undefined): boolean {
	if (min === undefined && max === undefined) return true;
	return number !== undefined && number >= (min ?? -Infinity) && number <= (max ?? Infinity);
}

function leavesDeadband(
	deadband: Conditions["deadband"],
	before: number | undefined,
	now: number | undefined,
): boolean {
	if (deadband === undefined || before === undefined || now === undefined) return true;
	const least =
		typeof deadband === "string" ? (Math.abs(before) * Number(deadband.slice(0, -1))) / 100 : deadband;
	return now !== before && Math.abs(now - before) >= least;
}

/** Returns the bound that a number is beyond. A number within the hysteresis stays where it was. */
function beyondOf(
	{ above, below, hysteresis = 0 }: Conditions,
	before: Memory["beyond"],
	number: number | undefined,
): Memory["beyond"] {
	if (number === undefined) return before;
	if (above !== undefined && number > (before === "above" ? above - hysteresis : above)) return "above";
	if (below !== undefined && number < (before === "below" ? below + hysteresis : below)) return "below";
	return undefined;
}

const crosses = ({ above, below }: Conditions, before: Memory["beyond"], now: Memory["beyond"]): boolean =>
	(above === undefined && below === undefined) || (now !== undefined && now !== before);
