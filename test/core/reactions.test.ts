import fc from "fast-check";
import { expect, test } from "vitest";
import { changed, sameEmoji, sameSet } from "../../src/core/reactions.ts";

const emoji = fc.constantFrom("👍", "❤️", "❤", "🎉", ":party:", "👩‍🚀");
const set = fc.uniqueArray(emoji, { comparator: sameEmoji });

test("an emoji with and without the variation selector is one emoji", () => {
	expect(changed(["❤️"], "add", ["❤"])).toEqual(["❤️"]);
	expect(changed(["❤️", "👍"], "remove", ["❤"])).toEqual(["👍"]);
	expect(changed(["❤️"], "set", ["❤", "👍"])).toEqual(["❤️", "👍"]);
});

test("changed is idempotent and returns a set", () => {
	fc.assert(
		fc.property(set, fc.constantFrom("add", "remove", "set"), fc.array(emoji), (before, mode, change) => {
			const once = changed(before, mode, change);
			expect(changed(once, mode, change)).toEqual(once);
			expect(once.filter((one, index) => once.findIndex((other) => sameEmoji(one, other)) !== index)).toEqual(
				[],
			);
		}),
	);
});

test("add and remove undo each other, and set replaces all earlier emoji", () => {
	fc.assert(
		fc.property(set, set, (before, change) => {
			const fresh = change.filter((one) => !before.some((other) => sameEmoji(one, other)));
			expect(changed(changed(before, "add", fresh), "remove", fresh)).toEqual(before);
			expect(sameSet(changed(before, "set", change), change)).toBe(true);
		}),
	);
});
