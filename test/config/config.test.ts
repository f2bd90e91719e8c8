import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import schema from "../../config/schema.json" with { type: "json" };
import { ConfigError, loadConfig } from "../../src/config.ts";
import { usualLimits } from "../../src/core/limits.ts";

let folder: string;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-config-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const env = { XMPP_SECRET: "from-the-environment", MQTT_PASSWORD: "also" };
const least = `matrix:
  homeserver: http://127.0.0.1:8008
  domain: hs.test
  appservice: { url: "http://127.0.0.1:9993" }
xmpp:
  component: bridge.xmpp.test
  service: xmpp://127.0.0.1:5347
  secret: s3cr3t
permissions: { "*": use }
`;

const variable = (name: string) => `\${${name}}`;

function write(text: string, mode = 0o600): string {
	const file = join(folder, "config.yaml");
	writeFileSync(file, text);
	chmodSync(file, mode);
	return file;
}
const load = (text: string, mode?: number) => loadConfig(write(text, mode), env);
/** Returns the lines of the error without the file's name. */
function complaints(text: string, mode?: number): string[] {
	try {
		load(text, mode);
	} catch (error) {
		if (error instanceof ConfigError)
			return error.message.split("\n").map((line) => line.replace(`${folder}/config.yaml:`, ""));
		throw error;
	}
	return [];
}

test("a config without limits has those of a network that gets none", () => {
	expect(load(least).limits).toMatchObject(usualLimits);
});

describe("the example", () => {
	const file = "config/example.yaml";

	test("loads unchanged", () => {
		const config = loadConfig(file, env);
		expect(config.xmpp.secret).toBe("from-the-environment");
		expect(config.mqtt?.brokers.home).toEqual({
			url: "mqtt://127.0.0.1:1883",
			username: "bridge",
			password: "also",
			clientId: "trivium-example.org",
			discovery: "homeassistant",
			maxPacketSize: 8_388_608,
			protocol: "5",
		});
	});

	test("shows every option of the schema, and no other", () => {
		const text = readFileSync(file, "utf8");
		type Node = {
			properties?: Record<string, Node>;
			additionalProperties?: unknown;
			items?: Node;
			refused?: string;
		};
		const missing: string[] = [];
		const walk = (node: Node, path: string) => {
			for (const [key, inner] of Object.entries(node.properties ?? {})) {
				const shown = new RegExp(`(^|[\\s#{])${key}:`, "m").test(text);
				if (shown === (inner.refused !== undefined) && key !== "rooms") missing.push(`${path}${key}`);
				walk(inner, `${path}${key}.`);
			}
			if (node.items) walk(node.items, path);
			if (typeof node.additionalProperties === "object") walk(node.additionalProperties as Node, path);
		};
		walk(schema as unknown as Node, "");
		walk(schema.definitions.rate as unknown as Node, "limits.");
		expect(missing).toEqual([]);
	});

	test("states the defaults of the schema", () => {
		const { matrix, xmpp, permissions, mqtt, public: outside, ...rest } = loadConfig(file, env);
		const url = "https://bridge.example.org";
		expect(load(`${least}public: { url: "${url}" }\n`).public).toEqual(outside);
		const bare = load(least);
		expect({
			rooms: bare.rooms,
			gateway: bare.gateway,
			media: bare.media,
			health: bare.health,
			store: bare.store,
			limits: bare.limits,
			log: bare.log,
		}).toEqual(rest);
		expect(bare.matrix.bot).toBe(matrix.bot);
		expect(bare.matrix.prefix).toBe(matrix.prefix);
		expect(bare.matrix.appservice).toEqual(matrix.appservice);
	});
});

describe("an error", () => {
	test("names line, path and the nearest known key", () => {
		expect(complaints(least.replace("homeserver:", "homserver:"))).toEqual([
			"2:3: matrix: “homeserver” is missing",
			"2:3: matrix: unknown key “homserver”. Did you mean “homeserver”?",
		]);
	});

	test("is reported together with all others, in the order of the file", () => {
		const text = `${least.replace("http://127.0.0.1:8008", "[]").replace("use", "usee")}log: { level: loud }\n`;
		expect(complaints(text)).toEqual([
			"2:15: matrix.homeserver: expected a text, found a list",
			"9:21: permissions.*: expected one of: block, use, link, admin",
			"10:15: log.level: expected one of: debug, info, warn, error, silent",
		]);
	});

	test("never quotes a value that may be a secret", () => {
		const broken = [
			least.replace("s3cr3t", "[hunter2]"),
			least.replace("s3cr3t", "*hunter2"),
			least.replace("s3cr3t", '"hunter2'),
			least.replace("s3cr3t", '"\\xhunter2"'),
			least.replace("s3cr3t", "}hunter2"),
			least.replace("s3cr3t", "@hunter2"),
			least.replace("s3cr3t", "x\n\thunter2"),
			least.replace("s3cr3t", "hunter2: hunter2: x"),
			least.replace("xmpp://127.0.0.1:5347", "xmpq://u:hunter2@127.0.0.1"),
			`${least}mqtt: { brokers: { home: { url: "mqtt://u:hunter2@" } } }\n`,
		];
		for (const text of broken) {
			const lines = complaints(text);
			expect(lines).not.toEqual([]);
			expect(lines.join("\n")).not.toContain("hunter2");
		}
	});

	test("names the place of a YAML syntax error", () => {
		expect(complaints(`${least}  nonsense: [1\n`)).toEqual([
			expect.stringMatching(/^10:.*Mend the YAML there/),
		]);
	});

	test("names the example config when there is no file", () => {
		expect(() => loadConfig(join(folder, "absent.yaml"))).toThrow(/Copy config\/example.yaml/);
	});

	test.each([
		["public: { listen: '127.0.0.1:1' }", "10:9: public: “url” is missing"],
		[
			"public: { listen: '127.0.0.1:9995', url: 'https://x' }",
			"10:19: public.listen: the same address as health.listen",
		],
		["media: { largest: 0 }", "10:19: media.largest: expected at least 1"],
		["rooms: { reactions: loud }", "10:21: rooms.reactions: expected one of: native, mixed, text, drop"],
		[
			"gateway: { rooms: all }",
			'10:19: gateway.rooms: expected local, any, or a list of globs over room addresses such as "#*:example.org"',
		],
		["gateway: { create: romeo }", "10:20: gateway.create: expected a list, found a string"],
		[
			"health: { listen: '127.0.0.1' }",
			"10:19: health.listen: expected an address and a port such as 127.0.0.1:9993",
		],
		[
			"health: { listen: '127.0.0.1:9993' }",
			"10:19: health.listen: the same address as matrix.appservice.listen",
		],
		[
			"mqtt: { brokers: { Home/1: { url: 'mqtt://h' } } }",
			"10:20: mqtt.brokers: a name has a-z, 0-9 and . _ - only",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: b, topic: x, room: '#r:hs' }] }",
			"10:66: mqtt.mirrors.0.broker: no broker has this name under mqtt.brokers",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs' }, { broker: a, topic: y, room: '#r:hs' }, { broker: a, topic: x, room: '#s:hs' }, { broker: a, topic: x, room: '#r:hs' }] }",
			"10:176: mqtt.mirrors.3: the same broker, topic and room as mqtt.mirrors.0. Remove one of them",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: 'a/#/b', room: '#r:hs' }] }",
			"10:76: mqtt.mirrors.0.topic: expected a topic filter such as home/+/temperature, where + is one whole level and # all the rest",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', only: { min: 5, max: 4 } }] }",
			"10:115: mqtt.mirrors.0.only.max: it is below “min”, so no value would be shown. Exchange the two, or write two mirrors",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', qos: 2 }] }",
			"10:99: mqtt.mirrors.0.qos: it is always 1: at QoS 2 a message is lost when the bridge dies while taking it, at QoS 1 none is, and each is told once",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', template: '{{valu}}' }] }",
			"10:104: mqtt.mirrors.0.template: “valu” is none of value, name, topic, topic.1 …, json, json.key, property.name (character 3 of the template)",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: 'x/+', room: '#x_{{topic.2}}:hs.test' }] }",
			"10:89: mqtt.mirrors.0.room: the addresses of rooms that the bridge makes begin with #_mqtt_ and end with :hs.test, such as #_mqtt_{{topic.2}}:hs.test",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: 'x/+', room: '#_mqtt_{{value}}:hs.test' }] }",
			"10:89: mqtt.mirrors.0.room: “value” is none of topic, topic.1, topic.2 … (character 10 of the template)",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', rooms: 5 }] }",
			"10:94: mqtt.mirrors.0: “rooms” is for a mirror that makes rooms. Give “room” places for the levels of the topic, such as #_mqtt_{{topic.2}}:hs.test",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: 'x/+', room: '#_mqtt_{{topic.2}}:hs.test', invite: [alice] }] }",
			"10:128: mqtt.mirrors.0.invite.0: expected an MXID such as @alice:example.org",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: 'x/+', room: '#_mqtt_{{topic}}:hs.test' }, { broker: a, topic: 'y/+', room: '#_mqtt_{{topic}}:hs.test' }] }",
			"10:119: mqtt.mirrors.1: the same rooms as mqtt.mirrors.0. Write one mirror for both, or give the rooms other addresses",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', device: '{{json.a}}' }] }",
			"10:102: mqtt.mirrors.0.device: “json.a” is none of topic, topic.1, topic.2 … (character 3 of the template)",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', availability: '{{topic.2' }] }",
			"10:108: mqtt.mirrors.0.availability: these braces are not closed: }} is missing (character 1 of the template)",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h', discovery: 'a/#' } } }",
			"10:53: mqtt.brokers.a.discovery: expected the first level of the topics of Home Assistant's discovery, or false",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', value: 'a..b' }] }",
			"10:101: mqtt.mirrors.0.value: expected the place of a value in JSON such as /temperature or /sensors/0/value",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', only: { deadband: '5' } }] }",
			"10:112: mqtt.mirrors.0.only.deadband: expected a number above 0, or a percentage such as 5%",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', only: { matches: 'a(b' } }] }",
			"10:111: mqtt.mirrors.0.only.matches: expected a regular expression (RE2) such as ^(open|closed)$, without look-around and back references",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://h' } }, mirrors: [{ broker: a, topic: x, room: '#r:hs', only: { debounce: 0 } }] }",
			"10:112: mqtt.mirrors.0.only.debounce: expected a number above 0",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtts://h', status_topic: 'a/#' } } }",
			"10:57: mqtt.brokers.a.status_topic: expected a topic such as trivium/status, without + and #",
		],
		[
			"mqtt: { brokers: { a: { url: 'mqtt://u:p@h', password: q } } }",
			"10:23: mqtt.brokers.a: the password is given twice: in “url” and by itself. Keep one.",
		],
	])("%s", (section, complaint) => {
		expect(complaints(`${least}${section}\n`)).toEqual([complaint]);
	});
});

describe("secrets", () => {
	test("in a world-readable file are refused, with the cure", () => {
		expect(complaints(least, 0o644)).toEqual([
			`8:11: xmpp.secret: a secret in a file that everybody here may read. Run: chmod 600 ${folder}/config.yaml`,
		]);
	});

	test("may come from the environment, also in a world-readable file", () => {
		expect(load(least.replace("s3cr3t", variable("XMPP_SECRET")), 0o644).xmpp.secret).toBe(
			"from-the-environment",
		);
	});

	test("may come from a file, whose last line break is removed", () => {
		writeFileSync(join(folder, "secret"), "of the file\n");
		expect(load(least.replace("secret: s3cr3t", `secret_file: ${folder}/secret`)).xmpp.secret).toBe(
			"of the file",
		);
	});

	test("from a variable that is not set are reported by its name", () => {
		expect(complaints(least.replace("s3cr3t", variable("NOT_SET")))).toEqual([
			"8:11: xmpp.secret: the environment has no variable NOT_SET. Set it, or write the value here",
		]);
	});

	test("are sealed by a key of 32 bytes that lies outside the stores, and that others cannot read", () => {
		const of = (key: string, mode = 0o600, name = "key", directory = "data") => {
			writeFileSync(join(folder, name), `${key}\n`);
			chmodSync(join(folder, name), mode);
			return `${least}store: { directory: "${join(folder, directory)}", secrets_key_file: "${join(folder, name)}" }\n`;
		};
		const key = Buffer.alloc(32, 7).toString("base64");
		expect(load(of(key)).store).toEqual({ directory: join(folder, "data"), secretsKey: key });
		expect(complaints(of("c2hvcnQ="))[0]).toContain(
			"expected 32 bytes in base64. Run: openssl rand -base64 32",
		);
		expect(complaints(of(key, 0o644, "open"))[0]).toContain("everybody here may read the key");
		expect(complaints(of(key, 0o600, "inside", "."))[0]).toContain("Move it out of store.directory");
	});

	test("must be given exactly once", () => {
		expect(complaints(least.replace("  secret: s3cr3t\n", ""))).toEqual([
			"6:3: xmpp: “secret” or “secret_file” is missing",
		]);
	});
});

test("a loaded config is frozen", () => {
	expect(Object.isFrozen(load(least).matrix.appservice.listen)).toBe(true);
});
