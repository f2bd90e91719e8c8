import type { Reaction } from "./event.ts";
import type { Reaction as Shown } from "./journal.ts";

/** Returns an emoji without the variation selector, so that both spellings of it are equal. */
const spelling = (emoji: string) => emoji.replaceAll("\uFE0F", "");
export const sameEmoji = (one: string, other: string) => spelling(one) === spelling(other);

const has = (set: readonly string[], emoji: string) => set.some((one) => sameEmoji(one, emoji));

/** Returns the set after a change. Idempotent. */
export function changed(
	set: readonly string[],
	mode: Reaction["mode"],
	emoji: readonly string[],
): readonly string[] {
	const unique = (all: readonly string[]) => all.filter((one, index) => !has(all.slice(0, index), one));
	switch (mode) {
		case "add":
			return unique([...set, ...emoji]);
		case "remove":
			return set.filter((one) => !has(emoji, one));
		case "set":
			// An emoji that stays keeps its spelling, so that it is not taken back and added again.
			return unique(emoji).map((one) => set.find((old) => sameEmoji(old, one)) ?? one);
	}
}

export const sameSet = (one: readonly string[], other: readonly string[]) =>
	one.length === other.length && one.every((emoji) => has(other, emoji));

/** Returns the emoji that were not shown before. */
export const newIn = (emoji: readonly string[], shown: readonly Shown[]) =>
	emoji.filter((one) => !shown.some((before) => sameEmoji(before.emoji, one)));
