import { expect, test } from "vitest";
import type { PortalId } from "../../src/core/ids.ts";
import { createInFlight } from "../../src/core/in-flight.ts";

const [here, there] = ["here", "there"] as PortalId[] as [PortalId, PortalId];

test("settled resolves when all in-flight deliveries of the portal have settled, also by a failure", async () => {
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
	// A delivery that begins after the wait does not extend it.
	void inFlight.add(here, new Promise(() => undefined));
	expect(over).toBe(false);
	two.reject(new Error("refused"));
	await wait;
	await expect(sends[1]).rejects.toThrow("refused");
});

test("settled resolves after the given time, and at once without in-flight deliveries", async () => {
	const inFlight = createInFlight();
	void inFlight.add(here, new Promise(() => undefined));
	await inFlight.settled(here, 10);
	await inFlight.settled(there, 60_000);
});
