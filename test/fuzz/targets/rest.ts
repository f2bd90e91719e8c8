import { validate } from "../../../src/config/validate.ts";
import { decode, encode } from "../../../src/core/codec.ts";
import { type Parameter, parse as parseArguments } from "../../../src/core/command-parameters.ts";
import { skeleton } from "../../../src/core/confusable.ts";
import { downgrade } from "../../../src/core/downgrade.ts";
import { PermanentError } from "../../../src/core/errors.ts";
import type { MessageId, RoomId } from "../../../src/core/ids.ts";
import * as phrases from "../../../src/core/phrases.ts";
import { personIn } from "../../../src/matrix/html.ts";
import * as mxids from "../../../src/matrix/mxid.ts";
import { typedId, withIds } from "../../../src/matrix/typed-id.ts";
import { isPublic } from "../../../src/media/addresses.ts";
import { parseRange } from "../../../src/media/range.ts";
import { bareType, isInert, kindOf, named, typeOfName } from "../../../src/media/types.ts";
import { fromMqtt } from "../../../src/mqtt/from-mqtt.ts";
import { compileCommand, compileJinja } from "../../../src/mqtt/jinja.ts";
import { jsonIn } from "../../../src/mqtt/json-pointer.ts";
import { toMqtt } from "../../../src/mqtt/to-mqtt.ts";
import { isFilter, isTopic, matches, nameOf, subscriptionId } from "../../../src/mqtt/topics.ts";
import { vendorLine } from "../../../src/mqtt/vendor-values.ts";
import { joined } from "../../../src/xmpp/capabilities.ts";
import * as hostedRooms from "../../../src/xmpp/hosted/addresses.ts";
import { nickFault } from "../../../src/xmpp/hosted/occupants.ts";
import * as jids from "../../../src/xmpp/jid.ts";
import type { Sayable } from "../../../src/xmpp/message/feature.ts";
import * as nicks from "../../../src/xmpp/nick.ts";
import { serialize } from "../../../src/xmpp/stream/xml.ts";
import * as to from "../../../src/xmpp/to-xmpp.ts";
import { typedAddress } from "../../../src/xmpp/typed-jid.ts";
import { parse } from "../../../src/yaml.ts";
import { holds, validXml } from "../checks.ts";
import { addresses, bodies, configs, topics } from "../corpus.ts";
import { filled, size, type Target } from "../target.ts";
import { domain, noRefs, room, writing } from "../world.ts";
import { asMatrix } from "./xmpp.ts";

/** Returns the result of `work`, or undefined where it refuses by a PermanentError. */
function permitted<T>(work: () => T): T | undefined {
	try {
		return work();
	} catch (error) {
		if (error instanceof PermanentError) return undefined;
		throw error;
	}
}

/** One parameter of each kind that a command can have. */
const parameters: readonly Parameter[] = [
	{ name: "one", kind: "word", pattern: /^[a-z]+$/ },
	{ name: "two", kind: "number" },
	{ name: "three", kind: "choice", choices: ["native", "text"] },
	{
		name: "four",
		kind: "either",
		of: { link: { name: "url", kind: "word" }, person: { name: "who", kind: "address" } },
	},
];
const publication: readonly Parameter[] = [
	{ name: "topic", kind: "address" },
	{ name: "value", kind: "text" },
];

const namespace = { component: "bridge.test", plain: "matrix" as never, prefixed: ["xmpp", "mqtt"] as never };

export const otherTargets: Readonly<Record<string, Target>> = {
	"MQTT publications": {
		kind: "bytes",
		corpus: [...topics, ...bodies, "21.5", "\xff\xd8\xff\xe0", '{"temperature":21.5}'],
		run(input) {
			const topic = input.slice(0, 200);
			const { event: state } = fromMqtt(
				{
					topic,
					payload: Buffer.from(input, "latin1"),
					qos: 1,
					dup: false,
					retain: false,
					packetId: 1,
					subscriptions: [],
				},
				{ broker: "home", room: "home/#" as RoomId, id: "m" as MessageId, at: 1 },
			);
			const shown = downgrade(state, joined, noRefs);
			const stanza = serialize(to.groupchat("a@b/c", room, "op", to.draft(shown as Sayable, writing())));
			validXml(stanza);
			return size(stanza, ...asMatrix(state));
		},
	},
	"MQTT devices": {
		kind: "text",
		corpus: [
			'{"temperature":21.5,"contact":false,"linkquality":7}',
			'{"method":"NotifyEvent","params":{"events":[{"component":"input:0","event":"single_push"}]}}',
			"{% if value_json.a > 1 %}{{ value_json['b'] | round(1) }}{% else %}{{ value }}{% endif %}",
			"{{ {'0': 'open'}.get(value, 'x') ~ (value | float * 1.8 + 32) }}",
		],
		run(input) {
			const json = jsonIn(input);
			const template = compileJinja(input)?.({ value: input, json, topic: "t", name: "n" }) ?? "";
			const own = compileJinja("{{ value_json }}{{ value_json.a.b }}")?.({
				value: input,
				json,
				topic: "t",
				name: "n",
			});
			const lines = ["Zigbee2MQTT", "Tasmota", "Shelly"].map(
				(vendor) => vendorLine(vendor, "shellies/x/power", input)?.line,
			);
			return size(template, own, lines, compileCommand(input)?.("on"));
		},
		grows: {
			"open brackets": (length) => `{{ ${"[".repeat(length)}`,
			"open braces": (length) => "{{ ".repeat(length / 3),
			operators: (length) => `{{ value ${"~ value ".repeat(length / 8)}}}`,
			"nested objects": (length) => '{"a":'.repeat(length / 5),
			members: (length) => `{"a":1${',"b":2'.repeat(length / 6)}}`,
		},
	},
	"MQTT topics": {
		kind: "text",
		corpus: topics,
		run(input) {
			const [one = "", ...more] = input.split(" ");
			const other = more.join(" ");
			const found = [
				isFilter(input),
				isTopic(input),
				matches(one, other),
				matches(input, input),
				subscriptionId(input),
			];
			if (isTopic(input)) holds(matches(input, input), "a topic does not match itself");
			return size(nameOf(input), found);
		},
		grows: {
			"many levels": (length) => "a/".repeat(length / 2),
			"many wildcards": (length) => "+/".repeat(length / 2),
		},
	},
	commands: {
		kind: "text",
		corpus: [
			"home/lamp on",
			`"a \\" b" value`,
			"abc 1 native person “a b”",
			"link xmpp verona@muc.test",
			"settings reactions text",
			...bodies,
		],
		run(input) {
			const found = [
				permitted(() =>
					toMqtt(parseArguments("pub", publication, input) as { topic: string; value: string }),
				),
				permitted(() => parseArguments("any", parameters, input)),
			];
			const [name = "", address = ""] = input.split(/\s+(.*)/s);
			return size(
				found,
				phrases.unknownCommand(name, "help"),
				phrases.reacted(name, address),
				phrases.inThread(input, input),
			);
		},
		grows: {
			backslashes: (length) => `"${"\\".repeat(length)}`,
			quotes: (length) => '"'.repeat(length),
			blanks: (length) => " ".repeat(length),
		},
	},
	"words about words": {
		kind: "text",
		corpus: bodies,
		run(input) {
			const half = input.length >> 1;
			const [name, text] = [input.slice(0, half), input.slice(half)];
			const line = to.relayedLine({ style: "text", text }, name);
			const [first = "", ...further] = line.split("\n");
			holds(first !== "" || input === "", "a relayed line without a name");
			for (const one of further)
				holds(one.startsWith("    "), "a relayed line that passes for the next person's");
			return size(
				line,
				phrases.quoted(name, text, input),
				phrases.answered(name, text),
				phrases.startedPoll(name, [text]),
			);
		},
		grows: {
			"empty lines": (length) => "\n".repeat(length),
			blanks: (length) => " ".repeat(length),
		},
	},
	addresses: {
		kind: "text",
		corpus: addresses,
		factor: 60,
		run(input) {
			const legal = input.toWellFormed();
			holds(decode(encode(legal)) === legal, "a text does not come back from its address");
			decode(input);
			const spelt = mxids.ghostMxid("xmpp", [legal], domain);
			holds(Buffer.byteLength(spelt) <= 255, "an MXID that is too long");
			const back = mxids.ghostAddress(spelt, domain);
			if (back) holds(back.address.join() === legal, "a ghost's MXID leads to somebody else");
			const jid = jids.ghostJid("xmpp" as never, [legal], namespace);
			if (legal !== "")
				holds(
					jids.personAt(jid, namespace)?.address.join() === legal,
					"a ghost's JID leads to somebody else",
				);
			hostedRooms.roomAt(`${input}@bridge.test`, "bridge.test");
			if (legal !== "") {
				const address = { kind: "alias", parts: [legal, legal] } as const;
				const found = hostedRooms.roomAt(hostedRooms.roomJid(address, "bridge.test"), "bridge.test");
				holds(JSON.stringify(found) === JSON.stringify(address), "a room's JID leads to another room");
			}
			holds(skeleton(input) === skeleton(skeleton(input)), "a name looks unlike itself");
			const fault = nickFault(input);
			holds(
				fault !== undefined || jids.mayBeFrom(`a@bridge.test/${input}`, "bridge.test"),
				"a nick of a client that no server takes",
			);
			const nick = nicks.nickFor(input, input);
			holds(
				nick !== "" && nick.isWellFormed() && jids.mayBeFrom(`a@bridge.test/${nick}`, "bridge.test"),
				"a nick that no server takes",
			);
			const plainNick = nicks.plainNick(nick, input);
			const others = [1, 2, 3].map((n) => nicks.otherNick(nick, n, { server: input, localpart: input }));
			for (const one of [plainNick, ...others])
				holds(one !== "" && Buffer.byteLength(one) <= 1023, "no nick");
			jids.same(input, `${input}x`);
			jids.mayBeFrom(input, "bridge.test");
			jids.personAt(input, namespace);
			mxids.aliasAddress(input, domain);
			mxids.personMxid([input], domain);
			mxids.isGhost(input, ["xmpp"], domain);
			personIn(input);
			typedId(input);
			typedAddress(input);
			withIds(input, { formatted_body: input });
			const split = jids.split(input);
			holds(jids.join(split) === input, "a JID does not come back from its parts");
			return size(spelt, jid, nick, others);
		},
		grows: {
			letters: (length) => "x".repeat(length),
			"combining marks": (length) => "\u0301".repeat(length),
			blanks: (length) => " ".repeat(length),
			"a link to nobody": (length) => `https://matrix.to/#/@${"a".repeat(length)}`,
			brackets: (length) => `${"[".repeat(length)}:`,
			"marks around": (length) => `${"(".repeat(length / 2)}:${").".repeat(length / 4)}`,
			colons: (length) => `https://matrix.to/#/@${":".repeat(length)}`,
			slashes: (length) => "/".repeat(length),
		},
	},
	"types and ranges of files": {
		kind: "text",
		corpus: [
			"image/png; charset=a",
			"cat.png",
			"bytes=0-9",
			"bytes=-5",
			"10.0.0.1",
			"::ffff:10.0.0.1",
			"[::1]",
			"x.tar.gz",
		],
		run(input) {
			const type = bareType(input);
			isPublic(input);
			const range = parseRange(input);
			return size(type, typeOfName(input), kindOf(input), named(input, input), type && isInert(type), range);
		},
		grows: {
			dots: (length) => ".".repeat(length),
			slashes: (length) => "/".repeat(length),
			digits: (length) => `bytes=${"1".repeat(length)}-`,
		},
	},
	"configuration files": {
		kind: "text",
		corpus: configs,
		weight: 0.2,
		run(input) {
			const { data, errors, place } = parse(input);
			place(["matrix", 0, "constructor"]);
			if (data === undefined) return size(errors);
			return size(typeof data === "object" && data !== null ? validate(data) : "");
		},
		grows: { keys: (length) => filled(length / 8, (i) => `a${i}: b\n`) },
	},
};
