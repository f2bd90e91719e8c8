import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { nothingShown } from "../../src/core/capabilities.ts";
import { downgrade } from "../../src/core/downgrade.ts";
import type { BridgeEvent, Media, State } from "../../src/core/event.ts";
import type { MessageId, OperationId, RoomId } from "../../src/core/ids.ts";
import type { Outbound } from "../../src/core/network.ts";
import { createAnswers } from "../../src/mqtt/answers.ts";
import { createDevices } from "../../src/mqtt/devices.ts";
import { createMirrorRooms } from "../../src/mqtt/mirror-rooms.ts";
import { createPublishPolicy, type PublishPolicy } from "../../src/mqtt/publish-policy.ts";
import { createPublisher } from "../../src/mqtt/publisher.ts";
import { type Shape, shapeText } from "../../src/mqtt/shape.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { valueId } from "../../src/mqtt/value-ids.ts";
import { quiet } from "../fakes.ts";
import { message, person } from "../store/sample.ts";

/** One message as people read it. `answers`: the place of the message that it replies to. */
type Said = Readonly<{ who: string; words: string; edited?: true; picture?: true; answers?: number }>;

/** The sections of docs/mqtt.md with a mirror and publications: its title, its mirror, and its lines. */
const page = readFileSync("docs/mqtt.md", "utf8");
const examples = page
	.split(/^## /m)
	.map((section) => {
		const [, yaml = ""] = /```yaml\n(.*?)```/s.exec(section) ?? [];
		const [, lines = ""] = /```sh\n(.*?)```/s.exec(section) ?? [];
		const title = section.split("\n")[0] ?? "";
		return { title, yaml, lines: lines.trim().split("\n") };
	})
	.filter(({ yaml, lines }) => yaml !== "" && lines.join("") !== "");

type Mirror = Shape & Readonly<{ broker: string; topic: string; room: string; publish?: PublishPolicy }>;
const both = {
	...nothingShown,
	message: "native",
	edit: "native",
	state: "text",
	media: "native",
	reply: "native",
} as const;

/** Runs an example through the bridge's own translation; returns what people read, in order. */
async function play({ yaml, lines }: (typeof examples)[number]): Promise<readonly Said[]> {
	const [mirror] = (parse(yaml) as { mirrors: Mirror[] }).mirrors;
	if (!mirror) throw new Error("no mirror");
	const { broker, topic: filter, room: _room, publish, ...shape } = mirror;
	const room = roomOf(broker, filter, shapeText(shape));
	const said: Said[] = [];
	/** By the id of a value, the place of the message that shows it. */
	const places = new Map<string, number>();
	const devices = createDevices("homeassistant", quiet);
	const rooms = createMirrorRooms({
		filtered: () => undefined,
		receive: async () => undefined,
		later: () => () => undefined,
		guarded: (_, sort) => sort,
		thing: (_broker, topic) => devices.at(topic),
		files: {
			keep: (bytes, name): Media => {
				const source = { network: "mqtt" as never, ref: "file" };
				return { kind: "image", name, mime: "image/jpeg", size: bytes.length, source };
			},
		},
	});
	rooms.add(room);
	function show(event: BridgeEvent): void {
		const target =
			event.kind === "state" ? event.replaces : event.kind === "message" ? event.replyTo : undefined;
		const at = places.get(target?.id ?? "");
		const fit = downgrade(event, both, target ? { [target.id]: ["known" as MessageId] } : {});
		if (fit?.kind !== "message" && fit?.kind !== "edit") throw new Error(`nothing is shown of ${event.kind}`);
		const line = {
			who: fit.sender.name ?? "?",
			words: fit.text,
			...(fit.media && { picture: true as const }),
		};
		if (fit.kind === "edit" && at !== undefined) said[at] = { ...line, edited: true };
		else said.push({ ...line, ...(at !== undefined && { answers: at }) });
		places.set(event.id, at !== undefined && fit.kind === "edit" ? at : said.length - 1);
	}
	const portal = { links: [{ id: "l", network: "mqtt", room }] } as unknown as Outbound["portal"];
	const policies = new Map<RoomId, PublishPolicy>(publish ? [[room, publish]] : []);
	const answers = createAnswers({
		responseOf: () => undefined,
		options: policies,
		controls: () => [],
		thing: rooms.person,
		publish: createPublisher({
			bridge: () => ({ allows: () => false, portal: async () => portal }),
			publish: async () => 0,
			mayPublish: createPublishPolicy(policies),
		}),
		receive: async (result) => show(result),
	});
	let last: State | undefined;
	for (const [count, line] of lines.entries()) {
		const [, who, text] = /^# (\w+) replies: (.*)$/.exec(line) ?? [];
		if (who && text && last) {
			const sender = { ...person(who), name: who, handles: [`@${who.toLowerCase()}:example.org`] };
			const event = { ...message(`reply ${count}`), sender, text, replyTo: { id: last.id } };
			show(event);
			places.set(`answer ${count}`, said.length - 1);
			const refs = { [last.id]: [last.id] };
			const out = { event, room, refs, portal, operation: `answer ${count}` as OperationId, shown: [] };
			await answers.send(out as unknown as Outbound);
			continue;
		}
		const [, topic = "", option, given = ""] =
			/^mosquitto_pub -t (\S+) -(m|f) (?:'(.*)'|\S+)$/.exec(line) ?? [];
		const value = given || line.split(" ").at(-1) || "";
		const payload =
			option === "f" ? Buffer.from("ffd8ffe000104a46494600010100000100010000", "hex") : Buffer.from(value);
		const arrival = {
			topic,
			payload,
			qos: 1,
			dup: false,
			retain: false,
			packetId: 1 + count,
			subscriptions: [],
		} as const;
		const how = { broker, wanted: [filter], id: valueId(`v${count}`, topic), at: 60_000 * (count + 1) };
		for (const event of rooms.show({ ...arrival, subscribed: [filter] }, how)) {
			show(event);
			last = event;
		}
	}
	return said;
}

/** The texts that people read of each example, which the pictures of the page show (script/pictures). */
const read: Readonly<Record<string, readonly Said[]>> = {
	"A thermometer": [
		{ who: "kitchen climate", words: "kitchen climate: 21.5 °C", edited: true },
		{ who: "cellar climate", words: "cellar climate: 14.2 °C" },
	],
	"A door": [
		{ who: "The front door", words: "The front door: open" },
		{ who: "The front door", words: "The front door: closed" },
	],
	"A camera": [{ who: "Camera yard", words: "", picture: true }],
	"A fleet of sensors": [{ who: "press7 pressure", words: "press7 pressure: 8.4 bar" }],
	"A switch operated from the room": [
		{ who: "lamp", words: "lamp: ON", edited: true },
		{ who: "Juliet", words: "ON", answers: 0 },
		{ who: "lamp", words: "Published to zigbee2mqtt/lamp/set.", answers: 1 },
	],
};

describe("the examples of docs/mqtt.md", () => {
	test.each(examples.map((one) => [one.title, one] as const))(
		"%s: people read what the page says",
		async (title, one) => {
			expect(await play(one)).toEqual(read[title]);
		},
	);

	test("are those that the page promises, each with pictures of a client on Matrix and of one on XMPP", () => {
		expect(examples.map(({ title }) => title)).toEqual(Object.keys(read));
		for (const { title } of examples)
			for (const on of ["matrix", "xmpp"]) {
				const file = `pictures/mqtt-${title.toLowerCase().replaceAll(" ", "-")}-${on}.png`;
				expect(page).toContain(`](${file})`);
				expect(existsSync(`docs/${file}`), file).toBe(true);
			}
	});
});
