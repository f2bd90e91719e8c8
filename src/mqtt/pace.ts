import type { Pace } from "./flood.ts";
import type { Shape } from "./shape.ts";

/** Conditions that the latest value decides alone. Under any other, a value in between may be the one to show. */
const ofLatest: ReadonlySet<string> = new Set(["changed", "deadband", "every"]);

/** Returns how the values of a topic go on in a flood, by the mirrors that show it. */
export function paceOf(mirrors: readonly Pick<Shape, "only" | "show">[]): Pace {
	const isEvery = ({ only = {} }: Pick<Shape, "only">) => Object.keys(only).some((key) => !ofLatest.has(key));
	if (mirrors.length === 0 || mirrors.some(isEvery)) return "each";
	return mirrors.every(({ show }) => show === "state") ? "latest" : "digest";
}
