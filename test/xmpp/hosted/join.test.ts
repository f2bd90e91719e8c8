import { describe, expect, test } from "vitest";
import { hostedWorld, lobby, matrixPerson, romeo } from "./world.ts";

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

	// Poezio drops each stanza from a nick that stringprep does not know.
	test("shows a name with emoji beside a nick without them", async () => {
		const world = hostedWorld([matrixPerson("bob", "Bob 🎉")]);
		await world.start();
		await world.join(romeo, "Romeo");
		const bob = world.sent.find(({ attrs }) => attrs.from === `${lobby}/Bob`);
		expect(bob?.getChild("nick", "http://jabber.org/protocol/nick")?.getText()).toBe("Bob 🎉");
	});
});
