import { describe, expect, test } from "vitest";
import type { Levels } from "../../../src/core/hosting.ts";
import { hatOf, hatsPayload } from "../../../src/xmpp/hosted/hats.ts";
import { alice, facts, inside, juliet, matrixPerson } from "./world.ts";

const bob = matrixPerson("bob", "Bob");
const levels = (of: Readonly<Record<string, number>>, more: Partial<Levels> = {}): Levels => ({
	...facts.levels!,
	of: new Map(Object.entries(of)),
	...more,
});
const key = "matrix @bob:hs.test";
const hat = (one: Levels) => hatOf({ levels: one }, bob)?.title;

describe("a hat of an occupant", () => {
	test("tells a power level that no affiliation and no role stands for", () => {
		expect([75, 49, 30, 101].map((level) => hat(levels({ [key]: level })))).toEqual([
			...["Power 75", "Power 49", "Power 30", "Power 101"],
		]);
		expect([-1, 0, 50, 100].map((level) => hat(levels({ [key]: level })))).toEqual(Array(4).fill(undefined));
		const needed = { ...facts.levels!.needed, kick: 25, redact: 30, speak: 10 };
		expect([25, 10, 5].map((level) => hat(levels({ [key]: level }, { needed, others: 5 })))).toEqual(
			Array(3).fill(undefined),
		);
	});

	test("tells who made the room and has every power there", () => {
		expect(hat(levels({ [key]: Number.MAX_SAFE_INTEGER }, { creators: new Set([key]) }))).toBe("Creator");
	});

	test("is known by the same URI in all rooms", () => {
		const one = hatOf({ levels: levels({ [key]: 75 }) }, bob)!;
		expect(String(hatsPayload(one, "bridge.test"))).toBe(
			'<hats xmlns="urn:xmpp:hats:0"><hat title="Power 75" uri="xmpp:bridge.test#power-75"/></hats>',
		);
	});

	test("is in the presences of its occupant, and a change of it is told", async () => {
		const world = await inside();
		const hatsOf = (jid: string) =>
			world.sent
				.splice(0)
				.filter(({ attrs }) => attrs.to === jid && attrs.from?.endsWith("/Alice"))
				.map((one) => one.getChild("hats")?.getChild("hat")?.attrs.title);
		const set = (level: number) =>
			world.happens(alice, {
				...{ kind: "facts", facts: { ...facts, levels: levels({ "matrix @alice:hs.test": level }) } },
			});
		set(60);
		set(75);
		set(50);
		await world.settle();
		expect(hatsOf(juliet)).toEqual(["Power 60", "Power 75", undefined]);
	});
});
