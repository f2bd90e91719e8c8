import { afterEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import type { Log } from "../../../src/core/log.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { type Component, createComponent, recipient } from "../../../src/xmpp/stream/component.ts";
import { bytes, type Element, text, xml } from "../../../src/xmpp/stream/xml.ts";
import { eventually } from "../../eventually.ts";
import { patience } from "../../patience.ts";
import { domain, type FakeServer, type Faults, fakeServer, secret, streamError } from "../fake-server.ts";

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const end of cleanup.splice(0).reverse()) await end();
});

type Setup = {
	server: FakeServer;
	link: Component;
	stanzas: Element[];
	/** The calls of the handlers in order: "online", "offline: cause", "fatal: cause". */
	story: string[];
	logged: { level: string; fields: object; message: string }[];
};
type Options = {
	faults?: Faults;
	timing?: object;
	skip?: (from: string, to: string) => boolean;
	taken?: () => Promise<void>;
	secret?: string;
};

async function setup({ faults, timing, skip, taken, ...rest }: Options = {}): Promise<Setup> {
	const server = await fakeServer(faults);
	const stanzas: Element[] = [];
	const story: string[] = [];
	const logged: Setup["logged"] = [];
	const at = (level: string) => (fields: object, message: string) =>
		void logged.push({ level, fields, message });
	const log: Log = {
		debug: at("debug"),
		info: at("info"),
		warn: at("warn"),
		error: at("error"),
		child: () => log,
	};
	const link = createComponent(
		{
			component: domain,
			service: server.service,
			secret,
			log,
			timing: { deadline: patience, first: 10, most: 50, refused: 50, ...timing },
			...rest,
		},
		{
			stanza: (stanza) => void stanzas.push(stanza),
			...(skip && { skip }),
			...(taken && { taken }),
			online: () => void story.push("online"),
			offline: (cause) => void story.push(`offline: ${cause}`),
			fatal: (cause) => void story.push(`fatal: ${cause}`),
		},
	);
	cleanup.push(
		() => server.stop(),
		() => link.stop(),
	);
	return { server, link, stanzas, story, logged };
}

async function online(options?: Options) {
	const all = await setup(options);
	await all.link.start();
	return all;
}

const message = (body: string, attrs = "") =>
	`<message from='romeo@montague.test/x' to='alice@${domain}' ${attrs}><body>${body}</body></message>`;
const to = "romeo@montague.test";
const say = (body: string) => xml("message", { to, from: `alice@${domain}` }, xml("body", {}, body));
const until = (condition: () => boolean) => eventually(() => expect(condition()).toBe(true));
const bodies = (stanzas: Element[]) => stanzas.map((stanza) => text(stanza, "body"));

describe("createComponent", () => {
	test("goes online with a non-ASCII secret, and passes stanzas in order both ways", async () => {
		const { server, link, stanzas } = await online();
		expect(link.online).toBe(true);
		const sent = Array.from({ length: 100 }, (_, n) => link.send(say(`out ${n}`)));
		await Promise.all(sent);
		await until(() => server.received.length === 100);
		expect(bodies(server.received)).toEqual(Array.from({ length: 100 }, (_, n) => `out ${n}`));
		server.write(message("in"));
		await until(() => stanzas.length === 1);
		expect(bodies(stanzas)).toEqual(["in"]);
	});

	test("keeps a stanza that arrives in one packet with the handshake's answer", async () => {
		const { stanzas } = await online({ faults: { greeting: message("early") } });
		await until(() => stanzas.length === 1);
		expect(bodies(stanzas)).toEqual(["early"]);
	});

	test("decodes characters that are split over two packets, at any byte", async () => {
		const { server, stanzas } = await online();
		const raw = Buffer.from(message("é🎉"));
		const from = raw.indexOf("é");
		for (let at = from; at < from + 6; at++) {
			server.write(raw.subarray(0, at));
			await new Promise((done) => setTimeout(done, 15));
			server.write(raw.subarray(at));
			await until(() => stanzas.length === at - from + 1);
		}
		expect(new Set(bodies(stanzas))).toEqual(new Set(["é🎉"]));
	});

	test.each([
		["an unknown entity", message("&foo;")],
		["a character reference XML forbids", message("&#1;")],
		["a control character", message("\u0001")],
		["tags that do not match", "<message><body></message>"],
		["a document type", "<!DOCTYPE a><message/>"],
		["bytes after the end of the stream", "</stream:stream><message/>rubbish<<<"],
	])("reconnects at once after %s", async (_, raw) => {
		const { server, stanzas, story } = await online();
		server.write(raw);
		await until(() => story.filter((line) => line === "online").length === 2);
		server.write(message("after"));
		await until(() => stanzas.length === 1);
		await eventually(() => expect(server.connections).toEqual({ total: 2, open: 1 }));
	});

	test.each(["@", "/", "a@", "@b", "a b@c d", "", "a@b@c", "x".repeat(5000)])(
		"stays online after a stanza from the malformed JID %j",
		async (from) => {
			const { server, stanzas, story } = await online();
			server.write(
				`<message from='${from}' to='${from}'><body>hi</body></message><iq from='${from}' type='result' id='x'/>`,
			);
			server.write(message("after"));
			await until(() => stanzas.length === 2);
			expect(story).toEqual(["online"]);
		},
	);

	test("stays online after stanzas without addresses, id or known name", async () => {
		const { server, stanzas, story } = await online();
		server.write(
			`<iq/><message/><presence type='error'/><iq type='error' id='1'/><foo:bar/><message xmlns='x'/> \n`,
		);
		server.write(message("after"));
		await until(() => text(stanzas.at(-1)!, "body") === "after");
		expect(story).toEqual(["online"]);
	});

	test("reads the address of a stanza in the case in which servers compare it, and can answer from there", async () => {
		const { server, link, stanzas } = await online();
		server.write(
			`<iq type='get' id='1' from='romeo@montague.test/Phone' to='#LOBBY@${domain.toUpperCase()}/Nick'/>`,
		);
		await until(() => stanzas.length === 1);
		const { from, to } = stanzas[0]!.attrs;
		expect({ from, to }).toEqual({ from: "romeo@montague.test/Phone", to: `#lobby@${domain}/Nick` });
		await link.send(xml("iq", { type: "result", id: "1", from: to, to: from }));
	});

	test("skips a stanza that is too deep, and answers it with policy-violation", async () => {
		const { server, stanzas, story } = await online();
		server.write(message(`${"<a>".repeat(20_000)}${"</a>".repeat(20_000)}`, "id='deep'"));
		server.write(message("after"));
		await until(() => stanzas.length === 1);
		expect(bodies(stanzas)).toEqual(["after"]);
		await until(() => server.received.length === 1);
		expect(server.received[0]!.attrs).toMatchObject({
			type: "error",
			id: "deep",
			to: "romeo@montague.test/x",
		});
		expect(server.received[0]!.getChild("error")!.getChild("policy-violation")).toBeDefined();
		expect(story).toEqual(["online"]);
	});

	test.each([
		["more elements than any payload has", message("<a/>".repeat(20_000), "id='many'")],
		["more texts between elements", message("x<a/>".repeat(4_000), "id='many'")],
		[
			"more attributes on an inner element",
			message(`<a ${Array.from({ length: 200 }, (_, n) => `a${n}='x'`).join(" ")}/>`, "id='many'"),
		],
		[
			"more attributes on its own element",
			message("hi", `id='many' ${Array.from({ length: 200 }, (_, n) => `a${n}='x'`).join(" ")}`),
		],
	])("skips a stanza with %s, and answers it with policy-violation", async (_what, raw) => {
		const { server, stanzas, story } = await online();
		server.write(raw);
		server.write(message("after"));
		await until(() => stanzas.length === 1);
		expect(bodies(stanzas)).toEqual(["after"]);
		await until(() => server.received.length === 1);
		expect(server.received[0]!.attrs).toMatchObject({
			type: "error",
			id: "many",
			to: "romeo@montague.test/x",
		});
		expect(server.received[0]!.getChild("error")!.getChild("policy-violation")).toBeDefined();
		expect(story).toEqual(["online"]);
	});

	test("skips a groupchat message that is too large, without an answer", async () => {
		const { server, stanzas } = await online();
		server.write(message("x".repeat(1_100_000), "type='groupchat'"));
		server.write(message("after"));
		await until(() => stanzas.length === 1);
		expect(server.received).toEqual([]);
	});

	test("closes the connection during a stanza that never ends", async () => {
		const { server, story } = await online();
		server.write(`<message><body>${"x".repeat(17 << 20)}`);
		await until(() => story.length === 3);
		expect(story[1]).toContain("endless");
	});

	test("stays online when a handler throws", async () => {
		const { server, link, logged } = await setup({
			skip: () => {
				throw new Error("skip");
			},
		});
		await link.start();
		server.write(message("one"));
		await until(() => logged.some(({ message }) => message.includes("handler")));
		expect(link.online).toBe(true);
	});

	test("drops stanzas for which skip returns true", async () => {
		const { server, stanzas } = await online({ skip: (_, to) => to.startsWith("silent@") });
		server.write(
			`<message from='a@b' to='silent@${domain}'><body><deep><er/></deep></body></message>${message("heard")}`,
		);
		await until(() => stanzas.length === 1);
		expect(bodies(stanzas)).toEqual(["heard"]);
	});

	test.each<[string, Faults, string]>([
		["accepts and stays silent", { mute: true }, "no answer (opening)"],
		["opens the stream and does not answer the handshake", { noHandshake: true }, "no answer (open)"],
	])("reconnects after the deadline to a server that %s", async (_, faults, cause) => {
		const { server, link, logged } = await setup({ faults, timing: { deadline: 60 } });
		const started = link.start();
		await until(() => server.connections.total >= 3);
		expect(server.connections.open).toBeLessThanOrEqual(1);
		expect(logged[0]).toMatchObject({ level: "warn", fields: { cause } });
		server.faults = {};
		await started;
	});

	test("retries until an unreachable server is back, and then opens one connection", async () => {
		const { server, link, story, logged } = await setup();
		await server.stop();
		const started = link.start();
		await until(() => logged.length >= 3);
		await server.restart();
		await started;
		expect(story).toEqual(["online"]);
		expect(server.connections).toEqual({ total: 1, open: 1 });
	});

	test("doubles the pause between attempts, with jitter, up to its bound", async () => {
		const { server, link, logged } = await setup({ timing: { first: 8, most: 64 } });
		await server.stop();
		void link.start().catch(() => undefined);
		await until(() => logged.length >= 6);
		const waits = logged.map(({ fields }) => (fields as { retryMs: number }).retryMs);
		for (const [n, full] of [8, 16, 32, 64, 64, 64].entries()) {
			expect(waits[n]).toBeGreaterThanOrEqual(full / 2);
			expect(waits[n]).toBeLessThanOrEqual(full);
		}
		await server.restart();
	});

	test("reconnects after a broken connection, and calls offline and online", async () => {
		const { server, story } = await online();
		server.drop();
		await until(() => story.length === 3);
		expect(story).toEqual(["online", expect.stringMatching(/^offline: /), "online"]);
	});

	test.each(["system-shutdown", "reset", "undefined-condition", "see-other-host"])(
		"reconnects after the stream error %s, and passes its condition to offline",
		async (condition) => {
			const { server, story } = await online();
			server.write(streamError(condition));
			await until(() => story.length === 3);
			expect(story).toEqual(["online", `offline: ${condition}`, "online"]);
			await eventually(() => expect(server.connections).toEqual({ total: 2, open: 1 }));
		},
	);

	test("names the limit of the server after a stream error for a policy, which a large stanza causes", async () => {
		const { server, story, logged } = await online();
		server.write(streamError("policy-violation"));
		await until(() => story.length === 3);
		expect(logged.find(({ message }) => message === "XMPP link broke")?.fields).toMatchObject({
			cure: expect.stringMatching(/component_stanza_size_limit.*max_stanza_size/),
		});
	});

	test("detects a half-open connection by unanswered pings", async () => {
		const { server, story } = await online({ timing: { idle: 30, deadline: 300 } });
		await until(() => server.pings >= 3);
		expect(story).toEqual(["online"]);
		server.faults.deaf = true;
		await until(() => story.length >= 2);
		expect(story[1]).toBe("offline: the server went silent");
	});

	test("keeps an idle connection, and passes no ping to the stanza handler", async () => {
		const { server, stanzas, story } = await online({ timing: { idle: 50, deadline: 300 } });
		await until(() => server.pings >= 5);
		expect(story).toEqual(["online"]);
		expect(stanzas).toEqual([]);
	});

	test.each([
		["not-authorized", /secret/],
		["host-unknown", /register/],
		["conflict", /kick_old/],
	])("reports %s once with its cure, and goes on reconnecting", async (refuse, cure) => {
		const { server, link, story, logged } = await setup({ faults: { refuse } });
		const started = link.start();
		await until(() => server.connections.total >= 4);
		expect(story).toEqual([expect.stringMatching(cure)]);
		expect(logged.filter(({ level }) => level === "error" || level === "warn")).toHaveLength(1);
		server.faults = {};
		await started;
		expect(story.at(-1)).toBe("online");
	});

	test("reports a wrong secret", async () => {
		const { link, story } = await setup({ secret: "wrong" });
		void link.start().catch(() => undefined);
		await until(() => story.length === 1);
		expect(story[0]).toMatch(/secret/);
	});

	test("throws a TemporaryError from send and iq before it is online", async () => {
		const { link } = await setup({ faults: { noHandshake: true } });
		await expect(link.send(say("hi"))).rejects.toBeInstanceOf(TemporaryError);
		void link.start().catch(() => undefined);
		await expect(link.send(say("hi"))).rejects.toBeInstanceOf(TemporaryError);
		await expect(link.iq(xml("iq", { type: "get", to }))).rejects.toBeInstanceOf(TemporaryError);
	});

	test("refuses a stanza above 500 KiB, with quotes counted as escaped", async () => {
		const { server, link, story } = await online();
		const room = 500 * 1024 - bytes(say("x")) + 1;
		const fits = `${'"'.repeat(Math.floor(room / 6))}${"x".repeat(room % 6)}`;
		expect(bytes(say(fits))).toBe(500 * 1024);
		await link.send(say(fits));
		await expect(link.send(say(`${fits}x`))).rejects.toBeInstanceOf(PermanentError);
		await until(() => server.received.length === 1);
		expect(text(server.received[0]!, "body")).toBe(fits);
		expect(story).toEqual(["online"]);
	});

	test("writes one stanza to several recipients in order, each escaped, and counts all bytes", async () => {
		const { server, link } = await online();
		const one = xml("message", { from: `alice@${domain}`, id: "1" }, xml("body", {}, "héllo"));
		const recipients = ["romeo@montague.test/a", `juliet@capulet.test/<"'&>`];
		const all = recipients.map(recipient);
		const { bytes: size, taken } = link.sendToAll(one, all);
		await taken;
		await until(() => server.received.length === 2);
		expect(server.received.map(({ attrs }) => attrs.to)).toEqual(recipients);
		expect(server.received.map((stanza) => [stanza.attrs.id, text(stanza, "body")])).toEqual([
			["1", "héllo"],
			["1", "héllo"],
		]);
		expect(size).toBeGreaterThan(2 * bytes(one));
		expect(link.sendToAll(one, all, size).sent).toBe(2);
		expect(link.sendToAll(one, all, size - 1)).toMatchObject({ sent: 1 });
		expect(link.sendToAll(one, all, 0)).toMatchObject({ sent: 1 });
		const large = xml("message", { from: `alice@${domain}` }, xml("body", {}, "x".repeat(600_000)));
		expect(() => link.sendToAll(large, all)).toThrow(PermanentError);
		expect(() => link.sendToAll(xml("message", { from: "alice@elsewhere.test" }), all)).toThrow();
	});

	test("refuses to send a stanza from another domain or subdomain, from a malformed JID, or without a recipient", async () => {
		const { server, link } = await online();
		const foreign = [`x.${domain}`, "alice@elsewhere.test", `alice@${domain}.test`];
		const malformed = ["", "a b", "A", "@", "'", "a&b", "x".repeat(1024), "\u0001"].map(
			(local) => `${local}@${domain}`,
		);
		for (const from of [...foreign, ...malformed, `alice@${domain}/`, `alice@${domain}/${"é".repeat(512)}`])
			await expect(link.send(xml("presence", { from, to }))).rejects.toThrow();
		await expect(link.send(xml("presence", { from: domain }))).rejects.toThrow();
		await link.send(say("after"));
		await until(() => server.received.length === 1);
	});

	test("removes illegal characters from attributes and text of a sent stanza", async () => {
		const { server, link, story } = await online();
		const stanza = say("a\u0001b\ud800c\uffff\0");
		stanza.attrs.id = "x\u0007\ty";
		stanza.append("\u0002raw");
		await link.send(stanza);
		await until(() => server.received.length === 1);
		expect(text(server.received[0]!, "body")).toBe("ab\ufffdc");
		expect(server.received[0]!.attrs.id).toBe("x y");
		expect(story).toEqual(["online"]);
	});

	const answer = (request: Element, from: string, rest: string) =>
		`<iq id='${request.attrs.id}' from='${from}' to='${domain}' ${rest}`;
	const request = () =>
		xml("iq", { type: "get", to: "Romeo@montague.test" }, xml("ping", { xmlns: "urn:xmpp:ping" }));

	test("resolves an IQ with the answer of the JID it was sent to, in any case folding, and ignores answers of others", async () => {
		const { server, link, stanzas } = await online();
		const result = link.iq(request());
		await until(() => server.received.length === 1);
		const [asked] = server.received;
		server.write(answer(asked!, "evil@montague.test", "type='result'><evil/></iq>"));
		server.write(`<iq id='other' from='${to}' to='${domain}' type='result'/>`);
		server.write(answer(asked!, to, "type='result'><good/></iq>"));
		expect((await result).getChild("good")).toBeDefined();
		expect(stanzas).toEqual([]);
	});

	test("rejects a refused IQ with condition, type and text of the error", async () => {
		const { server, link } = await online();
		const result = link.iq(request());
		await until(() => server.received.length === 1);
		const error = `<error type='wait'><resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>full</text></error>`;
		server.write(answer(server.received[0]!, to, `type='error'>${error}</iq>`));
		await expect(result).rejects.toMatchObject({
			condition: "resource-constraint",
			type: "wait",
			text: "full",
		});
		const bare = link.iq(request());
		await until(() => server.received.length === 2);
		server.write(answer(server.received[1]!, to, "type='error'/>"));
		await expect(bare).rejects.toBeInstanceOf(StanzaError);
	});

	test("rejects an IQ after its timeout, or at once when the link breaks", async () => {
		const { server, link } = await online();
		await expect(link.iq(request(), 20)).rejects.toBeInstanceOf(TemporaryError);
		const lost = link.iq(request());
		await until(() => server.received.length === 2);
		server.drop();
		await expect(lost).rejects.toBeInstanceOf(TemporaryError);
	});

	test("lets send wait while the server does not read (back-pressure)", async () => {
		const { server, link } = await online();
		server.pause(true);
		const big = say("x".repeat(400_000));
		let taken = 0;
		const writes = Array.from({ length: 100 }, () => link.send(big).then(() => taken++));
		await new Promise((done) => setTimeout(done, 100));
		expect(taken).toBeLessThan(100);
		server.pause(false);
		await Promise.all(writes);
	});

	test("stops reading a flood until it is processed, then delivers all of it in order", async () => {
		const journal = Promise.withResolvers<void>();
		const { server, stanzas, story } = await online({
			taken: () => journal.promise,
			timing: { idle: 50, deadline: 300 },
		});
		const flood = Array.from({ length: 150 }, (_, n) => `${n} ${"x".repeat(100_000)}`);
		const read = () => stanzas.filter((one) => one.name === "message");
		server.write(flood.map((body) => message(body)).join(""));
		await until(() => read().length > 30);
		// Several times the ping interval: an unpaused connection would be closed by now.
		await new Promise((done) => setTimeout(done, 600));
		expect(read().length).toBeLessThan(50);
		expect(story).toEqual(["online"]);
		journal.resolve();
		await until(() => read().length === flood.length);
		expect(bodies(read())).toEqual(flood);
		await new Promise((done) => setTimeout(done, 200));
		expect(story).toEqual(["online"]);
	});

	test("stop closes an online stream politely, aborts an unfinished one, and never reconnects", async () => {
		const { server, link, story } = await online();
		await link.stop();
		expect(link.online).toBe(false);
		await until(() => server.connections.open === 0);
		await new Promise((done) => setTimeout(done, 60));
		expect(server.connections.total).toBe(1);
		expect(story).toEqual(["online", expect.stringMatching(/^offline/)]);

		const other = await setup({ faults: { mute: true } });
		const started = other.link.start();
		await until(() => other.server.connections.open === 1);
		await other.link.stop();
		await expect(started).rejects.toBeInstanceOf(TemporaryError);
	});
});
