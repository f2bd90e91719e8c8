import { describe, expect, test } from "vitest";
import { levelOf, mayDo } from "../../../src/core/hosting.ts";
import type { Content } from "../../../src/matrix/event.ts";
import { creatorLevel, creatorsOf, levelsOf } from "../../../src/matrix/hosting/levels.ts";
import { samplePerson } from "../samples.ts";

const [ann, bob, cleo] = ["@ann:hs.test", "@bob:hs.test", "@cleo:hs.test"] as const;
const read = (levels: Content | undefined, create: Content = { room_version: "11" }) =>
	levelsOf(levels, creatorsOf(create, ann), samplePerson);

describe("the power levels of a room", () => {
	test("have the defaults of the specification", () => {
		expect(read({ users: { [bob]: 50 } })).toMatchObject({
			others: 0,
			needed: {
				...{ speak: 0, invite: 0, topic: 50, name: 50, picture: 50 },
				...{ levels: 50, redact: 50, kick: 50, ban: 50 },
			},
		});
	});

	test("take each act from its own field, and texts of old rooms as numbers", () => {
		const levels = read({
			...{
				users_default: "10",
				events_default: 20,
				state_default: 30,
				kick: 40,
				ban: 60,
				invite: 70,
				redact: 15,
			},
			events: { "m.room.topic": 5, "m.room.power_levels": 90 },
		});
		expect(levels.others).toBe(10);
		expect(levels.needed).toEqual({
			...{ speak: 20, topic: 5, name: 30, picture: 30, levels: 90, kick: 40, ban: 60, invite: 70 },
			// A moderator has to be able to send the redaction itself.
			redact: 20,
		});
	});

	test("give the creator 100 in a room without any, and no more than is written in one with them", () => {
		expect(levelOf(read(undefined), samplePerson(ann))).toBe(100);
		expect(levelOf(read({ users: { [bob]: 50 } }), samplePerson(ann))).toBe(0);
		expect(levelOf(read({ users: { [ann]: 100 } }), samplePerson(ann))).toBe(100);
	});

	test("are above all others for the creators from room version 12 on, whatever is written", () => {
		const levels = read({ users: { [bob]: 100 } }, { room_version: "12", additional_creators: [cleo, 7] });
		for (const creator of [ann, cleo]) expect(levelOf(levels, samplePerson(creator))).toBe(creatorLevel);
		expect(levelOf(levels, samplePerson(bob))).toBe(100);
		expect(mayDo(levels, samplePerson(bob), "levels")).toBe(true);
		expect([...levels.creators].sort()).toEqual([`matrix ${ann}`, `matrix ${cleo}`]);
		expect(levels.people.map(({ id }) => id)).toEqual([ann, cleo, bob]);
		const old = read({ users: {} }, { room_version: "11", additional_creators: [cleo] });
		expect(levelOf(old, samplePerson(cleo))).toBe(0);
		expect([old.people, old.creators.size]).toEqual([[], 0]);
	});

	test("are not fooled by names that every object has", () => {
		const levels = read({ users: {}, events: {} });
		expect(levelOf(levels, samplePerson("constructor"))).toBe(0);
		expect(levels.needed.topic).toBe(50);
	});
});
