import { expect, test } from "vitest";
import { picture } from "./picture.ts";
import { stories } from "./scenarios/script.ts";

// test/e2e/scenarios.test.ts plays the same conversation on real servers, so the picture shows what people read.
test("the picture in what-crosses.md is drawn from a scenario of the end-to-end tests", async () => {
	const story = stories.find(({ file }) => file === "balcony.yaml");
	if (!story) throw new Error("no balcony.yaml");
	await expect(picture(story)).toMatchFileSnapshot("../docs/what-crosses.svg");
});
