import { describe, expect, test } from "vitest";
import { hostedWorld, romeo } from "./world.ts";

describe("a join of a hosted room", () => {
	test("brings the others, then the own presence, then the subject", async () => {
		const world = hostedWorld();
		await world.start();
		await world.join(romeo, "Romeo");
		expect(world.got(romeo)).toEqual([
			"presence Alice none/participant",
			"presence Romeo none/participant 100 110 170",
			"message subject Welcome",
		]);
	});
});
