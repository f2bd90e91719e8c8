import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Support } from "../../../src/core/capabilities.ts";
import { keysOf } from "../../../src/core/dedupe.ts";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { LinkId, MessageId, OperationId, RoomId } from "../../../src/core/ids.ts";
import type { Outbound, Received } from "../../../src/core/network.ts";
import { eventKey } from "../../../src/core/operation.ts";
import type { Signal, SignalOut } from "../../../src/core/signal.ts";
import { createDirectChats } from "../../../src/xmpp/direct/index.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { contactsOf } from "../contacts/world.ts";
import { alice } from "../joined/muc-world.ts";

const room = "romeo@x.test alice@bridge.test" as RoomId;
const minute = 60_000;
const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";

/** How long the first message waits for an error, in ms. */
const grace = 3_000;

beforeEach(() => {
	vi.useFakeTimers({ now: 1_700_000_000_000 });
});
afterEach(() => {
	vi.useRealTimers();
});

/** Returns the events that core takes: those whose keys it does not know. */
function newOnes(told: readonly Received[]): readonly Received[] {
	const known = new Set<string>();
	return told.filter((one) => {
		const { key, repeats } = keysOf(one, eventKey(one), true);
		if (known.has(key) || [...known].some((it) => repeats && it >= repeats.from && it <= repeats.to))
			return false;
		known.add(key);
		return true;
	});
}

/** The state that outlives a run of the bridge. */
const nothing = () => ({
	cursors: new Map<string, string>(),
	taken: new Map<OperationId, readonly MessageId[]>(),
	support: "mixed" as Support,
	/** Holds the XMPP server's acknowledgements back. */
	acknowledged: Promise.resolve(),
});

/** Creates the bridge's side of a 1:1 chat. `left`: what an earlier run has left. `lookup` resolves when the recipient has been looked up. */
function chat(lookup = Promise.resolve(), left = nothing()) {
	const wire: Element[] = [];
	const told: Received[] = [];
	const signals: Signal[] = [];
	let broken: Error | undefined;
	const side = createDirectChats({
		contacts: contactsOf().contacts,
		faces: { profile: async () => ({ name: undefined, hash: undefined }) },
		link: {
			get online() {
				return broken === undefined;
			},
			send: async (stanza) => {
				if (broken) throw broken;
				wire.push(stanza);
			},
		},
		answer: async (answer) => void wire.push(answer),
		confirm: () => left.acknowledged,
		taken: left.taken,
		resource: "trivium",
		bridge: () => ({
			portal: async () => undefined,
			signal: (signal) => void signals.push(signal),
			cursor: async (key) => left.cursors.get(key),
			cursors: async (prefix) =>
				[...left.cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
			saveCursor: async ({ key, value }) =>
				void (value === undefined ? left.cursors.delete(key) : left.cursors.set(key, value)),
		}),
		who: async () => {
			await lookup;
			return alice;
		},
		ghost: () => "alice@bridge.test",
		clients: { present: () => undefined, wrote: () => undefined, support: () => left.support },
		tell: (events) => void told.push(...events),
		now: () => ({ at: Date.now(), unique: () => "u" }),
		log: quiet,
	});
	/** Sends a message, whose writing fails with `fault`. */
	const send = (operation: string, fault?: Error) => {
		const text = () => {
			if (fault) throw fault;
			return operation;
		};
		const event = { kind: "message", style: "text", sender: alice, id: `$${operation}` };
		Object.defineProperty(event, "text", { get: text, enumerable: true });
		const out = {
			room,
			event,
			operation: operation as OperationId,
			refs: {},
			shown: [],
			reactions: "native",
		};
		const sent = side.send(out as unknown as Outbound);
		sent.catch(() => undefined);
		return sent;
	};
	return {
		send,
		told,
		takes: (stanza: Element) => side.stanza(stanza),
		settled: side.settled,
		end: () =>
			side.detach({ id: "l" as LinkId, network: "xmpp" as never, role: "direct", room, in: true, out: true }),
		written: () => wire,
		/** Returns the ids of the written stanzas, in order. */
		ids: () => wire.map((one) => one.attrs.id),
		signals,
		show: (out: Partial<SignalOut>) => side.signal({ room, ids: [], ...out } as SignalOut),
		confirm: side.confirm,
		online: side.online,
		/** Has the link refuse all stanzas. */
		break: (error: Error | undefined) => {
			broken = error;
		},
		/** Returns the ids of the stanzas that ask for a receipt. */
		asking: () =>
			wire.filter((one) => one.getChild("request", "urn:xmpp:receipts")).map((one) => one.attrs.id),
		/** Delivers the receipt of a client (XEP-0184). */
		receipt: (id: string, from = "romeo@x.test/r") =>
			side.stanza(
				xml(
					"message",
					{ from, to: "alice@bridge.test" },
					xml("received", { xmlns: "urn:xmpp:receipts", id }),
				),
			),
		/** Delivers a stanza from the other side. Returns the error that answers it at once. */
		hears(body = "hi", from = "romeo@x.test/r", inside = "body", id = body): Element | undefined {
			const before = wire.length;
			side.stanza(xml("message", { from, to: "alice@bridge.test", id }, xml(inside, {}, body)));
			return wire[before];
		},
		/** Delivers an error from the other side's server. */
		bounces: (id: string, type: string, condition: string) =>
			side.stanza(
				xml(
					"message",
					{ type: "error", from: "romeo@x.test", to: "alice@bridge.test/trivium", id },
					xml("error", { type }, xml(condition, { xmlns: stanzas })),
				),
			),
	};
}

test("a bug in writing one message does not stop the messages behind it", async () => {
	const one = chat();
	const bad = one.send("op1", new TypeError("a fault of ours"));
	const good = ["op2", "op3"].map((operation) => one.send(operation));
	await expect(bad).rejects.toThrow(TypeError);
	await vi.advanceTimersByTimeAsync(2 * grace);
	await Promise.all(good);
	expect(one.ids()).toEqual(["op2", "op3"]);
});

/** Sends one message in each of 60 microtask turns; returns their ids. */
async function stream(send: (operation: string) => Promise<unknown>): Promise<readonly string[]> {
	const said: string[] = [];
	for (let n = 0; n < 60; n++) {
		said.push(`late${n}`);
		void send(`late${n}`);
		await Promise.resolve();
	}
	return said;
}

test.each([
	["no error has come in time", async () => vi.advanceTimersByTime(grace)],
	["the other side has written", async ({ hears }: ReturnType<typeof chat>) => hears()],
	[
		"it was refused for good",
		async ({ bounces }: ReturnType<typeof chat>) => bounces("op1", "cancel", "item-not-found"),
	],
])("messages that wait for the first one are sent before later ones, once %s", async (_, settle) => {
	const one = chat();
	const waiting = ["op1", "op2", "op3", "op4"];
	for (const operation of waiting) void one.send(operation);
	await vi.advanceTimersByTimeAsync(100);
	expect(one.ids()).toEqual(["op1"]);
	await settle(one);
	const late = await stream(one.send);
	await vi.advanceTimersByTimeAsync(grace);
	expect(one.ids()).toEqual([...waiting, ...late]);
	expect(new Set(one.ids()).size).toBe(64);
});

test("no waiting message is sent if the first one fails for now", async () => {
	const one = chat();
	const sends = ["op1", "op2", "op3"].map((operation) => one.send(operation));
	await vi.advanceTimersByTimeAsync(100);
	one.bounces("op1", "wait", "remote-server-timeout");
	for (const sent of sends) await expect(sent).rejects.toBeInstanceOf(TemporaryError);
	expect(one.ids()).toEqual(["op1"]);
	for (const [n, sent] of sends.entries()) await expect(sent).rejects.toMatchObject({ unsent: n > 0 });
	void one.send("op1");
	await vi.advanceTimersByTimeAsync(0);
	expect(one.ids()).toEqual(["op1", "op1"]);
});

test("after a bounced message the next one waits for an error again, and those behind it wait, too", async () => {
	const one = chat();
	one.hears();
	await vi.advanceTimersByTimeAsync(0);
	await one.send("op1");
	await one.send("op2");
	one.bounces("op2", "cancel", "service-unavailable");
	expect(one.told.at(-1)).toMatchObject({ style: "notice" });
	let done = false;
	void one.send("op3").then(() => {
		done = true;
	});
	void one.send("op4");
	await vi.advanceTimersByTimeAsync(grace - 100);
	expect([one.ids(), done]).toEqual([["op1", "op2", "op3"], false]);
	await vi.advanceTimersByTimeAsync(200);
	expect([one.ids(), done]).toEqual([["op1", "op2", "op3", "op4"], true]);
});

test("5,000 messages of one sender wait for the lookup of their recipient; each further one is bounced", async () => {
	const slow = Promise.withResolvers<void>();
	const { hears, told } = chat(slow.promise);
	for (let n = 0; n < 5_000; n++) expect(hears(`${n}`)).toBeUndefined();
	const answer = hears("one more");
	expect(answer?.attrs).toMatchObject({ type: "error", to: "romeo@x.test/r", id: "one more" });
	expect(answer?.getChild("error")?.attrs.type).toBe("wait");
	expect(hears("typing", "romeo@x.test/r", "composing")).toBeUndefined();
	expect(hears("hello", "juliet@x.test/r"), "somebody else").toBeUndefined();
	slow.resolve();
	await vi.advanceTimersByTimeAsync(0);
	const texts = told.flatMap((event) => (event.kind === "message" ? [event.text] : []));
	expect(texts.filter((text) => text !== "hello")).toEqual(Array.from({ length: 5_000 }, (_, n) => `${n}`));
	expect(texts).toContain("hello");
	expect(hears("and on")).toBeUndefined();
	await vi.advanceTimersByTimeAsync(0);
	expect(told.at(-1)).toMatchObject({ text: "and on" });
});

test("keeps at most 16 MiB of waiting lines of one sender, and 64 MiB of all senders", async () => {
	const slow = Promise.withResolvers<void>();
	const { hears } = chat(slow.promise);
	const large = "x".repeat(1_000_000);
	const taken = (from: string) => {
		let count = 0;
		while (hears("hi", from, "body", large) === undefined) count++;
		return count;
	};
	// A message takes about 2 MB, in its id: a long text would cost the test seconds to parse.
	expect([1, 2, 3, 4, 5].map((n) => taken(`eve${n}@evil.example/r`))).toEqual([8, 8, 8, 8, 1]);
	slow.resolve();
	await vi.advanceTimersByTimeAsync(0);
	expect(hears("and on", "juliet@x.test/r")).toBeUndefined();
});

test.each([
	["1", "the same client", "romeo@x.test/r", 1],
	["1", "another client of the account", "romeo@x.test/phone", 2],
	["3f2b8c1e-9a47-4d6b-8e05-c7d1f2a39b64", "another client of the account", "romeo@x.test/phone", 1],
] as const)(
	"a line with the id %s and the same words from %s (%s) is %i line within two minutes",
	async (id, _, from, count) => {
		const c = chat();
		c.hears("ok", "romeo@x.test/r", "body", id);
		await vi.advanceTimersByTimeAsync(2 * minute);
		c.hears("ok", from, "body", id);
		await vi.advanceTimersByTimeAsync(0);
		expect(newOnes(c.told)).toHaveLength(count);
	},
);

test.each([
	["1", 2],
	["aab3a", 2],
	["message-1", 2],
	["3f2b8c1e-9a47-4d6b-8e05-c7d1f2a39b64", 1],
] as const)(
	"a line with the id %s and the same words, minutes or days later, makes %i lines",
	async (id, count) => {
		for (const later of [2 * minute + 1, 5 * 24 * 60 * minute]) {
			const c = chat();
			c.hears("ok", "romeo@x.test/r", "body", id);
			await vi.advanceTimersByTimeAsync(later);
			c.hears("ok", "romeo@x.test/r", "body", id);
			await vi.advanceTimersByTimeAsync(0);
			expect(newOnes(c.told)).toHaveLength(count);
		}
	},
);

test.each([
	["propose", "urn:xmpp:jingle-message:0", "is calling"],
	["invite", "urn:xmpp:call-invites:0", "invites to a call"],
])("a ghost declines a call (%s), says why, and its person reads of it", async (name, xmlns, words) => {
	const one = chat();
	const call = (more: readonly Element[] = []) =>
		one.takes(
			xml(
				"message",
				{ from: "romeo@x.test/r", to: "alice@bridge.test", id: "m1" },
				xml(name, { xmlns, id: "c1" }),
				...more,
			),
		);
	call();
	await one.settled();
	expect(one.told).toMatchObject([{ kind: "message", style: "emote", text: expect.stringContaining(words) }]);
	const [declined, said, ...more] = one.written();
	expect(more).toEqual([]);
	const reject = declined?.getChild("reject", xmlns);
	expect(reject?.attrs.id).toBe(name === "propose" ? "c1" : "m1");
	expect(declined?.attrs).toMatchObject({ to: "romeo@x.test/r", from: "alice@bridge.test/trivium" });
	expect(said?.getChild("body")?.getText()).toMatch(/Calls do not cross/);
	// A call that waited at a server does not ring any more.
	call([xml("delay", { xmlns: "urn:xmpp:delay", from: "x.test", stamp: "2023-11-14T00:00:00Z" })]);
	await one.settled();
	expect([one.told.length, one.written().length]).toEqual([2, 2]);
});

describe("the first line of a pair", () => {
	const idle = () => vi.advanceTimersByTimeAsync(0);

	test("asks for a receipt, which ends the wait for an error, as each further line asks for one", async () => {
		const c = chat();
		const first = c.send("a");
		await idle();
		const second = c.send("b");
		await idle();
		expect(c.ids()).toEqual(["a"]);
		c.receipt("a", "mallory@x.test/r");
		c.receipt("z");
		await idle();
		expect(c.ids()).toEqual(["a"]);
		c.receipt("a");
		await Promise.all([first, second]);
		expect(c.ids()).toEqual(["a", "b"]);
		expect(c.asking()).toEqual(["a", "b"]);
		expect(c.told).toEqual([]);
	});
	test("asks for no receipt where all clients are known to give none", async () => {
		const c = chat(undefined, { ...nothing(), support: "text" });
		void c.send("a");
		await idle();
		expect(c.ids()).toEqual(["a"]);
		expect(c.asking()).toEqual([]);
	});
});

describe("a line that the XMPP server has taken when the bridge is killed", () => {
	const idle = () => vi.advanceTimersByTimeAsync(100);

	test("is not sent again to a pair that lines have reached", async () => {
		const left = nothing();
		const one = chat(undefined, left);
		const [first] = await Promise.all([one.send("a"), vi.advanceTimersByTimeAsync(grace)]);
		// The kill comes before the journal has noted the line.
		const two = chat(undefined, left);
		expect(await two.send("a")).toEqual(first);
		expect(two.ids()).toEqual([]);
		// The line that waits for an error is taken, too.
		void two.send("b");
		await idle();
		const three = chat(undefined, left);
		await three.send("b");
		expect([...two.ids(), ...three.ids()]).toEqual(["b"]);
	});
	test("is forgotten with its chat: the bridge keeps nothing of a pair whose link has ended", async () => {
		const left = nothing();
		const one = chat(undefined, left);
		await Promise.all([one.send("a"), vi.advanceTimersByTimeAsync(grace)]);
		expect(left.cursors.size).toBe(1);
		await one.end();
		expect(left.cursors.size).toBe(0);
	});
	test("is sent again if it was the first of all, or if a line has come back since", async () => {
		const left = nothing();
		const one = chat(undefined, left);
		void one.send("a");
		await idle();
		const two = chat(undefined, left);
		void two.send("a");
		await vi.advanceTimersByTimeAsync(grace);
		expect([...one.ids(), ...two.ids()]).toEqual(["a", "a"]);
		two.bounces("a", "cancel", "item-not-found");
		const three = chat(undefined, left);
		void three.send("b");
		await idle();
		const four = chat(undefined, left);
		void four.send("b");
		await idle();
		expect([...three.ids(), ...four.ids()]).toEqual(["b", "b"]);
	});
	test("is sent again if the server had not acknowledged it", async () => {
		const left = nothing();
		await Promise.all([chat(undefined, left).send("a"), vi.advanceTimersByTimeAsync(grace)]);
		const one = chat(undefined, { ...left, acknowledged: new Promise(() => undefined) });
		void one.send("b");
		await idle();
		const two = chat(undefined, left);
		void two.send("b");
		await idle();
		expect([...one.ids(), ...two.ids()]).toEqual(["b", "b"]);
	});
	test("is sent again if an error came for it", async () => {
		const left = nothing();
		await Promise.all([chat(undefined, left).send("a"), vi.advanceTimersByTimeAsync(grace)]);
		const c = chat(undefined, left);
		const refused = c.send("b");
		await idle();
		expect(left.taken.has("b" as OperationId)).toBe(true);
		c.bounces("b", "wait", "remote-server-timeout");
		await expect(refused).rejects.toThrow(TemporaryError);
		expect(left.taken.has("b" as OperationId)).toBe(false);
	});
});

describe("a signal in a chat of two", () => {
	const idle = () => vi.advanceTimersByTimeAsync(0);
	const ns = "http://jabber.org/protocol/chatstates";
	const takes = (c: ReturnType<typeof chat>, ...inside: Element[]) =>
		c.takes(
			xml("message", { from: "romeo@x.test/r", to: "alice@bridge.test", type: "chat", id: "m1" }, ...inside),
		);
	const told = ({ signals }: ReturnType<typeof chat>) =>
		signals
			.splice(0)
			.map((one) => [
				one.kind,
				one.sender.id,
				"target" in one ? one.target.id : one.kind === "typing" && one.active,
			]);
	const romeo = "romeo@x.test";
	const by = (signal: object) => ({ signal: { room, sender: alice, ...signal } as Signal });
	/** Returns the stanzas that were written since the last call, without the lines. */
	const written = (c: ReturnType<typeof chat>) =>
		c
			.written()
			.splice(0)
			.filter((one) => !one.getChild("body"))
			.map((one) => `${one.attrs.from} ${one.attrs.to} ${one.getChildElements().map(String).join("")}`);

	test("is told to core: typing and its end, also by a line, markers and receipts", async () => {
		const c = chat();
		takes(c, xml("composing", { xmlns: ns }));
		takes(c, xml("paused", { xmlns: ns }));
		takes(c, xml("body", {}, "hi"));
		takes(c, xml("displayed", { xmlns: "urn:xmpp:chat-markers:0", id: "op1" }));
		takes(c, xml("received", { xmlns: "urn:xmpp:receipts", id: "op2" }));
		expect(told(c)).toEqual([
			["typing", romeo, true],
			["typing", romeo, false],
			["typing", romeo, false],
			["read", romeo, "msg op1"],
			["received", romeo, "msg op2"],
		]);
		expect(c.written()).toEqual([]);
	});

	test("is not told of errors, of the server itself, and of typing that a server has held back", async () => {
		const c = chat();
		const composing = () => xml("composing", { xmlns: ns });
		c.takes(xml("message", { from: "romeo@x.test/r", to: "alice@bridge.test", type: "error" }, composing()));
		c.takes(xml("message", { from: "x.test", to: "alice@bridge.test" }, composing()));
		takes(
			c,
			composing(),
			xml("delay", { xmlns: "urn:xmpp:delay", from: "x.test", stamp: "2023-11-14T00:00:00Z" }),
		);
		expect(told(c)).toEqual([]);
	});

	test("reaches an account that a line has reached, as far as its clients know it, and no stranger", async () => {
		const c = chat();
		await c.show(by({ kind: "typing", active: true }));
		expect(written(c)).toEqual([]);
		c.hears();
		await idle();
		await c.show(by({ kind: "typing", active: true }));
		await c.show(by({ kind: "typing", active: false }));
		const ids = ["x:m1", "own msg m1 romeo@x.test", "msg m1"] as MessageId[];
		await c.show({ ...by({ kind: "read" }), ids });
		expect(written(c)).toEqual([
			'alice@bridge.test/trivium romeo@x.test <composing xmlns="http://jabber.org/protocol/chatstates"/><no-store xmlns="urn:xmpp:hints"/>',
			'alice@bridge.test/trivium romeo@x.test <active xmlns="http://jabber.org/protocol/chatstates"/><no-store xmlns="urn:xmpp:hints"/>',
			'alice@bridge.test/trivium romeo@x.test <displayed xmlns="urn:xmpp:chat-markers:0" id="m1"/><store xmlns="urn:xmpp:hints"/>',
		]);
		// A ghost has read its own line before anybody else.
		await c.show({ ...by({ kind: "read" }), ids: ["msg op", "from op alice@bridge.test"] as MessageId[] });
		expect(written(c)).toEqual([]);
		const old = chat(undefined, { ...nothing(), support: "text" });
		old.hears();
		await idle();
		await old.show(by({ kind: "typing", active: true }));
		expect(written(old)).toEqual([]);
	});

	test("is a receipt for a line that asks for one, sent when core says so, to the client that wrote", async () => {
		const c = chat();
		takes(c, xml("body", {}, "hi"), xml("request", { xmlns: "urn:xmpp:receipts" }));
		takes(c, xml("body", {}, "ho"));
		await c.settled();
		expect(c.told.map(({ receipt }) => receipt)).toEqual([true, undefined]);
		expect(c.written()).toEqual([]);
		await c.confirm(c.told[0] as Received);
		expect(written(c)).toEqual([
			'alice@bridge.test/trivium romeo@x.test/r <received xmlns="urn:xmpp:receipts" id="m1"/><store xmlns="urn:xmpp:hints"/>',
		]);
		// After a restart the client is not known.
		const later = chat();
		await later.confirm(c.told[0] as Received);
		expect(written(later)[0]).toContain("alice@bridge.test/trivium romeo@x.test <received");
	});

	test("is a receipt that waits for the link while that is broken, also over a kill of the bridge", async () => {
		const left = nothing();
		const c = chat(Promise.resolve(), left);
		takes(c, xml("body", {}, "hi"), xml("request", { xmlns: "urn:xmpp:receipts" }));
		await c.settled();
		c.break(new TemporaryError("offline"));
		await c.confirm(c.told[0] as Received);
		c.online();
		await idle();
		expect(written(c)).toEqual([]);
		const next = chat(Promise.resolve(), left);
		for (let i = 0; i < 2; i++) next.online();
		await idle();
		next.online();
		await idle();
		expect(written(next)).toEqual([
			'alice@bridge.test/trivium romeo@x.test <received xmlns="urn:xmpp:receipts" id="m1"/><store xmlns="urn:xmpp:hints"/>',
		]);
		expect(left.cursors.size).toBe(0);
	});

	test("is a receipt that is written at once if the link is back before the receipt is on disk", async () => {
		const left = nothing();
		const c = chat(Promise.resolve(), left);
		takes(c, xml("body", {}, "hi"), xml("request", { xmlns: "urn:xmpp:receipts" }));
		await c.settled();
		c.break(new TemporaryError("offline"));
		const confirming = c.confirm(c.told[0] as Received);
		c.break(undefined);
		c.online();
		await confirming;
		await idle();
		expect(written(c)).toHaveLength(1);
		expect(left.cursors.size).toBe(0);
	});

	test("is a receipt of the latest thousand that wait for the link", async () => {
		const left = nothing();
		const c = chat(Promise.resolve(), left);
		takes(c, xml("body", {}, "hi"), xml("request", { xmlns: "urn:xmpp:receipts" }));
		await c.settled();
		c.break(new TemporaryError("offline"));
		const [line] = c.told as [Received];
		for (let n = 0; n < 1_002; n++)
			await c.confirm({ ...line, id: line.id.replace("m1", `n${n}`) as MessageId });
		expect(left.cursors.size).toBe(1_000);
		expect([...left.cursors.keys()][0]).toMatch(/n2$/);
	});

	test("is asked for by our lines: a receipt, a marker, and typing", async () => {
		const c = chat();
		c.hears();
		await idle();
		await c.send("op1");
		const [line] = c.written();
		expect(line?.getChildElements().map(({ name }) => name)).toEqual(
			expect.arrayContaining(["body", "request", "markable", "active"]),
		);
	});
});
