import { expect, test } from "vitest";
import type { NetworkName } from "../../src/core/ids.ts";
import { bridgeOf, rulesFor } from "../bridge.ts";
import { fakeNetwork } from "../fakes.ts";

test("a search finds the people to whom the person may write, and nobody who is blocked", async () => {
	const mars = fakeNetwork("mars");
	const earth = fakeNetwork("earth", {
		searchPeople: async (words, by) => [
			earth.person(`${words} of ${by.id}`),
			earth.person("troll"),
			{ ...earth.person("stranger"), local: undefined } as never,
		],
	});
	const bridge = bridgeOf([earth, mars], rulesFor({ "*": "use", "troll@*": "block" }));
	const found = await bridge.searchPeople(earth.name, "ann", mars.person("zog"));
	expect(found.map(({ name }) => name)).toEqual(["ann of zog@mars"]);
	expect(await bridge.searchPeople(earth.name, "ann", mars.person("troll"))).toEqual([]);
});

test("a network whose people have no names to search by says so", async () => {
	const mars = fakeNetwork("mars");
	const bridge = bridgeOf([mars], rulesFor({ "*": "use" }));
	for (const name of ["mars", "venus"] as NetworkName[])
		await expect(bridge.searchPeople(name, "x", mars.person("zog"))).rejects.toThrow(/by their address only/);
});
