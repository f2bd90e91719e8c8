import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { PermanentError } from "../../src/core/errors.ts";
import type { Log } from "../../src/core/log.ts";
import { answerIq } from "../../src/xmpp/iq/index.ts";
import { type Component, createComponent } from "../../src/xmpp/stream/component.ts";
import { createConflictWatch } from "../../src/xmpp/stream/connection-conflict.ts";
import { bytes, clean, type Element, xml } from "../../src/xmpp/stream/xml.ts";
import { startTestbed, type Testbed, type XmppAccount } from "../testbed/index.ts";
import { xml as clientXml, XmppClient } from "../testbed/xmpp-client.ts";

const quiet = () => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };

let bed: Testbed;
beforeAll(async () => {
	bed = await startTestbed({ servers: ["prosody", "ejabberd"] });
});
afterAll(() => bed?.down());

const until = (condition: () => boolean) =>
	vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 20 });

describe.each(["prosody", "ejabberd"] as const)("the component link on %s", (server) => {
	const links: Component[] = [];
	const clients: XmppClient[] = [];
	afterEach(async () => {
		await Promise.all([
			...links.splice(0).map((link) => link.stop()),
			...clients.splice(0).map((one) => one.close()),
		]);
	});

	type Setup = { secret?: string; component?: string; idle?: number; taken?: () => Promise<void> };
	function setup({ idle, taken, ...other }: Setup = {}) {
		const { component: ours, componentService: service, secret } = bed.xmpp(server);
		const story: string[] = [];
		const stanzas: Element[] = [];
		const timing = { deadline: 3000, first: 100, most: 500, refused: 300, ...(idle && { idle }) };
		const link: Component = createComponent(
			{ component: ours, service, secret, log, timing, ...other },
			{
				async stanza(stanza) {
					stanzas.push(stanza);
					if (stanza.name !== "iq") return;
					const software = { name: "Trivium", version: "0", uri: "xmpp:bridge.test" };
					const ghost = async (jid: string) => (jid === `alice@${ours}` ? { name: "Alice" } : undefined);
					const answer = await answerIq(stanza, { software, log, ghost });
					if (answer) await link.send(answer);
				},
				...(taken && { taken }),
				online: () => void story.push("online"),
				offline: (cause) => void story.push(`offline: ${cause}`),
				fatal: (cause) => void story.push(`fatal: ${cause}`),
			},
		);
		links.push(link);
		return { link, story, stanzas, ours, alice: `alice@${ours}` };
	}

	async function online(options?: Setup) {
		const all = setup(options);
		await all.link.start();
		return all;
	}

	let account: XmppAccount;
	beforeAll(async () => {
		account = await bed.xmppUser(server, "romeo");
	});
	async function person() {
		const client = await XmppClient.connect(account);
		clients.push(client);
		return client;
	}

	test("goes online, and clients find the component and its ghosts", async () => {
		const { ours, alice } = await online();
		const romeo = await person();
		const info = await romeo.iq(
			ours,
			"get",
			clientXml("query", { xmlns: "http://jabber.org/protocol/disco#info" }),
		);
		expect(info.getChild("query")!.getChild("identity")!.attrs).toMatchObject({
			category: "gateway",
			type: "matrix",
		});
		const card = await romeo.iq(alice, "get", clientXml("vCard", { xmlns: "vcard-temp" }));
		expect(card.getChild("vCard")!.getChild("FN")?.getText()).toBe("Alice");
		const nobody = romeo.iq(`nobody@${ours}`, "get", clientXml("ping", { xmlns: "urn:xmpp:ping" }));
		await expect(nobody).rejects.toMatchObject({ condition: "item-not-found" });
	});

	test("resolves our IQ with its answer, also where the address was typed in capitals", async () => {
		const { link } = await online();
		const { domain } = bed.xmpp(server);
		const query = () => xml("query", { xmlns: "http://jabber.org/protocol/disco#info" });
		const answer = await link.iq(xml("iq", { type: "get", to: domain.toUpperCase() }, query()));
		// ejabberd answers from the address as the request spelt it.
		expect(answer.attrs.from!.toLowerCase()).toBe(domain);
		const refused = link.iq(xml("iq", { type: "get", to: `nobody@${domain}` }, query()));
		await expect(refused).rejects.toMatchObject({ name: "StanzaError" });
	});

	test("keeps an idle link alive by pings that the server routes", async () => {
		const { story, stanzas } = await online({ idle: 100 });
		await new Promise((done) => setTimeout(done, 1500));
		expect(story).toEqual(["online"]);
		expect(stanzas.filter((one) => one.name === "iq")).toEqual([]);
	});

	test("notices a server that hangs and reconnects once the server goes on", async () => {
		const { story } = await online({ idle: 200 });
		bed.pause(server);
		await until(() => story.length === 2);
		expect(story[1]).toBe("offline: the server went silent");
		bed.resume(server);
		await until(() => story.at(-1) === "online");
	});

	test("reports a wrong secret in one line with its cure", async () => {
		const { link, story } = setup({ secret: "wrong" });
		link.start().catch(quiet);
		await until(() => story.length > 0);
		await new Promise((done) => setTimeout(done, 1000));
		expect(story).toEqual([expect.stringContaining("refuses our secret")]);
	});

	test("reports a component domain that the server does not know in one line", async () => {
		const { link, story } = setup({ component: "unknown.test" });
		link.start().catch(quiet);
		await until(() => story.length > 0);
		// ejabberd gives the same error for an unknown host and for a wrong secret.
		const line =
			server === "prosody" ? "has no component unknown.test" : "refuses our secret for unknown.test";
		expect(story).toEqual([expect.stringContaining(line)]);
	});

	test("reconnects to a restarted server", async () => {
		const { story, link, alice } = await online();
		await bed.restart(server);
		await until(() => story.length === 3);
		expect(story).toEqual(["online", expect.stringMatching(/^offline: /), "online"]);
		const romeo = await person();
		await link.send(xml("message", { to: romeo.jid, from: alice }, xml("body", {}, "back")));
		await romeo.waitForMessage("back", alice);
	});

	test("leaves a flood above our reading rate at the server, and reads all of it in order", async () => {
		const journal = Promise.withResolvers<void>();
		const { story, stanzas, ours } = await online({ taken: () => journal.promise, idle: 1_000 });
		const romeo = await person();
		const read = () => stanzas.filter((one) => one.attrs.to === `flooded@${ours}`);
		const flood = Array.from({ length: 400 }, (_, n) => `${n} ${"x".repeat(40_000)}`);
		for (const body of flood) await romeo.sendMessage(`flooded@${ours}`, body);
		await until(() => read().length > 80);
		// This is several times the silence after which the link counts as dead.
		await new Promise((done) => setTimeout(done, 5_000));
		expect(read().length).toBeLessThan(120);
		journal.resolve();
		await until(() => read().length === flood.length);
		expect(read().map((one) => one.getChild("body")!.getText())).toEqual(flood);
		expect(story).toEqual(["online"]);
	});

	const texts: Record<string, string> = {
		"a control character": "a\u0001b\0c",
		"lone surrogates": "x\ud800y\udc00z",
		"characters that are none": "a\ufffeb\uffffc\u{1ffff}d",
		emoji: "🎉 👨‍👩‍👧 🏳️‍🌈 ☺︎",
		"right-to-left text": "שלום \u202eabc\u202c العربية\u200f",
		"XML and HTML special characters": `<b>&amp;</b> ]]> " ' <!-- --> &#1; &foo;`,
		"line ends and blanks": "\r\n a \r\t\n  b\n\n",
		"C1 and odd spaces": "\u007f\u0085\u009f\u2028\u2029\ufeff\u00a0\u3000",
		"60 kB of quotes": '"'.repeat(60_000),
	};

	test("survives every text that people write, and carries each character that XML allows unchanged", async () => {
		const { link, story, alice } = await online();
		const romeo = await person();
		for (const [what, body] of Object.entries(texts)) {
			await link.send(
				xml("message", { to: romeo.jid, from: alice, id: body.slice(0, 100) }, xml("body", {}, body)),
			);
			const got = await romeo.waitFor(what, (stanza) => stanza.is("message") && stanza.attrs.from === alice);
			expect(got.getChild("body")!.getText(), what).toBe(clean(body));
			romeo.inbox.items.length = 0;
		}
		expect(story).toEqual(["online"]);
	});

	test("delivers stanzas from clients complete", async () => {
		const { stanzas, alice } = await online();
		const romeo = await person();
		const sendable = Object.values(texts).filter((text) => text === clean(text) && text.length < 10_000);
		for (const body of sendable) await romeo.sendMessage(alice, body);
		const got = () => stanzas.filter((one) => one.name === "message" && one.attrs.to === alice);
		await until(() => got().length === sendable.length);
		const bodies = got().map((one) => one.getChild("body")!.getText());
		expect(bodies).toEqual(sendable);
	});

	test("accepts a stanza of the largest size, and refuses one byte more itself before the server sees it", async () => {
		const { link, story, alice } = await online();
		const romeo = await person();
		const message = (body: string) => xml("message", { to: romeo.jid, from: alice }, xml("body", {}, body));
		const room = 500 * 1024 - bytes(message("x")) + 1;
		const body = `${'"'.repeat(Math.floor(room / 6))}${"x".repeat(room % 6)}`;
		expect(bytes(message(body))).toBe(500 * 1024);
		await link.send(message(body));
		await romeo.waitFor("the large message", (stanza) => stanza.getChild("body")?.getText() === body);
		await expect(link.send(message(`${body}x`))).rejects.toBeInstanceOf(PermanentError);
		await link.send(message("after"));
		await romeo.waitForMessage("after");
		expect(story).toEqual(["online"]);
	});

	// Each address may come from a display name, a typed address or a foreign server.
	const oddAddresses = [
		"a b@x.test",
		"@x.test",
		"a@",
		"a@b@c",
		"/",
		" ",
		"x".repeat(2000),
		`a@${"b".repeat(1100)}`,
		"a@x.test/",
		"a@-.-",
		"a@x..y",
		"\u0001@x.test",
		"🎉@x.test",
		"a@🎉",
		`a@x.test/${"r".repeat(1100)}`,
		"'\"&<>@x.test",
	];
	const oddLocals = ["!", "%", "=", "[]", "a\\b", "a\\20b", "-", ".", "#a", "x".repeat(1023)];
	const oddNicks = ["", " ", "🎉", "x".repeat(1100), "\u0007", "a\u200bb", "שלום abc", "\u202e"];

	test("survives every address in a stanza's from and to", async () => {
		const { link, story, ours, alice } = await online();
		const { muc } = bed.xmpp(server);
		const romeo = await person();
		const stanzas = [
			...oddAddresses.flatMap((to) => [
				xml("message", { to, from: alice }, xml("body", {}, "hi")),
				xml("iq", { type: "get", id: "1", to, from: alice }, xml("ping", { xmlns: "urn:xmpp:ping" })),
			]),
			...oddLocals.map((local) =>
				xml("message", { to: romeo.jid, from: `${local}@${ours}` }, xml("body", {}, "hi")),
			),
			...oddNicks.map((nick) =>
				xml(
					"presence",
					{ to: `odd@${muc}/${nick}`, from: alice },
					xml("x", { xmlns: "http://jabber.org/protocol/muc" }),
				),
			),
			xml("message", { to: romeo.jid, from: alice, type: "nonsense", id: "" }),
			xml("presence", { to: romeo.jid, from: alice, type: "nonsense" }),
			xml("iq", { to: romeo.jid, from: alice }),
			xml(
				"message",
				{ to: romeo.jid, from: alice },
				xml("x", { xmlns: "" }),
				xml("body", { "xml:lang": "x y" }, "hi"),
			),
		];
		for (const stanza of stanzas) {
			await link.send(stanza);
			// The server handles stanzas in order, so an answer to this one shows that the link outlived the one before.
			await link.iq(
				xml("iq", { type: "get", to: bed.xmpp(server).domain }, xml("ping", { xmlns: "urn:xmpp:ping" })),
			);
			expect(story, String(stanza).slice(0, 200)).toEqual(["online"]);
		}
	});
});

test("on prosody, the log of a second connection names the option that refuses it", async () => {
	const { component: ours, componentService: service, secret } = bed.xmpp("prosody");
	const causes: string[] = [];
	const make = () =>
		createComponent(
			{ component: ours, service, secret, log, timing: { refused: 100 } },
			{ stanza: quiet, online: quiet, offline: quiet, fatal: (cause) => void causes.push(cause) },
		);
	const [first, second] = [make(), make()];
	await first.start();
	const started = second.start();
	await until(() => causes.length === 1);
	expect(causes[0]).toContain("kick_old");
	expect(first.online).toBe(true);
	await first.stop();
	await started;
	expect(causes).toHaveLength(1);
	await second.stop();
});

test("on ejabberd, both connections of one domain report that they share the traffic, and the one that stays reports the end", async () => {
	const { component: ours, componentService: service, secret } = bed.xmpp("ejabberd");
	const lines: string[] = [];
	const make = (name: string) => {
		const listening: Log = {
			...log,
			info: (_, text) => void lines.push(`${name}: ${text}`),
			error: (_, text) => void lines.push(`${name}: ${text}`),
		};
		const link: Component = createComponent(
			{ component: ours, service, secret, log },
			{
				async stanza(stanza) {
					const ghost = async () => undefined;
					const answer = await answerIq(stanza, { software: { name: "", version: "", uri: "" }, log, ghost });
					if (answer) await link.send(answer);
				},
				online: () => watch.online(),
				offline: () => watch.offline(),
				fatal: quiet,
			},
		);
		const watch = createConflictWatch(link, ours, listening, {
			first: 100,
			within: 1_000,
			every: 1_000,
			again: 200,
		});
		return { link, watch };
	};
	const [first, second] = [make("first"), make("second")];
	await first.link.start();
	await new Promise((resolve) => setTimeout(resolve, 3_000));
	expect(first.watch.cause()).toBeUndefined();
	await second.link.start();
	await until(() => first.watch.cause() !== undefined && second.watch.cause() !== undefined);
	await second.link.stop();
	await until(() => first.watch.cause() === undefined);
	await first.link.stop();
	const linkLines = (name: string) =>
		lines.filter((line) => line.startsWith(`${name}: `) && /XMPP link/.test(line));
	expect(linkLines("first").filter((line) => /shares/.test(line))).toHaveLength(1);
	expect(linkLines("first").at(-1)).toBe("first: the XMPP link is ours alone again");
	expect(linkLines("second").filter((line) => /shares/.test(line))).toHaveLength(1);
});
