import { afterEach, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import type { Journal } from "../../src/core/journal.ts";
import { ghostsOnXmpp } from "../../src/networks.ts";
import { createMemoryJournal, createMemoryMapping } from "../../src/store/memory.ts";
import { createXmpp } from "../../src/xmpp/index.ts";
import { bare } from "../../src/xmpp/jid.ts";
import { type Element, serialize, xml } from "../../src/xmpp/stream/xml.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, quiet, until } from "../fakes.ts";
import { fakeMuc } from "./fake-muc.ts";
import { domain, type FakeServer, fakeServer, secret } from "./fake-server.ts";

/** How often the bridge stops and starts again. */
const stops = 100;
const muc = "verona@muc.test";
const romeo = "romeo@x.test/phone";

let server: FakeServer;
let bridge: Running | undefined;
afterEach(async () => {
	await bridge?.stop(0);
	await server?.stop();
});

test("neither loses nor repeats a line of a chat or a MUC around a hundred stops, at whatever point each comes", async () => {
	const [mapping, stored] = [createMemoryMapping(), createMemoryJournal()];
	const back: string[] = [];
	/** Turns of the event loop, different in each run. */
	const slow = { journal: 0, lookup: 0, close: 0 };
	/** The points of the path that were passed since the stop began, and the one at which lines are written. */
	let [passed, due] = [0, 0];
	function point(): void {
		if (++passed !== due) return;
		write();
		write();
	}
	async function turns(count: number): Promise<void> {
		for (let n = 0; n < count; n++) {
			point();
			await new Promise((resolve) => setImmediate(resolve));
		}
		point();
	}
	const room = fakeMuc(muc, (stanza) => void (server.routes && server.write(serialize(stanza))));
	server = await fakeServer({ slowToClose: () => turns(slow.close) }, take);

	function take(stanza: Element): void {
		point();
		const { to = "", from = "", id, type } = stanza.attrs;
		if (stanza.name === "iq") {
			if (type === "get" || type === "set")
				server.write(serialize(answer(stanza, { to: from, from: to, id })));
		} else if (bare(to) === muc) room.take(stanza);
		else if (type === "error" && id !== undefined) back.push(id);
	}
	function answer(request: Element, attrs: Record<string, string | undefined>): Element {
		if (request.getChild("query", "urn:xmpp:mam:2")) {
			const { children } = room.query(request);
			return xml("iq", { type: "result", ...attrs }, ...(children as Element[]));
		}
		const about = bare(request.attrs.to ?? "") === muc && request.getChild("query");
		return xml("iq", { type: "result", ...attrs }, about ? room.info() : undefined);
	}

	const journal: Journal = {
		...stored,
		accept: async (entries) => {
			await turns(slow.journal);
			return stored.accept(entries);
		},
	};
	const delivered: string[] = [];
	let chat: Fake;
	async function start(): Promise<void> {
		chat = fakeNetwork("matrix", {
			async findPerson([who = ""]) {
				await turns(slow.lookup);
				return who.startsWith("no") ? undefined : chat.person(who);
			},
			async send({ event }) {
				if (event.kind === "message") delivered.push(event.text);
				return [];
			},
		});
		const options = { component: domain, service: server.service, secret };
		const more = { log: quiet, mapping, membersMirrored: 50, namespace: ghostsOnXmpp };
		bridge = bridgeOf([chat, createXmpp(options, more)], rulesFor({ "*": "admin" }), { mapping, journal });
		await bridge.start();
	}

	const sent = { chat: [] as string[], muc: [] as string[] };
	/** Romeo writes one line to a ghost, each third time to one that he has not written to, and one into the MUC. */
	function write(): void {
		const n = sent.chat.length;
		const [line, said] = [`chat ${n}`, `muc ${n}`];
		const ghost = n % 5 === 2 ? `nobody${n}` : n % 3 === 0 ? `person${n}` : "alice";
		sent.chat.push(line);
		sent.muc.push(said);
		const stanza = xml(
			"message",
			{ from: romeo, to: `${ghost}@${domain}`, id: line, type: "chat" },
			xml("body", {}, line),
		);
		if (server.routes) server.write(serialize(stanza));
		else back.push(line);
		room.say("Romeo", said, said);
	}
	const isIn = () => [...room.occupants.values()].some(({ jid }) => jid?.startsWith("~listener-") === true);

	room.come("Romeo");
	await start();
	expect(await command(bridge as Running, chat!, `link xmpp ${muc}`)).toContain("Linked");
	let most = 0;
	for (let stop = 0; stop < stops; stop++) {
		await until(isIn, () => "the listener is not in the MUC");
		Object.assign(slow, { journal: stop % 4, lookup: stop % 7, close: Math.floor(stop / 25) * 4 });
		write();
		write();
		write();
		[passed, due] = [0, 1 + (stop % 25)];
		await bridge?.stop(1_000);
		most = Math.max(most, passed);
		if (passed < due) write();
		await start();
	}
	expect(most).toBeGreaterThan(25);
	Object.assign(slow, { journal: 0, lookup: 0, close: 0 });
	const times = (line: string) => [...delivered, ...back].filter((one) => one === line).length;
	const missing = () => [...sent.chat, ...sent.muc].filter((line) => times(line) === 0);
	await until(
		() => missing().length === 0,
		() => `${missing()} of ${sent.chat.length}`,
	);
	expect([...sent.chat, ...sent.muc].filter((line) => times(line) !== 1)).toEqual([]);
	expect(back.filter((line) => line.startsWith("muc"))).toEqual([]);
	expect(delivered.filter((line) => line.startsWith("muc"))).toEqual(sent.muc);
}, 120_000);

test("answers a line at the next start whose ghost the other network did not name before the stop", async () => {
	const [mapping, journal] = [createMemoryMapping(), createMemoryJournal()];
	const back: Element[] = [];
	server = await fakeServer({}, (stanza) => void (stanza.attrs.type === "error" && back.push(stanza)));
	const start = async (findPerson: Fake["findPerson"]) => {
		const options = { component: domain, service: server.service, secret };
		const more = { log: quiet, mapping, membersMirrored: 50, namespace: ghostsOnXmpp };
		const chat = fakeNetwork("matrix", { findPerson });
		bridge = bridgeOf([chat, createXmpp(options, more)], rulesFor({ "*": "use" }), { mapping, journal });
		await bridge.start();
	};
	const asked = Promise.withResolvers<void>();
	await start(() => {
		asked.resolve();
		return new Promise(() => undefined);
	});
	const line = xml("message", { from: romeo, to: `alice@${domain}`, id: "1" }, xml("body", {}, "hello"));
	server.write(serialize(line));
	await asked.promise;
	await bridge?.stop(1_000);
	expect(back).toEqual([]);
	await start(async () => undefined);
	await until(
		() => back.length > 0,
		() => "no answer",
	);
	expect(back.map(({ attrs }) => attrs)).toMatchObject([{ id: "1", to: romeo, from: `alice@${domain}` }]);
	expect(back[0]?.getChild("error")?.getChild("remote-server-timeout")).toBeTruthy();
	await bridge?.stop(1_000);
	await start(async () => undefined);
	await bridge?.stop(1_000);
	expect(back).toHaveLength(1);
});
