/** The conditions under which a mirror shows a value. Pure: the state of a topic goes in and comes out. */

export type Conditions = Readonly<{
	/** Only a value that differs from the one shown last. */
	changed?: boolean;
	/** Only a number that differs from the one shown last by at least this much, or by this percentage of it (`5%`). */
	deadband?: number | string;
	/** Only when a number rises above, or falls below, a bound: once, until it has come back past the bound by `hysteresis`. */
	above?: number;
	below?: number;
	hysteresis?: number;
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

/** Returns whether a value is shown, and the memory after it. `at`: the time of the value, in ms since 1970. */
export function decide(
	conditions: Conditions,
	memory: Memory,
	text: string,
	at: number,
): Readonly<{ shows: boolean; memory: Memory }> {
	const number = numberOf(text);
	const beyond = beyondOf(conditions, memory.beyond, number);
	const shows =
		(conditions.changed !== true || memory.text !== text) &&
		leavesDeadband(conditions.deadband, memory.number, number) &&
		crosses(conditions, memory.beyond, beyond) &&
		(conditions.every === undefined ||
			memory.at === undefined ||
			// A clock that was set back must not silence a topic.
			at < memory.at ||
			at - memory.at >= conditions.every * 1_000);
	const side = beyond && { beyond };
	if (!shows) {
		const { beyond: _, ...rest } = memory;
		return { shows, memory: { ...rest, ...side } };
	}
	return { shows, memory: { text, at, ...(number !== undefined && { number }), ...side } };
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
