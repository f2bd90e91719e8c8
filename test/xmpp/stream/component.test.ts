import { afterEach, expect, test, vi } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import type { Log } from "../../../src/core/log.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { type Component, createComponent } from "../../../src/xmpp/stream/component.ts";
import { bytes, type Element, text, xml } from "../../../src/xmpp/stream/xml.ts";
import { domain, type FakeServer, type Faults, fakeServer, secret, streamError } from "../fake-server.ts";

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const end of cleanup.splice(0).reverse()) await end();
});

type Setup = {
	server: FakeServer;
	link: Component;
	stanzas: Element[];
	/** "online", "offline: cause", "fatal: cause" in the order they came. */
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
			timing: { deadline: 300, first: 10, most: 50, refused: 50, ...timing },
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
const until = (condition: () => boolean) =>
	vi.waitFor(() => expect(condition()).toBe(true), { timeout: 3000, interval: 5 });
const bodies = (stanzas: Element[]) => stanzas.map((stanza) => text(stanza, "body"));

test("it goes online with a secret in any script, and stanzas pass both ways in order", async () => {
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

test("a stanza that comes in one piece with the handshake's answer is not lost", async () => {
	const { stanzas } = await online({ faults: { greeting: message("early") } });
	await until(() => stanzas.length === 1);
	expect(bodies(stanzas)).toEqual(["early"]);
});

test("characters that are split over two packets arrive whole, at whatever byte the split is", async () => {
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
])("%s costs the connection and nothing else: it is back at once", async (_, raw) => {
	const { server, stanzas, story } = await online();
	server.write(raw);
	await until(() => story.filter((line) => line === "online").length === 2);
	server.write(message("after"));
	await until(() => stanzas.length === 1);
	expect(server.connections).toEqual({ total: 2, open: 1 });
});

test.each(["@", "/", "a@", "@b", "a b@c d", "", "a@b@c", "x".repeat(5000)])(
	"a stanza from the malformed address %j does no harm",
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

test("a stanza without addresses, name or sense does no harm", async () => {
	const { server, stanzas, story } = await online();
	server.write(
		`<iq/><message/><presence type='error'/><iq type='error' id='1'/><foo:bar/><message xmlns='x'/> \n`,
	);
	server.write(message("after"));
	await until(() => text(stanzas.at(-1)!, "body") === "after");
	expect(story).toEqual(["online"]);
});

test("a stanza that is too deep is refused to its sender and read past", async () => {
	const { server, stanzas, story } = await online();
	server.write(message(`${"<a>".repeat(20_000)}${"</a>".repeat(20_000)}`, "id='deep'"));
	server.write(message("after"));
	await until(() => stanzas.length === 1);
	expect(bodies(stanzas)).toEqual(["after"]);
	await until(() => server.received.length === 1);
	expect(server.received[0]!.attrs).toMatchObject({ type: "error", id: "deep", to: "romeo@montague.test/x" });
	expect(server.received[0]!.getChild("error")!.getChild("policy-violation")).toBeDefined();
	expect(story).toEqual(["online"]);
});

test.each([
	["more elements than any payload has", message("<a/>".repeat(20_000), "id='many'")],
	["more texts between elements", message("x<a/>".repeat(4_000), "id='many'")],
	[
		"more attributes on an element within it",
		message(`<a ${Array.from({ length: 200 }, (_, n) => `a${n}='x'`).join(" ")}/>`, "id='many'"),
	],
	[
		"more attributes itself",
		message("hi", `id='many' ${Array.from({ length: 200 }, (_, n) => `a${n}='x'`).join(" ")}`),
	],
])("a stanza with %s is refused to its sender and read past", async (_what, raw) => {
	const { server, stanzas, story } = await online();
	server.write(raw);
	server.write(message("after"));
	await until(() => stanzas.length === 1);
	expect(bodies(stanzas)).toEqual(["after"]);
	await until(() => server.received.length === 1);
	expect(server.received[0]!.attrs).toMatchObject({ type: "error", id: "many", to: "romeo@montague.test/x" });
	expect(server.received[0]!.getChild("error")!.getChild("policy-violation")).toBeDefined();
	expect(story).toEqual(["online"]);
});

test("a stanza that is too large is read past, and not answered where it came from a room", async () => {
	const { server, stanzas } = await online();
	server.write(message("x".repeat(1_100_000), "type='groupchat'"));
	server.write(message("after"));
	await until(() => stanzas.length === 1);
	expect(server.received).toEqual([]);
});

test("a stanza that never ends costs the connection, not the memory", async () => {
	const { server, story } = await online();
	server.write(`<message><body>${"x".repeat(17 << 20)}`);
	await until(() => story.length === 3);
	expect(story[1]).toContain("endless");
});

test("a handler that throws harms nobody", async () => {
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

test("copies nobody needs are passed over before they are built", async () => {
	const { server, stanzas } = await online({ skip: (_, to) => to.startsWith("silent@") });
	server.write(
		`<message from='a@b' to='silent@${domain}'><body><deep><er/></deep></body></message>${message("heard")}`,
	);
	await until(() => stanzas.length === 1);
	expect(bodies(stanzas)).toEqual(["heard"]);
});

test.each<[string, Faults, string]>([
	["accepts and stays silent", { mute: true }, "no answer (opening)"],
	["opens the stream and leaves it at that", { noHandshake: true }, "no answer (open)"],
])("a server that %s is left after a deadline and dialled again", async (_, faults, cause) => {
	const { server, link, logged } = await setup({ faults, timing: { deadline: 60 } });
	const started = link.start();
	await until(() => server.connections.total >= 3);
	expect(server.connections.open).toBeLessThanOrEqual(1);
	expect(logged[0]).toMatchObject({ level: "warn", fields: { cause } });
	server.faults = {};
	await started;
});

test("a server that is away is dialled until it is there, by one supervisor", async () => {
	const { server, link, story, logged } = await setup();
	await server.stop();
	const started = link.start();
	await until(() => logged.length >= 3);
	await server.restart();
	await started;
	expect(story).toEqual(["online"]);
	expect(server.connections).toEqual({ total: 1, open: 1 });
});

test("the pause between attempts grows, with jitter, up to its bound", async () => {
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

test("a broken line is mended, and told", async () => {
	const { server, story } = await online();
	server.drop();
	await until(() => story.length === 3);
	expect(story).toEqual(["online", expect.stringMatching(/^offline: /), "online"]);
});

test.each(["system-shutdown", "reset", "undefined-condition", "see-other-host"])(
	"the stream error %s is named, and the link comes back",
	async (condition) => {
		const { server, story } = await online();
		server.write(streamError(condition));
		await until(() => story.length === 3);
		expect(story).toEqual(["online", `offline: ${condition}`, "online"]);
		expect(server.connections).toEqual({ total: 2, open: 1 });
	},
);

test("a line that went dead without a word is noticed by unanswered pings", async () => {
	const { server, story } = await online({ timing: { idle: 30 } });
	await until(() => server.pings >= 3);
	expect(story).toEqual(["online"]);
	server.faults.deaf = true;
	await until(() => story.length >= 2);
	expect(story[1]).toBe("offline: the server went silent");
});

test("a quiet but living line is kept, and its pings show nowhere", async () => {
	const { server, stanzas, story } = await online({ timing: { idle: 10 } });
	await until(() => server.pings >= 10);
	expect(story).toEqual(["online"]);
	expect(stanzas).toEqual([]);
});

test.each([
	["not-authorized", /secret/],
	["host-unknown", /register/],
	["conflict", /kick_old/],
])("%s gives one clear line with its cure, and it goes on trying slowly", async (refuse, cure) => {
	const { server, link, story, logged } = await setup({ faults: { refuse } });
	const started = link.start();
	await until(() => server.connections.total >= 4);
	expect(story).toEqual([expect.stringMatching(cure)]);
	expect(logged.filter(({ level }) => level === "error" || level === "warn")).toHaveLength(1);
	server.faults = {};
	await started;
	expect(story.at(-1)).toBe("online");
});

test("a wrong secret is told as such", async () => {
	const { link, story } = await setup({ secret: "wrong" });
	void link.start().catch(() => undefined);
	await until(() => story.length === 1);
	expect(story[0]).toMatch(/secret/);
});

test("nothing is written before it is online: the caller is told to try again", async () => {
	const { link } = await setup({ faults: { noHandshake: true } });
	await expect(link.send(say("hi"))).rejects.toBeInstanceOf(TemporaryError);
	void link.start().catch(() => undefined);
	await expect(link.send(say("hi"))).rejects.toBeInstanceOf(TemporaryError);
	await expect(link.iq(xml("iq", { type: "get", to }))).rejects.toBeInstanceOf(TemporaryError);
});

test("a stanza above the limit is refused before it costs the stream, with quotes counted as they are written", async () => {
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

test("a stanza from another domain, a subdomain of ours included, from a malformed address or to nobody is never written", async () => {
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

test("illegal characters never leave, wherever they came from", async () => {
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

test("an IQ gets its own answer, however its address was folded; answers of strangers do not count", async () => {
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

test("an IQ that is refused fails with what was said", async () => {
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

test("an IQ without an answer fails in time, and at once when the link breaks", async () => {
	const { server, link } = await online();
	await expect(link.iq(request(), 20)).rejects.toBeInstanceOf(TemporaryError);
	const lost = link.iq(request());
	await until(() => server.received.length === 2);
	server.drop();
	await expect(lost).rejects.toBeInstanceOf(TemporaryError);
});

test("a server that does not read slows the sender down instead of filling the memory", async () => {
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

test("a flood that is not taken as fast waits at the server, and then all of it comes, in order", async () => {
	const journal = Promise.withResolvers<void>();
	const { server, stanzas, story } = await online({ taken: () => journal.promise, timing: { idle: 50 } });
	const flood = Array.from({ length: 150 }, (_, n) => `${n} ${"x".repeat(100_000)}`);
	const read = () => stanzas.filter((one) => one.name === "message");
	server.write(flood.map((body) => message(body)).join(""));
	await until(() => read().length > 30);
	// Several times the silence that otherwise ends a link.
	await new Promise((done) => setTimeout(done, 600));
	expect(read().length).toBeLessThan(50);
	expect(story).toEqual(["online"]);
	journal.resolve();
	await until(() => read().length === flood.length);
	expect(bodies(read())).toEqual(flood);
	await new Promise((done) => setTimeout(done, 200));
	expect(story).toEqual(["online"]);
});

test("it stops for good: politely when online, at once when not", async () => {
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
