import { describe, expect, test } from "vitest";
import { botLevel, levelsAfter, newLevels, statesOf } from "../../../src/matrix/hosting/settings.ts";
import { samplePerson } from "../samples.ts";

const [romeo, juliet, bot] = ["@romeo:hs.test", "@juliet:hs.test", "@bot:hs.test"];
const mxid = (whom: object) => ("id" in whom ? String(whom.id) : "");

describe("the settings of a room", () => {
	test("become the state events that they need, and no others", () => {
		expect(statesOf({})).toEqual([]);
		expect(statesOf({ name: "", entry: "invited", pastPublic: true, listed: true })).toEqual([
			{ type: "m.room.name", content: { name: "" } },
			{ type: "m.room.join_rules", content: { join_rule: "invite" } },
			{ type: "m.room.history_visibility", content: { history_visibility: "world_readable" } },
		]);
	});

	test("change the levels that they name and leave all others", () => {
		const before = { users: { [romeo]: 100, [juliet]: 50 }, ban: 50, events: { "m.room.message": 0 } };
		const after = levelsAfter(
			before,
			{
				needed: { speak: 10, topic: 0 },
				levels: [
					{ whom: samplePerson(juliet), level: undefined },
					{ whom: samplePerson(bot), level: 50 },
				],
			},
			mxid,
		);
		expect(after).toEqual({
			users: { [romeo]: 100, [bot]: 50 },
			ban: 50,
			events_default: 10,
			events: { "m.room.message": 10, "m.room.topic": 0 },
		});
	});

	test("let nobody but the bot turn encryption on in a new room", () => {
		const levels = newLevels(romeo, bot) as { users: Record<string, number>; events: Record<string, number> };
		expect(levels.users).toEqual({ [romeo]: 100, [bot]: botLevel });
		expect(levels.events["m.room.encryption"]).toBeGreaterThan(100);
		// From room version 12 on, a creator in the list of levels would make the homeserver refuse the room.
		expect(newLevels(romeo, undefined).users).toEqual({ [romeo]: 100 });
	});
});
