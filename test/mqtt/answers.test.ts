import { describe, expect, test } from "vitest";
import type { BridgeEvent, Message, Reaction } from "../../src/core/event.ts";
import type { MessageId, OperationId, RoomId } from "../../src/core/ids.ts";
import type { Outbound } from "../../src/core/network.ts";
import { createAnswers } from "../../src/mqtt/answers.ts";
import { type Control, controlsOf, orderFor } from "../../src/mqtt/controls.ts";
import { readAnnouncement } from "../../src/mqtt/discovery.ts";
import { device } from "../../src/mqtt/from-mqtt.ts";
import { type Answers, createPublishPolicy } from "../../src/mqtt/publish-policy.ts";
import { createPublisher } from "../../src/mqtt/publisher.ts";
import { createResponses } from "../../src/mqtt/responses.ts";
import { latestId, topicOf, valueId } from "../../src/mqtt/value-ids.ts";
import { message, person } from "../store/sample.ts";

const room = "home/z/+" as RoomId;
const lamp = valueId("7f3a", "z/lamp");
const control = (more: Partial<Control>): Control => ({
	name: "switch",
	component: "switch",
	topic: "z/lamp/set",
	payloads: {},
	retain: false,
	...more,
});
const onOff = control({ payloads: { on: "ON", off: "OFF" } });
const brightness = control({
	name: "Brightness",
	topic: "z/lamp/dim",
	min: 0,
	max: 254,
	template: '{"b":{{ value }}}',
});

function world(
	answers: Answers,
	{ controls = [], code = 0 }: { controls?: readonly Control[]; code?: number } = {},
) {
	const published: string[] = [];
	const results: Message[] = [];
	const extras: unknown[] = [];
	const policy = { allow: ["@alice:*"], topics: ["z/+/set", "z/+/dim", "reply/#"], ...answers };
	const portal = {
		id: "p",
		links: [{ id: "l", network: "mqtt", role: "mirror", room, in: true, out: false }],
	} as unknown as Outbound["portal"];
	const responses = createResponses();
	const one = createAnswers({
		responseOf: responses.of,
		options: new Map([[room, policy]]),
		controls: () => controls,
		thing: (_room, topic) => ({ ...device("home", topic), name: "the lamp" }),
		publish: createPublisher({
			bridge: () => ({ allows: () => false, portal: async () => portal }),
			async publish(_broker, topic, payload, more) {
				published.push(`${topic} ${payload}`);
				extras.push(more);
				return code;
			},
			mayPublish: createPublishPolicy(new Map([[room, policy]])),
		}),
		receive: async (result) => void results.push(result),
	});
	const alice = { ...person("alice"), handles: ["@alice:hs.test"] };
	const out = (event: BridgeEvent, more: Partial<Outbound> = {}) =>
		({
			event,
			room,
			portal,
			operation: "op" as OperationId,
			refs: { $lamp: [lamp] },
			shown: [],
			...more,
		}) as unknown as Outbound;
	const replyTo = { id: "$lamp" as MessageId };
	const reply = (text: string, from = alice) =>
		one.send(out({ ...message("$reply"), sender: from, text, replyTo } as Message));
	const react = (emoji: readonly string[], shown: readonly string[] = []) => {
		const { id, at } = message("$reaction");
		const event: Reaction = {
			id,
			at,
			room,
			sender: alice,
			kind: "reaction",
			mode: "set",
			emoji,
			target: replyTo,
		};
		return one.send(out(event, { shown: shown.map((each) => ({ emoji: each })) }));
	};
	return { ...one, responses, published, results, extras, reply, react, out };
}

describe("a reply to the message of a thing", () => {
	test("is published to the thing's command topic, and the thing answers with the result", async () => {
		const { reply, published, results, extras } = world({ command: "z/{{topic.2}}/set" });
		expect(await reply(" on ")).toEqual(["op"]);
		expect(published).toEqual(["z/lamp/set on"]);
		expect(extras).toEqual([{ operation: "op" }]);
		expect(results).toMatchObject([
			{ text: "Published to z/lamp/set.", replyTo: { id: "op" }, sender: { name: "the lamp" }, room },
		]);
	});

	test("is told when nobody listens there", async () => {
		const { reply, results } = world({ command: "z/{{topic.2}}/set" }, { code: 0x10 });
		await reply("on");
		expect(results[0]?.text).toBe("Published to z/lamp/set, but nobody is listening there.");
	});

	test.each([
		[
			"of a person whom the mirror does not allow",
			"z/{{topic.2}}/set",
			"@eve:hs.test",
			/you may not publish/,
		],
		[
			"to a topic that the mirror does not allow",
			"z/{{topic.2}}/reset",
			"@alice:hs.test",
			/may not publish to z\/lamp\/reset/,
		],
	])("%s is refused, with the reason", async (_, command, handle, why) => {
		const { reply, published } = world({ command });
		await expect(reply("on", { ...person("x"), handles: [handle] })).rejects.toThrow(why);
		expect(published).toEqual([]);
	});

	test("is refused when it waited while the bridge was away", async () => {
		const { send, out, published } = world({ command: "z/{{topic.2}}/set" });
		const late = {
			...message("$reply"),
			text: "on",
			replyTo: { id: "$lamp" as MessageId },
			late: true,
		} as Message;
		await expect(send(out(late))).rejects.toThrow(/Say it again/);
		expect(published).toEqual([]);
	});

	test("goes to the response topic that the value named, with its correlation data", async () => {
		const { reply, responses, published, extras } = world({ command: "z/{{topic.2}}/set" });
		const correlation = new Uint8Array([1, 2]);
		responses.note(lamp, { topic: "reply/7", correlation });
		await reply("yes");
		expect(published).toEqual(["reply/7 yes"]);
		expect(extras).toEqual([{ operation: "op", correlation }]);
	});

	test("to a device that announced itself is translated into its command, or refused with what it understands", async () => {
		const { reply, published } = world({}, { controls: [onOff, brightness] });
		await reply("On");
		await reply("brightness 128");
		expect(published).toEqual(["z/lamp/set ON", 'z/lamp/dim {"b":128}']);
		await expect(reply("maybe")).rejects.toThrow(/It takes: switch on \| off; Brightness 0 to 254/);
	});

	test("in a room without commands, or to the message of a person, is published nowhere", async () => {
		const { reply, published, send, out } = world({});
		await reply("on");
		await send(out({ ...message("$r"), replyTo: { id: "$chat" as MessageId } } as Message));
		expect(published).toEqual([]);
	});
});

describe("a reaction to the message of a thing", () => {
	const reactions = {
		"💡": { topic: "z/{{topic.2}}/set", payload: "ON" },
		"❄": { topic: "z/{{topic.2}}/set", payload: "OFF" },
	};

	test("publishes what the mirror has for it, once, in either form of the emoji", async () => {
		const { react, published } = world({ reactions });
		await react(["💡", "👍"]);
		await react(["💡", "❄️"], ["💡"]);
		await react(["💡"], ["💡", "❄️"]);
		expect(published).toEqual(["z/lamp/set ON", "z/lamp/set OFF"]);
	});
});

/** Returns the commands of a part that announces a command topic and no more. */
const announced = (component: string) =>
	controlsOf(
		readAnnouncement("ha", `ha/${component}/x/config`, '{"name":"X","command_topic":"x/set"}') ?? [],
	);

describe("controlsOf", () => {
	test("knows the words of a vacuum cleaner and of a humidifier", () => {
		expect(orderFor(announced("vacuum"), "home")).toMatchObject({
			topic: "x/set",
			payload: "return_to_base",
		});
		expect(orderFor(announced("humidifier"), "off")).toMatchObject({ topic: "x/set", payload: "OFF" });
		expect(orderFor(announced("vacuum"), "thanks")).toEqual({
			understands: ["X start | pause | stop | home | locate"],
		});
	});

	test("offers no free value of a part whose words it does not know", () => {
		expect(announced("alarm_control_panel")).toEqual([]);
		expect(orderFor(announced("text"), "thanks")).toMatchObject({ payload: "thanks" });
	});
});

describe("orderFor", () => {
	test.each([
		["brightness 300", { understands: ["switch on | off", "Brightness 0 to 254"] }],
		["255", { understands: ["switch on | off", "Brightness 0 to 254"] }],
		["12", { topic: "z/lamp/dim", payload: '{"b":12}', retain: false }],
		["constructor", { understands: ["switch on | off", "Brightness 0 to 254"] }],
	])("of %j", (text, order) => expect(orderFor([onOff, brightness], text)).toEqual(order));

	test("takes no words for a number without bounds", () => {
		const target = control({ name: "Target", component: "number" });
		for (const text of ["thanks", "", " "])
			expect(orderFor([target], text)).toEqual({ understands: ["Target a number"] });
		expect(orderFor([target], "target 21")).toMatchObject({ payload: "21" });
	});

	test("puts a value into a template as it is", () =>
		expect(orderFor([control({ template: "<{{value}}>" })], "$& $1")).toMatchObject({ payload: "<$& $1>" }));

	test("puts the words of a control through its template, and off through that of its own", () => {
		const payloads = { on: "ON", off: "OFF" };
		const siren = control({ payloads, template: '{"tone":"{{ value }}"}', offTemplate: '{"stop":1}' });
		expect(orderFor([siren], "on")).toMatchObject({ payload: '{"tone":"ON"}' });
		expect(orderFor([siren], "off")).toMatchObject({ payload: '{"stop":1}' });
	});

	test("gives the template of a number a number, and that of a text a text", () => {
		const template = "{{ {'set': value} | to_json }}";
		expect(orderFor([control({ component: "number", template })], "21.5")).toMatchObject({
			payload: '{"set":21.5}',
		});
		expect(orderFor([control({ component: "text", template })], "21.5")).toMatchObject({
			payload: '{"set":"21.5"}',
		});
	});
});

test("the id of a value names its topic, unless that is too long", () => {
	for (const topic of ["a", "a b/c", "latest x/y"]) {
		expect(topicOf(valueId("id", topic))).toBe(topic);
		expect(topicOf(latestId(valueId("id", topic)))).toBe(topic);
	}
	expect(topicOf(valueId("id", "t".repeat(300)))).toBeUndefined();
	expect(topicOf("old-id" as MessageId)).toBeUndefined();
});
