import { createBoundedMap } from "../core/bounded-map.ts";
import { type Conditions, isInRange, numberOf } from "./changes.ts";
import type { Shape } from "./shape.ts";

/**
 * How the conditions of mirrors take a value. unseen: none shows it. debounced: it waits for the silence of its topic. shown: a
 * mirror shows it, as far as its value alone decides. crossing: it crosses a bound, so it goes before all others.
 */
export type Use = "unseen" | "debounced" | "shown" | "crossing";
const uses: readonly Use[] = ["unseen", "debounced", "shown", "crossing"];
/** The sort of a value. Values of one sort are the same to the conditions of all mirrors: the latest stands for the others. */
export type Sort = Readonly<{ name: string; use: Use }>;

/** Returns the use that counts of two. */
export const moreOf = (one: Use, other: Use): Use => (uses.indexOf(one) > uses.indexOf(other) ? one : other);

/** The sort of a value on a topic without conditions that decide by more than the latest value. */
export const plain: Sort = { name: "", use: "shown" };

/** Conditions under which a value in between may be the one to show. The others need the latest value alone. */
const deciding: readonly (keyof Conditions)[] = ["matches", "min", "max", "above", "below", "debounce"];
/** Returns whether a mirror shows crossings of a bound alone. */
export const hasBound = ({ above, below }: Conditions): boolean => above !== undefined || below !== undefined;
/** Returns whether a mirror has no message for a value from before the subscription. */
export const skipsRetained = ({ retained, show }: Pick<Shape, "retained" | "show">): boolean =>
	retained === "skip" && show !== "state";
export const isDeciding = ({ only = {}, ...more }: Pick<Shape, "only" | "retained" | "show">): boolean =>
	skipsRetained(more) || deciding.some((key) => only[key] !== undefined);

/** A mirror of a topic: how it reads a value, and its conditions. */
export type Sorted<Arrival> = Pick<Shape, "only" | "retained" | "show"> &
	Readonly<{
		matches?(text: string): boolean;
		/** Returns the text that the conditions compare: null clears the topic, undefined is a file. */
		compared(arrival: Arrival): string | null | undefined;
		/** A value came that waits until its topic is silent. */
		heard(): void;
	}>;

/** Returns where a number lies: numbers at one place are beyond the same bounds, whatever was before. */
function placeOf({ above, below, hysteresis = 0 }: Conditions, number: number): string {
	const bounds = [
		...(above === undefined ? [] : [above, above - hysteresis]),
		...(below === undefined ? [] : [below, below + hysteresis]),
	];
	return bounds.map((bound) => Math.sign(number - bound)).join();
}

/** Most subscriptions of one topic and mirror whose last numbers are remembered; the next number of any other crosses its bound. */
const mostCopies = 16;

/**
 * Returns the function that sorts the values of one topic, in the order of their arrival. A broker may send a value once for
 * each subscription: the copies have the same sort. [MQTT-3.3.4-5]
 */
export function createSorter<
	Arrival extends Readonly<{ retain: boolean; subscriptions?: readonly number[] }>,
>(mirrors: readonly Sorted<Arrival>[]): (arrival: Arrival) => Sort {
	/** By mirror and subscriptions: the place of the last number. */
	const places = createBoundedMap<string, string>(mostCopies * mirrors.length);

	function sortFor(one: Sorted<Arrival>, index: number, arrival: Arrival): Sort {
		const { only = {}, matches, heard } = one;
		if (!isDeciding(one)) return plain;
		// A value from before the subscription stands for none that came since.
		if (arrival.retain && skipsRetained(one))
			return { name: "retained", use: one.show === "both" ? "shown" : "unseen" };
		const text = one.compared(arrival);
		if (text === null) return { name: "cleared", use: "shown" };
		if (text === undefined) return { name: "file", use: "shown" };
		if (matches?.(text) === false) return { name: "other", use: "unseen" };
		if (only.debounce !== undefined) {
			heard();
			return { name: "debounced", use: "debounced" };
		}
		const number = numberOf(text);
		const inRange = isInRange(only, number);
		if (!hasBound(only)) return inRange ? plain : { name: "out of range", use: "unseen" };
		if (number === undefined) return { name: "words", use: "unseen" };
		// A number out of the range is not shown and may cross a bound all the same.
		const name = placeOf(only, number) + (inRange ? "" : " out of range");
		const key = `${index} ${arrival.subscriptions ?? ""}`;
		const before = places.get(key);
		places.set(key, name);
		return { name, use: name === before ? "unseen" : "crossing" };
	}

	return (arrival) => {
		const all = mirrors.map((one, index) => sortFor(one, index, arrival));
		return {
			name: all.map(({ name }) => name).join(" "),
			use: all.reduce<Use>((most, { use }) => moreOf(most, use), "unseen"),
		};
	};
}
