import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { XmppClient } from "../testbed/xmpp-client.ts";

/** A text sent in these tests, which must not occur in any log. */
const confidential = "the-words-nobody-logs";

/** Returns the memory of the process that runs this config, in kB. */
function memory(config: string): number {
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
		try {
			const [program = "", ...args] = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
			if (!program.endsWith("node") || !args.includes(config)) continue;
			return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
		} catch {
			// The process ended meanwhile.
		}
	throw new Error("the bridge does not run");
}

describe.each(["prosody", "ejabberd"] as const)("hostile input between Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let mallory: MatrixClient;
	let romeo: XmppClient;
	let eve: XmppClient;
	let muc: string;
	let room: string;
	let component: string;
	const matrix = async (name: string) =>
		MatrixClient.connect(bridged.bed.matrix.url, await bridged.bed.matrixUser(name));
	const groupchat = (inner: string, id = "1") =>
		eve.sendRaw(`<message type='groupchat' to='${muc}' id='${id}'>${inner}</message>`);
	let judged = 0;
	/** Returns what Eve's ghost did in the room since the last call. */
	async function deeds() {
		await groupchat(`<body>enough ${judged}</body>`, `enough${judged}`);
		await juliet.waitForMessage(`enough ${judged}`, room, 30_000);
		const fresh = juliet.inbox.items.slice(judged);
		judged = juliet.inbox.items.length;
		return fresh.filter(
			({ room_id, from, sender = "", type, content }) =>
				room_id === room &&
				from === "timeline" &&
				/xmpp.*=45ve/.test(sender) &&
				type !== "m.room.member" &&
				!String(content.body).startsWith("enough"),
		);
	}
	let lines = 0;
	/** Sends one line each way, so that all lines before have been handled. */
	async function bothWays(): Promise<void> {
		const line = `${confidential} ${++lines}`;
		await romeo.sendMessage(muc, line, "groupchat");
		await juliet.waitForMessage(line, room, 30_000);
		await juliet.send(room, `${line} back`);
		await romeo.waitForMessage(`${line} back`, muc, 30_000);
	}

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: server,
			mirrors: [{ topic: "home/+/temperature", room: "#climate:hs.test" }],
			config: () => ({ log: { level: "debug" } }),
		});
		component = bridged.xmpp.component;
		juliet = await matrix("juliet");
		mallory = await matrix("mallory");
		romeo = await XmppClient.connect(await bridged.bed.xmppUser(server, "romeo"));
		eve = await XmppClient.connect(await bridged.bed.xmppUser(server, "eve"));
		muc = `verona@${bridged.xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		await eve.joinRoom(muc, "Eve");
		room = await juliet.join(`#_xmpp_verona=40${bridged.xmpp.muc}:hs.test`);
		await mallory.join(room);
		await romeo.waitFor(
			"mallory",
			(stanza) => stanza.is("presence") && stanza.attrs.from === `${muc}/mallory`,
			20_000,
		);
		await bothWays();
	});
	afterAll(async () => {
		await Promise.all([juliet, mallory, romeo, eve].map((client) => client?.close()));
		await bridged?.down();
	});

	test("every address of the component answers each IQ once, also an address without a ghost", async () => {
		const locals = [
			"nobody",
			"jürgen",
			"日本",
			"ＡＢ",
			"=zz",
			"a\\40b",
			"%%",
			"#lobby",
			"~listener-0",
			"x=00y",
		];
		const addresses = [...locals.map((local) => `${local}@${component}`), component, `${component}/x`];
		addresses.push(`juliet@${component}`, `juliet@${component}/x y`, `${"a".repeat(900)}@${component}`);
		const payloads = [
			"<ping xmlns='urn:xmpp:ping'/>",
			"<query xmlns='http://jabber.org/protocol/disco#info' node='?'/>",
			"<query xmlns='jabber:iq:roster'/>",
			"<a xmlns='b'/>",
		];
		let count = 0;
		for (const to of addresses)
			for (const type of ["get", "set"])
				for (const payload of payloads)
					await eve.sendRaw(`<iq type='${type}' to='${to}' id='q${count++}'>${payload}</iq>`);
		for (const local of locals)
			await eve.sendRaw(
				`<message type="chat" to="${local}@${component}" id="q${count++}"><body>?</body></message>`,
			);
		const answers = () => eve.inbox.items.filter((stanza) => /^q\d+$/.test(stanza.attrs.id ?? ""));
		await eve.waitFor("the last answer", () => answers().length >= count, 20_000);
		expect(new Set(answers().map((stanza) => stanza.attrs.id)).size).toBe(count);
		expect(answers()).toHaveLength(count);
	});

	test("each spelling of an address leads to the same chat, which answers from one address", async () => {
		for (const local of ["juliet", "Juliet", "juliet%hs.test", "=40juliet=3ahs.test"])
			await eve.sendMessage(`${local}@${component}`, `to ${local}`);
		const { room_id } = await juliet.waitFor("an invitation", (event) => event.from === "invite");
		await juliet.join(room_id);
		await juliet.waitForMessage("to =40juliet=3ahs.test", room_id);
		await juliet.send(room_id, "the only answer");
		await eve.waitForMessage("the only answer", `juliet@${component}`);
	});

	test("the bridge ignores forged payloads in a MUC", async () => {
		const reflected = await romeo.waitForMessage(`${confidential} 1`, muc);
		const its = reflected.getChild("stanza-id", "urn:xmpp:sid:0")?.attrs.id ?? "";
		const about = (name: string, ns: string, inner = "") =>
			`<${name} xmlns='${ns}' id='${its}'>${inner}</${name}>`;
		const x = `<x xmlns='http://jabber.org/protocol/muc#user'><item nick='Evil' jid='juliet@${component}/trivium'/><status code='110'/><status code='303'/></x>`;
		await eve.sendRaw(`<presence to='${muc}/Eve'>${x}</presence>`);
		await groupchat(`<body>edited</body>${about("replace", "urn:xmpp:message-correct:0")}`, "2");
		await groupchat(about("retract", "urn:xmpp:message-retract:1"), "3");
		await groupchat(
			about(
				"retract",
				"urn:xmpp:message-retract:1",
				`<moderated xmlns='urn:xmpp:message-moderate:1' by='${muc}/Romeo'/>`,
			),
			"4",
		);
		await groupchat(
			`<body>carbon</body><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='admin@x'><body>copied</body></message></forwarded></received>`,
			"5",
		);
		await groupchat(
			`<body>thrice</body>${"<stanza-id xmlns='urn:xmpp:sid:0' by='x' id='1'/>".repeat(3)}`,
			"6",
		);
		await groupchat(`<body>@room and &lt;img src=x onerror=y&gt;</body>`, "7");
		// ejabberd does not remove the forged element.
		await groupchat(
			`<body>long ago</body><delay xmlns='urn:xmpp:delay' from='${muc}' stamp='2020-01-01T00:00:00Z'/>`,
			"8",
		);
		const done = await deeds();
		await bothWays();
		expect(done.map(({ type, content }) => [type, content.msgtype ?? "", content.body ?? ""])).toEqual([
			["m.room.message", "m.text", "Correction: edited"],
			["m.room.message", "m.text", "carbon"],
			["m.room.message", "m.text", "thrice"],
			["m.room.message", "m.text", "@room and <img src=x onerror=y>"],
			["m.room.message", "m.text", "long ago"],
		]);
		for (const { content } of done) {
			expect(content["m.mentions"]).toEqual({});
			expect(content.formatted_body).toBeUndefined();
		}
	});

	test("no payload of a stanza blocks the room", async () => {
		const its = (await romeo.waitForMessage(`${confidential} 1`, muc)).getChild(
			"stanza-id",
			"urn:xmpp:sid:0",
		);
		const id = its?.attrs.id;
		const reaction = (text: string) => `<reaction>${text}</reaction>`;
		await groupchat(
			`<reactions xmlns='urn:xmpp:reactions:0' id='${id}'>${reaction("long".repeat(5_000))}</reactions>`,
		);
		await groupchat(
			`<reactions xmlns='urn:xmpp:reactions:0' id='${id}'>${reaction("%/?#").repeat(99)}</reactions>`,
		);
		await groupchat(`<body>a</body><thread>${"t".repeat(20_000)}</thread>`);
		await groupchat(`<body>${"*_~`> ".repeat(4_000)}</body>`);
		await groupchat(`<body>b</body>${"<a xmlns='x'>".repeat(500)}${"</a>".repeat(500)}`);
		await groupchat(Array.from({ length: 1_000 }, (_, n) => `<body xml:lang='l${n}'>${n}</body>`).join(""));
		await groupchat(
			`<geoloc xmlns='http://jabber.org/protocol/geoloc'><lat>NaN</lat><lon>1e999</lon></geoloc>`,
		);
		for (const [start, end] of [
			["-5", "3"],
			["5", "2"],
			["x", "1e9"],
		])
			await groupchat(
				`<body>range</body><reply xmlns='urn:xmpp:reply:0' id='${id}'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='${start}' end='${end}'/></fallback>`,
			);
		const done = await deeds();
		await bothWays();
		expect(done.filter(({ content }) => content.body === "range")).toHaveLength(3);
	});

	test("no content of a Matrix event blocks the room", async () => {
		const odd = [null, 42, "", [], ["x"], {}, "\0", "x".repeat(20_000)];
		const relation = (value: unknown) => ({
			"m.relates_to": { rel_type: value, event_id: value, "m.in_reply_to": { event_id: value } },
		});
		const events = odd.flatMap((value) => [
			["m.room.message", { msgtype: value, body: value, ...relation(value) }],
			[
				"m.room.message",
				{ msgtype: "m.text", body: "x", "m.new_content": value, format: value, formatted_body: value },
			],
			[
				"m.room.message",
				{ msgtype: "m.file", body: "x", url: value, file: value, info: { size: value, w: value } },
			],
			["m.reaction", { "m.relates_to": { rel_type: "m.annotation", event_id: "$x", key: value } }],
			["m.poll.start", { "m.poll": { question: value, answers: [value, { id: value, "m.text": value }] } }],
			["m.room.redaction", { redacts: value }],
		]) as [string, Record<string, unknown>][];
		let taken = 0;
		for (const [type, content] of events)
			await mallory.send(room, content, type).then(
				() => taken++,
				() => undefined,
			);
		expect(taken).toBeGreaterThan(20);
		await bothWays();
	});

	test("no name imitates another person, and each name gets a valid nick", async () => {
		const bob = await matrix("bob");
		const names = [
			" ",
			"Romeo",
			"Trivium",
			"juliet",
			"a\nRomeo: b",
			"\u202eeve",
			"🌹",
			"שלום",
			"x".repeat(256),
			"\u200f",
		];
		await bob.join(room);
		const nicks: string[] = [];
		for (const [n, name] of names.entries()) {
			await bob.displayName(name);
			await bob.send(room, `named ${n}`);
			const line = await romeo.waitForMessage(`named ${n}`, muc, 30_000);
			nicks.push(line.attrs.from?.slice(muc.length + 1) ?? "");
		}
		expect(nicks).not.toContain("Romeo");
		expect(nicks).not.toContain("juliet");
		expect(nicks).not.toContain("Trivium");
		expect(nicks.filter((nick) => nick.trim() === "" || /[\n\u202e]/.test(nick))).toEqual([]);
		await bob.close();
	});

	test("a typed topic opens a broker to nobody without permission", async () => {
		await expect(mallory.join("#_mqtt_=23:hs.test")).rejects.toThrow(/not found/);
		const bot = await mallory.createRoom({ invite: ["@trivium:hs.test"] });
		await mallory.waitFor(
			"the bot",
			(event) =>
				event.room_id === bot &&
				event.state_key === "@trivium:hs.test" &&
				event.content.membership === "join",
		);
		const answer = async (text: string) => {
			const id = await mallory.send(bot, text);
			const isAnswer = (relates: unknown) => JSON.stringify(relates ?? "").includes(id);
			return String(
				(await mallory.waitFor(text, (event) => isAnswer(event.content["m.relates_to"]), 20_000)).content
					.body,
			);
		};
		expect(await answer("!bridge join secret/#")).toMatch(/did not work/);
		expect(await answer(`!bridge join nowhere@${bridged.xmpp.muc}`)).not.toMatch(/topic/);
		expect(await answer("!bridge link mqtt #")).toMatch(/only an admin/);
		const sensor = await MqttClient.connect({
			...bridged.bed.mqtt,
			username: "bridge",
			password: "pw-bridge",
		});
		await sensor.publish("secret/door", "open sesame");
		await sensor.close();
		await bothWays();
		expect(JSON.stringify(mallory.inbox.items)).not.toContain("open sesame");
	});

	test("a flood waits, and delays nobody else, not even in its own room", async () => {
		const before = memory(bridged.configFile);
		for (let n = 0; n < 400; n++) {
			// Her server may disconnect her for the flood.
			const sent = Promise.all([
				groupchat(`<body>flood ${n}</body>`, `g${n}`),
				eve.sendRaw(`<message type='chat' to='juliet@${component}' id='c${n}'><body>flood</body></message>`),
				eve.sendRaw(`<message type='error' to='juliet@${component}' id='e${n}'><body>x</body></message>`),
				eve.sendRaw(
					`<presence to='p${n}@${component}' type='probe'/><iq type='error' id='r${n}' to='${component}'/>`,
				),
			]);
			if ((await sent.then(() => "ok").catch(() => "out")) === "out") break;
		}
		await bridged.log.waitFor(
			"the delay",
			({ msg }) => msg === "a rate limit is exceeded; the excess is delayed",
			30_000,
		);
		await bothWays();
		expect(juliet.inbox.items.some(({ content }) => /Not all that is said/.test(`${content.body}`))).toBe(
			false,
		);
		expect(memory(bridged.configFile) - before).toBeLessThan(200_000);
	});

	test("the XMPP link never broke, and the log contains neither message texts nor secrets", () => {
		const log = bridged.log.items.map((line) => JSON.stringify(line));
		expect(
			log.filter((line) => /XMPP link broke|fault of our own|fault in the bridge|exit/.test(line)),
		).toEqual([]);
		const file = join(bridged.configFile, "../registration.yaml");
		const { as_token, hs_token } = parse(readFileSync(file, "utf8")) as Record<string, string>;
		for (const secret of [as_token, hs_token, bridged.xmpp.secret, "pw-bridge", confidential, "open sesame"])
			expect(log.filter((line) => line.includes(String(secret)))).toEqual([]);
		expect(romeo.inbox.items.filter((stanza) => stanza.attrs.type === "error")).toEqual([]);
	});
});

// The servers refuse some input themselves: Synapse an event above 64 KiB, Prosody a client's stanza above 256 KiB, and
// Mosquitto a packet above 2 MB. peak-memory.test.ts sends from fakes what these servers do not let through.
describe("the memory of the process stays below 450 MiB between Synapse, Prosody and Mosquitto", () => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let mallory: MatrixClient;
	let romeo: XmppClient;
	let eve: XmppClient;
	/** The MUC that is flooded, and its portal. */
	let verona: string;
	let room: string;
	/** The MUC of the chat beside it, and its portal. */
	let balcony: string;
	let quiet: string;

	beforeAll(async () => {
		bridged = await startBridged({
			xmpp: "prosody",
			mirrors: [{ topic: "home/#", room: "#home:hs.test" }],
			// By default Mosquitto drops what a subscriber is too slow for; here all of it reaches the bridge.
			mosquitto: { extra: "max_queued_messages 0" },
		});
		const { bed, xmpp } = bridged;
		const matrix = async (name: string) => MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name));
		juliet = await matrix("juliet");
		await juliet.createRoom({
			preset: "public_chat",
			room_alias_name: "home",
		});
		mallory = await matrix("mallory");
		romeo = await XmppClient.connect(await bed.xmppUser("prosody", "romeo"));
		eve = await XmppClient.connect(await bed.xmppUser("prosody", "eve"));
		[verona, balcony] = [`verona@${xmpp.muc}`, `balcony@${xmpp.muc}`];
		await eve.joinRoom(verona, "Eve");
		await romeo.joinRoom(balcony, "Romeo");
		room = await mallory.join(`#_xmpp_verona=40${xmpp.muc}:hs.test`);
		quiet = await juliet.join(`#_xmpp_balcony=40${xmpp.muc}:hs.test`);
		await chat();
	});
	afterAll(async () => {
		await Promise.all([juliet, mallory, romeo, eve].map((client) => client?.close()));
		await bridged?.down();
	});

	let lines = 0;
	/** Sends one line each way in the chat beside the flood. */
	async function chat(): Promise<void> {
		const line = `line ${++lines}`;
		await romeo.sendMessage(balcony, line, "groupchat");
		await juliet.waitForMessage(line, quiet, 20_000);
		await juliet.send(quiet, `${line} back`);
		await romeo.waitForMessage(`${line} back`, balcony, 20_000);
	}

	/** Chats until the flood is over and once more, and checks the peak of the process's memory. */
	async function withstands(flood: Promise<unknown>): Promise<void> {
		let over = false;
		const ends = flood.finally(() => {
			over = true;
		});
		ends.catch(() => undefined);
		while (!over) {
			await chat();
			await sleep(500);
		}
		await ends;
		await chat();
		const status = readFileSync(`/proc/${bridged.pid}/status`, "utf8");
		const peak = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024;
		if (process.env.TRIVIUM_TEST_LOG) console.log(`peak: ${peak} MiB`);
		// Node itself takes more than the lower bound: below it nothing was measured.
		expect(peak).toBeGreaterThan(40);
		expect(peak).toBeLessThan(450);
		expect(bridged.log.items.filter(({ level }) => level === "exit")).toEqual([]);
	}

	/** Resolves with the number of values of the broker that the rate limit refused. */
	async function refused(): Promise<number> {
		const metrics = await fetch(`http://127.0.0.1:${bridged.bed.ports.health}/metrics`);
		const counts = (await metrics.text()).matchAll(/^trivium_limited_total\{.*mqtt.*\} (\d+)$/gm);
		return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
	}

	test("with 5,000 topics of 20 kB and values of 900 kB at a mirrored wildcard, and a chat goes on", async () => {
		const sensor = await MqttClient.connect({
			...bridged.bed.mqtt,
			username: "bridge",
			password: "pw-bridge",
		});
		const flood = async () => {
			const publish = (topic: string, bytes: number) => sensor.publish(topic, Buffer.alloc(bytes, "x"));
			for (let n = 0; n < 5_000; n += 100)
				await Promise.all(Array.from({ length: 100 }, (_, at) => publish(`home/${n + at}/log`, 20_000)));
			for (let n = 0; n < 300; n++) await publish(`home/${n}/log`, 900_000);
			// The bridge has read everything once it refuses no more values.
			for (let before = 0, now = await refused(); now === 0 || now > before; now = await refused()) {
				before = now;
				await sleep(1_500);
			}
		};
		await withstands(flood());
		expect(await refused()).toBeGreaterThan(1_000);
		await sensor.close();
	}, 60_000);

	test("with a client that floods a MUC with large lines and lines of thousands of elements, and a chat goes on", async () => {
		const line = (inner: string) =>
			eve.sendRaw(`<message type='groupchat' to='${verona}'>${inner}</message>`);
		const elements = (count: number) => `<body>boom</body>${"<a xmlns='x'/>".repeat(count)}`;
		const flood = async () => {
			for (let n = 0; n < 6; n++) {
				await line(elements(4_900));
				await line(`<body>${"x".repeat(100_000)} ${n}</body>`);
				await line(elements(10_000));
			}
			// The bridge answers the ping after it has read all lines.
			await eve.sendRaw(
				`<iq type='get' to='${bridged.xmpp.component}' id='behind'><ping xmlns='urn:xmpp:ping'/></iq>`,
			);
			await eve.waitFor("the answer behind the flood", (one) => one.attrs.id === "behind", 40_000);
		};
		await withstands(flood());
	}, 60_000);

	test("with a Matrix user who sends hostile HTML and mentions of the largest size, and a chat goes on", async () => {
		const { userId } = mallory;
		await mallory.displayName(`${userId} ${"@juliet:hs.test ".repeat(10)}`);
		const pill = `<a href="https://matrix.to/#/${userId}">${userId}</a>`;
		const html = [
			"<blockquote>".repeat(4_000),
			"<i>a</i>".repeat(6_000),
			"<ul><li>".repeat(3_000),
			pill.repeat(500),
			`<table>${"<tr><td>".repeat(5_000)}`,
			"<!--".repeat(10_000),
		];
		const contents = html.map((formatted_body, n) => ({
			msgtype: "m.text",
			body: `${userId} ${"[".repeat(4_000)} ${n}`,
			format: "org.matrix.custom.html",
			formatted_body,
			"m.mentions": { user_ids: Array(100).fill(userId) },
		}));
		const flood = async () => {
			for (let n = 0; n < 10; n++)
				await Promise.all(contents.map((content) => mallory.send(room, { ...content, n })));
			// The homeserver refuses an event above 64 KiB itself.
			await expect(mallory.send(room, "x".repeat(70_000))).rejects.toThrow("M_TOO_LARGE");
		};
		await withstands(flood());
	}, 60_000);
});
