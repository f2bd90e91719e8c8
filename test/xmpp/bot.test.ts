import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type CommandCall, defineCommand } from "../../src/core/command.ts";
import { TemporaryError } from "../../src/core/errors.ts";
import type { Media } from "../../src/core/event.ts";
import type { Bridge } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import { ghostsOnXmpp } from "../../src/networks.ts";
import { createXmpp } from "../../src/xmpp/index.ts";
import { child, type Element } from "../../src/xmpp/stream/xml.ts";
import { quiet, until } from "../fakes.ts";
import { domain, type FakeServer, fakeServer, secret } from "./fake-server.ts";

const COMMANDS = "http://jabber.org/protocol/commands";
const ITEMS = "http://jabber.org/protocol/disco#items";
const INFO = "http://jabber.org/protocol/disco#info";

const run = async () => "";
const commands = [
	defineCommand({ name: "status", parameters: [], help: "how it is", level: "use", run }),
	defineCommand({
		name: "pub",
		parameters: [
			{
				name: "options",
				kind: "options",
				of: {
					retain: { name: "retain", kind: "flag" },
					qos: { name: "qos", kind: "choice", choices: ["0", "1"] },
					expires: { name: "seconds", kind: "number" },
				},
				optional: true,
			},
			{ name: "topic", kind: "address" },
			{ name: "value", kind: "text" },
		],
		help: "publishes a value",
		level: "admin",
		run,
	}),
	defineCommand({
		name: "end",
		parameters: [
			{
				name: "what",
				kind: "either",
				of: { link: { name: "url", kind: "word" }, all: { name: "page", kind: "word" } },
			},
		],
		help: "ends links",
		level: "admin",
		run,
	}),
];

let server: FakeServer;
let network: ReturnType<typeof createXmpp>;
let calls: CommandCall[];
let greeted: string[];
let fault: Error | undefined;

const bridge = {
	cursor: async () => undefined,
	cursors: async () => [],
	views: { source: () => ({ listed: async () => ({ rooms: [], count: 0 }) }) },
	resume: () => undefined,
	secret: async () => "secret",
	portal: async () => undefined,
	findPerson: async () => undefined,
	allows: ({ domain: of }: Person) => of !== "blocked.test",
	signal: () => undefined,
	changed: () => undefined,
	mayReach: async () => false,
	commandsFor: ({ id }: Person) => (id.startsWith("admin@") ? commands : commands.slice(0, 1)),
	greeting: async ({ id }: Person) => {
		if (fault) throw fault;
		if (greeted.includes(id)) return undefined;
		greeted.push(id);
		return "Hello!";
	},
	command: async (call: CommandCall) => {
		calls.push(call);
		const file = {
			kind: "image",
			source: { network: "mqtt", ref: "r" },
			name: "chart.png",
			mime: "image/png",
		} as Media;
		await call.reply(`ran ${call.text}`, call.text.startsWith("chart") ? file : undefined);
	},
} as unknown as Bridge;

beforeEach(async () => {
	[calls, greeted] = [[], []];
	fault = undefined;
	server = await fakeServer({});
	network = createXmpp(
		{ component: domain, service: server.service, secret },
		{
			...{ log: quiet, membersMirrored: 50, namespace: ghostsOnXmpp, bot: "trivium", version: "9.9" },
			files: {
				largest: 1_000_000,
				link({ name }) {
					if (fault) throw fault;
					return `https://files.test/${name}`;
				},
			},
		},
	);
	await network.start(bridge);
});
afterEach(async () => {
	await network.stop();
	await server.stop();
});

const bot = `trivium@${domain}`;
const juliet = "juliet@capulet.test/balcony";
const admin = "admin@capulet.test/desk";

/** Sends a stanza and resolves with the next one that the component sends to its sender. */
async function answer(stanza: string, from = juliet): Promise<Element> {
	const before = server.received.length;
	server.write(stanza.replace(/^<(\w+)/, `<$1 from='${from}'`));
	for (let n = 0; n < 200; n++) {
		const found = server.received
			.slice(before)
			.find(({ attrs }) => attrs.to?.startsWith(from.split("/")[0] ?? ""));
		if (found) return found;
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
	throw new Error("no answer");
}
const body = (stanza: Element) => child(stanza, "body")?.getText();

describe("a message to the bot", () => {
	test.each([
		[domain, domain],
		[bot, `${bot}/trivium`],
		[`${bot}/trivium`, `${bot}/trivium`],
	])("at %s is a command of the account, answered from %s", async (to, from) => {
		const said = await answer(`<message id='m1' type='chat' to='${to}'><body>help</body></message>`);
		expect(said.attrs).toMatchObject({ type: "chat", from, to: juliet });
		expect(body(said)).toBe("ran help");
		expect(calls[0]).toMatchObject({
			network: "xmpp",
			sender: { id: "juliet@capulet.test" },
			text: "help",
			prefix: "",
			private: true,
		});
		expect(await calls[0]?.mayChangeRoom()).toBe(false);
	});

	test("is answered with the URL of a file, as a message of its own, which clients show as the file", async () => {
		const before = server.received.length;
		await answer(`<message id='c1' type='chat' to='${bot}'><body>chart kitchen</body></message>`);
		await until(
			() => server.received.length >= before + 2,
			() => String(server.received.slice(before)),
		);
		const [words, file] = server.received.slice(before);
		expect([words, file].map((one) => one && body(one))).toEqual([
			"ran chart kitchen",
			"https://files.test/chart.png",
		]);
		const oob = file && child(file, "x", "jabber:x:oob");
		expect(oob && child(oob, "url")?.getText()).toBe("https://files.test/chart.png");
		fault = new Error("no link");
		const without = await answer(
			`<message id='c2' type='chat' to='${bot}'><body>chart hall</body></message>`,
		);
		expect(body(without)).toBe("ran chart hall (The file could not be sent.)");
	});

	test("is refused where it cannot be read, and without words has no answer", async () => {
		const secretly = `<message id='m2' type='chat' to='${bot}'><encrypted xmlns='eu.siacs.conversations.axolotl'/><body>x</body></message>`;
		expect((await answer(secretly)).attrs.type).toBe("error");
		server.write(
			`<message from='${juliet}' to='${bot}' type='chat'><active xmlns='http://jabber.org/protocol/chatstates'/></message>`,
		);
		expect(body(await answer(`<message id='m3' type='chat' to='${bot}'><body>status</body></message>`))).toBe(
			"ran status",
		);
		expect(calls).toHaveLength(1);
	});

	test("of an occupant of a MUC is refused, for it is no account", async () => {
		const x = "<x xmlns='http://jabber.org/protocol/muc#user'/>";
		const said = await answer(
			`<message id='m6' type='chat' to='${bot}'><body>help</body>${x}</message>`,
			"den@muc.test/Admin",
		);
		expect(said.attrs.type).toBe("error");
		expect(calls).toEqual([]);
	});

	test("of a blocked account runs nothing", async () => {
		const said = await answer(
			`<message id='m4' type='chat' to='${bot}'><body>help</body></message>`,
			"eve@blocked.test/x",
		);
		expect(said.attrs.type).toBe("error");
		expect(calls).toEqual([]);
	});

	test("of another address is none of the bot's", async () => {
		const said = await answer(
			`<message id='m5' type='chat' to='nobody@${domain}'><body>help</body></message>`,
		);
		expect(said.attrs.type).toBe("error");
		expect(calls).toEqual([]);
	});
});

test("a subscription to the bot is granted, and greeted once", async () => {
	const subscribe = `<presence type='subscribe' to='${bot}'/>`;
	await answer(subscribe);
	await answer(subscribe);
	await answer(`<iq id='p' type='get' to='${bot}'><ping xmlns='urn:xmpp:ping'/></iq>`);
	const said = server.received.map((one) => `${one.name} ${one.attrs.type ?? body(one)}`);
	expect(said.filter((one) => /presence|Hello|chat/.test(one))).toEqual([
		"presence subscribed",
		"message chat",
		"presence subscribed",
	]);
});

test("a subscription that cannot be answered gets an error, and the bridge goes on", async () => {
	fault = new TemporaryError("the journal is closed");
	const refused = await answer(`<presence type='subscribe' id='s' to='${bot}'/>`);
	expect(refused.attrs.type).toBe("error");
	expect(await answer(`<message type='chat' id='m' to='${bot}'><body>status</body></message>`)).toBeDefined();
});

describe("ad-hoc commands", () => {
	const iq = (inside: string, type = "set", to = domain) =>
		`<iq id='q' type='${type}' to='${to}'>${inside}</iq>`;
	const execute = (node: string, inside = "", attrs = "") =>
		iq(`<command xmlns='${COMMANDS}' node='${node}' ${attrs}>${inside}</command>`);
	const form = (values: Record<string, string>) =>
		`<x xmlns='jabber:x:data' type='submit'>${Object.entries(values)
			.map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
			.join("")}</x>`;
	const command = (stanza: Element) => child(stanza, "command", COMMANDS);

	test.each([domain, bot])("are advertised and listed at %s, those that the account may use", async (to) => {
		const info = child(await answer(iq(`<query xmlns='${INFO}'/>`, "get", to)), "query");
		expect(info?.getChildren("feature").map(({ attrs }) => attrs.var)).toContain(COMMANDS);
		const list = async (from: string) =>
			child(await answer(iq(`<query xmlns='${ITEMS}' node='${COMMANDS}'/>`, "get", to), from), "query")
				?.getChildren("item")
				.map(({ attrs }) => [attrs.jid, attrs.node]);
		expect(await list(juliet)).toEqual([[to, "status"]]);
		expect(await list(admin)).toEqual(commands.map(({ name }) => [to, name]));
		const node = child(await answer(iq(`<query xmlns='${INFO}' node='status'/>`, "get", to)), "query");
		expect(node?.getChild("identity")?.attrs).toMatchObject({ category: "automation", type: "command-node" });
	});

	test("the bot is no item of the component, whose items clients take for rooms", async () => {
		const items = child(await answer(iq(`<query xmlns='${ITEMS}'/>`, "get")), "query");
		expect(items?.getChildren("item")).toEqual([]);
	});

	test("run at once without parameters", async () => {
		const done = command(await answer(execute("status", "", "action='execute'")));
		expect(done?.attrs).toMatchObject({ node: "status", status: "completed" });
		expect(done?.getChild("note")?.getText()).toBe("ran status");
	});

	test("ask for their parameters in a form, and run with its values exactly", async () => {
		const asked = command(await answer(execute("pub"), admin));
		expect(asked?.attrs).toMatchObject({ status: "executing" });
		const fields = asked
			?.getChild("x")
			?.getChildren("field")
			.map(({ attrs }) => [attrs.type, attrs.var]);
		expect(fields).toEqual([
			["boolean", "retain"],
			["list-single", "qos"],
			["text-single", "expires"],
			["text-single", "topic"],
			["text-single", "value"],
		]);
		const filled = form({ topic: 'a/Living "Room"/set', value: "ON &quot;now&quot;" });
		const done = command(
			await answer(execute("pub", filled, `action='complete' sessionid='${asked?.attrs.sessionid}'`), admin),
		);
		expect(done?.attrs).toMatchObject({ status: "completed", sessionid: asked?.attrs.sessionid });
		expect(calls.at(-1)?.text).toBe(String.raw`pub "a/Living \"Room\"/set" ON "now"`);
		await answer(
			execute("pub", form({ retain: "1", qos: "0", expires: "", topic: "lamp", value: "on" })),
			admin,
		);
		expect(calls.at(-1)?.text).toBe("pub retain qos 0 lamp on");
		await answer(execute("pub", form({ retain: "0", expires: "60", topic: "lamp", value: "on" })), admin);
		expect(calls.at(-1)?.text).toBe("pub expires 60 lamp on");
		await answer(execute("end", form({ what: "link", "what-value": "https://x.test/a b" })), admin);
		expect(calls.at(-1)?.text).toBe('end link "https://x.test/a b"');
	});

	test.each([
		["a command that the account may not use", execute("pub"), "item-not-found"],
		["an unknown command", execute("dance"), "item-not-found"],
		["an unknown action", execute("status", "", "action='prev'"), "bad-request"],
	])("%s is refused", async (_, stanza, condition) => {
		const error = child(await answer(stanza), "error");
		expect(error?.getChildElements()[0]?.getName()).toBe(condition);
		expect(calls).toEqual([]);
	});

	test("are cancelled", async () => {
		expect(command(await answer(execute("pub", "", "action='cancel'"), admin))?.attrs.status).toBe(
			"canceled",
		);
	});
});
