import { expect, test } from "vitest";
import type { PortalId } from "../../src/core/ids.ts";
import { createInFlight } from "../../src/core/in-flight.ts";

const [here, there] = ["here", "there"] as PortalId[] as [PortalId, PortalId];

test("the wait ends when all that was under way in the portal has settled, also by a failure", async () => {
	const inFlight = createInFlight();
	const [one, two, other] = [0, 1, 2].map(() => Promise.withResolvers<string>()) as [
		PromiseWithResolvers<string>,
		PromiseWithResolvers<string>,
		PromiseWithResolvers<string>,
	];
	const sends = [inFlight.add(here, one.promise), inFlight.add(here, two.promise)];
	void inFlight.add(there, other.promise);
	let over = false;
	const wait = inFlight.settled(here, 60_000).then(() => {
		over = true;
	});
	one.resolve("id");
	expect(await sends[0]).toBe("id");
	// Came after the wait began: it is not waited for.
	void inFlight.add(here, new Promise(() => undefined));
	expect(over).toBe(false);
	two.reject(new Error("refused"));
	await wait;
	await expect(sends[1]).rejects.toThrow("refused");
});

test("the wait ends after the time it was given, and at once where nothing is under way", async () => {
	const inFlight = createInFlight();
	void inFlight.add(here, new Promise(() => undefined));
	await inFlight.settled(here, 10);
	await inFlight.settled(there, 60_000);
});
