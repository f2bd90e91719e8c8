import { describe, expect, test } from "vitest";
import { linkUsage, optionsText, readLink } from "../../src/mqtt/link-options.ts";

describe("the options of a link to a topic filter", () => {
	test.each([
		["home/+/temperature", "home/+/temperature", {}],
		["home/living room/temperature", "home/living room/temperature", {}],
		["a/# show state", "a/#", { show: "state" }],
		["a/# retained skip", "a/#", { retained: "skip" }],
		[
			'a/+ unit "° C" value /t round 1 changed yes deadband 5% above -3',
			"a/+",
			{ value: "/t", unit: "° C", round: 1, only: { changed: true, deadband: "5%", above: -3 } },
		],
		[
			'"living room/+" template "{{value}} in {{topic.1}}"',
			"living room/+",
			{ template: "{{value}} in {{topic.1}}" },
		],
		[
			"a matches ^(open|closed)$ debounce 2 deadband 0.5",
			"a",
			{ only: { matches: "^(open|closed)$", debounce: 2, deadband: 0.5 } },
		],
	])("are read from %j", (typed, filter, shape) => expect(readLink(typed)).toEqual({ filter, shape }));

	test.each([
		["a value /t~", /“value” is wrong: it is the place of a value in JSON/],
		["a round 1.5", /“round” is wrong/],
		["a deadband -1", /“deadband” is wrong/],
		["a min 5 max 4", /“max” is wrong: it is not below “min”/],
		["a every 0", /“every” is wrong: it is a number of seconds/],
		["a matches (", /“matches” is wrong: it is a regular expression/],
		[
			'a template "{{valu}}"',
			/“template” is wrong: “valu” is none of value.*\(character 3 of the template\)/,
		],
		["a show nothing", /show message\|state\|both/],
		["a show state show both", /show message\|state\|both/],
		["a show state colour red", /show message\|state\|both/],
	])("that are wrong in %j are refused, with the cure", (typed, why) =>
		expect(() => readLink(typed)).toThrow(why),
	);

	test("are shown as they are typed", () => {
		const typed = 'a/+ show state value /t unit "° C" min 1 max 9 above 3 changed yes';
		const { filter, shape } = readLink(typed);
		expect(`${filter} ${optionsText(shape)}`).toBe(typed);
		expect(linkUsage).toMatch(
			/^FILTER \[show message\|state\|both\] \[retained show\|skip\] \[value POINTER\]/,
		);
	});
});
