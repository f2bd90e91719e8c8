import { expect, test } from "vitest";
import { picture } from "./picture.ts";
import { stories } from "./scenarios/script.ts";

// test/e2e/scenarios.test.ts acts the same conversation, so what is drawn is what people read.
test("the picture in what-crosses.md is drawn from a conversation that is acted on real servers", async () => {
	const story = stories.find(({ file }) => file === "balcony.yaml");
	if (!story) throw new Error("no balcony.yaml");
	await expect(picture(story)).toMatchFileSnapshot("../docs/what-crosses.svg");
});
