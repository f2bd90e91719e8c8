import { expect, test } from "vitest";
import { createRoomMaking } from "../../src/core/room-making.ts";
import { noLimits } from "../bridge.ts";
import { fakeNetwork } from "../fakes.ts";

const mars = fakeNetwork("mars", { handle: (text) => text });
const [zog, troll] = [mars.person("zog"), mars.person("troll")];
const making = (create: readonly string[] | undefined, burst = 1) =>
	createRoomMaking({
		rules: {
			...(create && { create }),
			limits: { ...noLimits, createdRooms: { perMinute: 0.001, burst } },
		},
		allowed: ({ id }) => id !== troll.id,
	});

test("nobody makes rooms without a policy, and no more than the limit of a person with one", () => {
	expect(making(undefined).mayMake(zog)).toBe(false);
	expect(making([]).makesRooms(zog)).toBe(false);
	const { makesRooms, mayMake } = making(["*"]);
	expect(makesRooms(zog)).toBe(true);
	expect(mayMake(zog)).toBe(true);
	expect(() => mayMake(zog)).toThrow(/too many rooms/);
	expect(mayMake(mars.person("zag"))).toBe(true);
});

test("people whom the policy does not name make no rooms, and blocked ones none at all", () => {
	const venus = making(["*@venus"]);
	expect(venus.makesRooms(zog)).toBe(false);
	expect(() => venus.mayMake(zog)).toThrow(/gateway.create/);
	expect(() => making(["*"]).mayMake(troll)).toThrow(/blocked/);
});
