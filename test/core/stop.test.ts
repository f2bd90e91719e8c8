import { expect, test } from "vitest";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork } from "../fakes.ts";

test("a stop ends the networks one after the other, in reverse order of their starts, also after a failure", async () => {
	const steps: string[] = [];
	const network = (name: string) =>
		fakeNetwork(name, {
			pause: async () => void steps.push(`pause ${name}`),
			async stop() {
				steps.push(`stop ${name}`);
				await new Promise((resolve) => setImmediate(resolve));
				steps.push(`stopped ${name}`);
				if (name === "mars") throw new Error("no");
			},
		});
	const bridge = bridgeOf(["earth", "mars"].map(network), rulesFor({ "*": "use" }));
	await bridge.start();
	await bridge.stop(0);
	expect(steps).toEqual([
		"pause earth",
		"pause mars",
		"stop mars",
		"stopped mars",
		"stop earth",
		"stopped earth",
	]);
});
