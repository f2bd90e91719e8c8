import type { Pace } from "./flood.ts";
import type { Shape } from "./shape.ts";
import { hasBound } from "./sorts.ts";

/** Returns how the values of a topic go on in a flood, by the mirrors that show it. */
export function paceOf(mirrors: readonly Pick<Shape, "only" | "show">[]): Pace {
	if (mirrors.length === 0) return "each";
	/** A crossing is news by itself, and a debounced value is the last one anyway: neither needs a digest of what came before. */
	const isLatest = ({ show, only = {} }: Pick<Shape, "only" | "show">) =>
		show === "state" || hasBound(only) || only.debounce !== undefined;
	return mirrors.every(isLatest) ? "latest" : "digest";
}
