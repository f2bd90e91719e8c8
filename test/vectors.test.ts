import { expect, test } from "vitest";
import { directions, kindsOf } from "./vectors.ts";

test.each(directions)("vectors %s stand in one file per kind", (direction) => {
	expect(kindsOf(direction)).toEqual(
		expect.arrayContaining(["message", "emote", "formatted", "mention", "edit", "reply", "thread", "files"]),
	);
});
