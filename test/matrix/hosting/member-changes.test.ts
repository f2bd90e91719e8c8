import { describe, expect, test } from "vitest";
import { memberChangeIn } from "../../../src/matrix/hosting/member-changes.ts";
import { sampleEvent, samplePerson } from "../samples.ts";
import { lineOf } from "./world.ts";

const [ann, mod] = ["@ann:hs.test", "@mod:hs.test"] as const;
/** Returns the line of a member event of ann; `before`: her name before, if she was in the room. */
function line(content: object, before?: string, sender: string = ann, unsigned: object = {}) {
	const member = { type: "m.room.member", state_key: ann, sender, content: { ...content }, unsigned };
	const what = memberChangeIn(sampleEvent(member as never), { person: samplePerson, before: () => before });
	return what && lineOf({ what, sender: samplePerson(sender) } as never);
}

describe("a member event", () => {
	test.each([
		["a join", { membership: "join", displayname: "Ann" }, undefined, ann, "Ann (matrix) is in"],
		["a join without a name", { membership: "join" }, undefined, ann, "ann (matrix) is in"],
		["a new name", { membership: "join", displayname: "Anna" }, "Ann", ann, "Anna (matrix) is profile"],
		["another picture", { membership: "join", displayname: "Ann" }, "Ann", ann, undefined],
		["a leave", { membership: "leave", reason: "bye" }, "Ann", ann, "Ann (matrix) is out: bye"],
		["a kick", { membership: "leave" }, "Ann", mod, "Ann (matrix) is out by mod"],
		["a ban", { membership: "ban", reason: "rude" }, "Ann", mod, "Ann (matrix) is banned by mod: rude"],
		["an invitation", { membership: "invite" }, undefined, mod, "ann (matrix) is invited by mod"],
		["a withdrawn invitation", { membership: "leave" }, undefined, mod, "ann (matrix) is out by mod"],
		["a knock", { membership: "knock" }, undefined, ann, undefined],
		["no membership", { membership: 7 }, "Ann", ann, undefined],
	])("of %s", (_name, content, before, sender, expected) => {
		expect(line(content, before, sender)).toBe(expected);
	});

	test("of a knock that is taken back shows nothing", () => {
		const unsigned = { prev_content: { membership: "knock" } };
		expect(line({ membership: "leave" }, undefined, ann, unsigned)).toBeUndefined();
	});
});
