import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { CommandCall } from "../../src/core/command.ts";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import type { BridgeEvent, Message } from "../../src/core/event.ts";
import type {
	LinkId,
	NetworkName,
	OperationId,
	PortalId,
	RoomId,
	TraceId,
	UserId,
} from "../../src/core/ids.ts";
import type { Link } from "../../src/core/mapping.ts";
import type { Bridge, Outbound } from "../../src/core/network.ts";
import type { Person } from "../../src/core/person.ts";
import { ghostsOnXmpp } from "../../src/networks.ts";
import { graceMs } from "../../src/xmpp/direct/first-contact.ts";
import { createXmpp } from "../../src/xmpp/index.ts";
import { type Element, serialize, xml } from "../../src/xmpp/stream/xml.ts";
import { eventually } from "../eventually.ts";
import { quiet } from "../fakes.ts";
import { domain, type FakeServer, fakeServer, secret } from "./fake-server.ts";

let server: FakeServer;
let network: ReturnType<typeof createXmpp>;
let received: BridgeEvent[];
let lookup: () => void;
let resumed = 0;
let fault = false;

const alice: Person = {
	network: "matrix" as NetworkName,
	id: "@alice:hs.test" as UserId,
	address: ["alice"],
	name: "Alice",
	handles: [],
	domain: "hs.test",
	local: true,
};
let journal: Promise<void>;
let directory: Promise<void>;
const bridge = {
	receive: async (events: readonly BridgeEvent[]) => {
		await journal;
		received.push(...events);
	},
	findPerson: async (_: NetworkName, [who]: readonly string[]) => {
		lookup();
		await directory;
		return who === "alice" ? alice : undefined;
	},
	portal: async () => {
		if (fault) throw new TypeError("a fault of ours");
	},
	allows: ({ domain: of }: Person) => of !== "blocked.test",
	personUrl: ({ id }: Person) => `https://people.test/${id}`,
	signal: () => undefined,
	changed: () => undefined,
	mayReach: async ({ domain: of }: Person) => of !== "stranger.test",
	cursor: async () => undefined,
	cursors: async () => [],
	views: {
		look: async () => ({ kind: "refused", why: "unknown", text: "there is no such room" }),
		makesRooms: () => false,
		mayMake: () => false,
	},
	saveCursor: async () => undefined,
	resume: () => void resumed++,
	command: async ({ reply, text }: CommandCall) => reply(`ran ${text}`),
	commandsFor: () => [],
	greeting: async () => undefined,
	secret: async () => "secret",
} as unknown as Bridge;

beforeEach(async () => {
	received = [];
	journal = directory = Promise.resolve();
	fault = false;
	lookup = () => undefined;
	server = await fakeServer({}, (stanza) => {
		// The server routes self-pings and their answers.
		if (stanza.attrs.to === domain && stanza.attrs.from === `${domain}/ping`) server.write(serialize(stanza));
		else server.received.push(stanza);
	});
	network = createXmpp(
		{ component: domain, service: server.service, secret },
		{ log: quiet, membersMirrored: 50, namespace: ghostsOnXmpp },
	);
	await network.start(bridge);
});
afterEach(async () => {
	await network.stop();
	await server.stop();
});

/** Returns the component's answers to these stanzas: all it wrote until it answered a ping after them. */
async function answers(...stanzas: string[]): Promise<Element[]> {
	const before = server.received.length;
	const id = `end${Math.random()}`;
	server.write(stanzas.join(""));
	await new Promise((resolve) => setTimeout(resolve, 30));
	server.write(
		`<iq type='get' from='c@x.test/r' to='${domain}' id='${id}'><ping xmlns='urn:xmpp:ping'/></iq>`,
	);
	await eventually(() => expect(server.received.some((one) => one.attrs.id === id)).toBe(true));
	// The bridge asks each client that writes for its features; those requests are no answers.
	const asks = (one: Element) => one.name === "iq" && one.attrs.type === "get";
	return server.received.slice(before).filter((one) => one.attrs.id !== id && !asks(one));
}
/** Makes the wait for an error after a first message last until the test ends it, whatever time that takes. */
function holdGrace(): { end(): void } {
	const real = setTimeout;
	let waiting: (() => void)[] | undefined = [];
	const held = (work: () => void, ms?: number) => {
		if (ms !== graceMs) return real(work, ms);
		if (!waiting) return real(work, 0);
		waiting.push(work);
		return real(() => undefined, 0);
	};
	const spy = vi.spyOn(globalThis, "setTimeout").mockImplementation(held as typeof setTimeout);
	onTestFinished(() => spy.mockRestore());
	return {
		end() {
			for (const work of waiting ?? []) work();
			waiting = undefined;
		},
	};
}
const summary = (answer: Element) =>
	[answer.name, answer.attrs.type, answer.getChild("error")?.getChildElements()[0]?.name]
		.filter(Boolean)
		.join(" ");

test("a delayed 1:1 message has the time that its server or ours added, unless it lies in the future", async () => {
	const held = (id: string, by: string, stamp: string) =>
		`<message from='romeo@x.test/r' to='alice@bridge.test' id='${id}'><body>${id}</body><delay xmlns='urn:xmpp:delay' from='${by}' stamp='${stamp}'/></message>`;
	const past = "2026-01-02T03:04:05Z";
	await answers(
		held("theirs", "x.test", past),
		held("ours", domain, past),
		held("others", "y.test", past),
		held("later", "x.test", "2999-01-01T00:00:00Z"),
	);
	await eventually(() => expect(received).toHaveLength(4));
	const [theirs, ours, ...others] = received.map(({ at }) => at);
	expect([theirs, ours]).toEqual([Date.parse(past), Date.parse(past)]);
	for (const at of others) expect(Math.abs(Date.now() - (at ?? 0))).toBeLessThan(60_000);
});

describe("a blocked person on XMPP", () => {
	const from = "from='eve@blocked.test/r' to='alice@bridge.test'";
	const texts = (all: readonly Element[]) =>
		all.map((one) => one.getChild("error")?.getChild("text")?.getText());
	let asked = 0;
	beforeEach(() => {
		asked = 0;
		lookup = () => void asked++;
	});
	test("gets service-unavailable for an IQ to any ghost, without a lookup", async () => {
		const ask = (to: string, payload: string) =>
			`<iq type='get' id='1' from='eve@blocked.test/r' to='${to}'>${payload}</iq>`;
		const said = await answers(
			ask("alice@bridge.test", "<vCard xmlns='vcard-temp'/>"),
			ask("nobody@bridge.test", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
			ask("bridge.test", "<query xmlns='http://jabber.org/protocol/disco#info'/>"),
		);
		expect(said.map(summary)).toEqual(Array(3).fill("iq error service-unavailable"));
		expect(asked).toBe(0);
	});
	test.each(["subscribe", "probe", "unsubscribe", "available"])(
		"gets no answer to a presence: %s",
		async (type) => {
			const attribute = type === "available" ? "" : `type='${type}'`;
			expect(
				await answers(
					`<presence ${attribute} ${from}><x xmlns='http://jabber.org/protocol/muc'/></presence>`,
				),
			).toEqual([]);
			expect(asked).toBe(0);
		},
	);
	test("gets an error that names the cause for at most ten messages, and no message is delivered", async () => {
		const line = `<message type='chat' id='1' ${from}><body>hi</body></message>`;
		const said = await answers(...Array(30).fill(line));
		expect(said.map(summary)).toEqual(Array(10).fill("message error forbidden"));
		expect(new Set(texts(said))).toEqual(
			new Set(["Not delivered to the other side: you are blocked on this bridge. Its admin can lift that."]),
		);
		expect(asked).toBe(0);
		expect(received).toEqual([]);
	});
	test("gets no answer to an invitation, nor to a chat state", async () => {
		expect(
			await answers(
				`<message ${from}><x xmlns='jabber:x:conference' jid='a@muc.test'/></message>`,
				`<message ${from}><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
			),
		).toEqual([]);
	});
});

describe("back-pressure: reading from the XMPP server stops", () => {
	const answered = () => server.received.some((one) => one.attrs.id === "behind");
	const big = `<big xmlns='x'>${"x".repeat(100_000)}</big>`;
	const line = (n: number) =>
		`<message from='romeo@x.test/r' to='alice@bridge.test' id='${n}'><body>hi</body>${big}</message>`;
	const question = (n: number) =>
		`<iq type='get' from='romeo@x.test/r' to='alice@bridge.test' id='${n}'>${big}</iq>`;
	const wish = () =>
		`<presence type='subscribe' from='romeo@x.test' to='alice@bridge.test'>${big}</presence>`;
	const flood = (stanza: (n: number) => string) => {
		const behind = `<iq type='get' from='c@x.test/r' to='${domain}' id='behind'><ping xmlns='urn:xmpp:ping'/></iq>`;
		server.write(Array.from({ length: 60 }, (_, n) => stanza(n)).join("") + behind);
	};

	test("during a flood of 1:1 messages until the journal has stored them", async () => {
		const stuck = Promise.withResolvers<void>();
		journal = stuck.promise;
		flood(line);
		await new Promise((resolve) => setTimeout(resolve, 1_500));
		expect(answered()).toBe(false);
		stuck.resolve();
		await eventually(() => expect(answered()).toBe(true));
		await eventually(() => expect(received).toHaveLength(60));
	});

	test.each([
		["messages", line],
		["IQs", question],
		["subscription requests", wish],
	])(
		"during a flood of %s until their recipient is looked up, but for a second at most",
		async (_, stanza) => {
			const slow = Promise.withResolvers<void>();
			directory = slow.promise;
			const answers = () =>
				server.received.filter(({ attrs: { type = "" } }) => ["error", "subscribed"].includes(type)).length;
			const begun = performance.now();
			flood(stanza);
			await eventually(() => expect(answered()).toBe(true));
			expect(performance.now() - begun).toBeGreaterThan(900);
			expect(received.length + answers()).toBe(0);
			slow.resolve();
			await eventually(() => expect(received.length + answers()).toBe(60));
		},
	);
});

const muc = "http://jabber.org/protocol/muc";
const ask = "from='romeo@x.test/r' to='alice@bridge.test'";
test.each([
	["a message to a person", `<message ${ask} type='chat' id='1'><body>hi</body></message>`, []],
	[
		"a message to a person who does not exist",
		`<message from='romeo@x.test/r' to='nobody@bridge.test' id='1'><body>hi</body></message>`,
		["message error item-not-found"],
	],
	[
		"a message to a malformed ghost JID",
		`<message from='romeo@x.test/r' to='a=zz@bridge.test' id='1'><body>hi</body></message>`,
		["message error item-not-found"],
	],
	[
		"a message to the component itself",
		`<message from='romeo@x.test/r' to='bridge.test' id='1'><body>hi</body></message>`,
		["message chat"],
	],
	[
		"an encrypted message",
		`<message ${ask} id='1'><body>x</body><encrypted xmlns='eu.siacs.conversations.axolotl'/></message>`,
		["message error not-acceptable"],
	],
	[
		"a message from a server",
		`<message from='x.test' to='alice@bridge.test' id='1'><body>hi</body></message>`,
		["message error service-unavailable"],
	],
	[
		"a typing notification",
		`<message ${ask} type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
		[],
	],
	["a message of type error", `<message ${ask} type='error' id='1'><body>hi</body></message>`, []],
	[
		"a message of type error to a person who does not exist",
		`<message from='romeo@x.test/r' to='nobody@bridge.test' type='error'/>`,
		[],
	],
	[
		"a groupchat message of a MUC that the bridge has not joined",
		`<message from='v@m.test/x' to='alice@bridge.test/trivium' type='groupchat' id='1'><body>x</body></message>`,
		["message error recipient-unavailable"],
	],
	[
		"an invitation sent by a MUC",
		`<message from='v@m.test' to='alice@bridge.test'><x xmlns='${muc}#user'><invite from='romeo@x.test'/></x></message>`,
		["message"],
	],
	[
		"an invitation sent by a person",
		`<message ${ask} id='1'><body>come</body><x xmlns='jabber:x:conference' jid='v@m.test'/></message>`,
		["message error not-acceptable"],
	],
	[
		"a join to a hosted room that does not exist",
		`<presence from='romeo@x.test/r' to='#lobby@bridge.test/Romeo'><x xmlns='${muc}'/></presence>`,
		["presence error item-not-found"],
	],
	[
		"a subscription request to a person",
		`<presence ${ask} type='subscribe'/>`,
		["presence subscribed", "presence subscribe"],
	],
	[
		"a subscription request of somebody who may not write to the person",
		`<presence from='romeo@stranger.test' to='alice@bridge.test' type='subscribe'/>`,
		["presence unsubscribed"],
	],
	[
		"a subscription request to a person who does not exist",
		`<presence from='romeo@x.test' to='nobody@bridge.test' type='subscribe'/>`,
		["presence unsubscribed"],
	],
	["a presence probe", `<presence ${ask} type='probe'/>`, ["presence unavailable"]],
	[
		"a presence probe to a person who does not exist",
		`<presence from='romeo@x.test' to='nobody@bridge.test' type='probe'/>`,
		["presence unsubscribed"],
	],
	[
		"an unsubscription",
		`<presence ${ask} type='unsubscribe'/>`,
		["presence unavailable", "presence unsubscribed"],
	],
	["an available presence", `<presence ${ask}/>`, []],
	["a presence of type error", `<presence ${ask} type='error'/>`, []],
	[
		"an IQ with an unknown payload",
		`<iq ${ask} type='get' id='1'><query xmlns='urn:x'/></iq>`,
		["iq error service-unavailable"],
	],
	["an IQ result that matches no request", `<iq ${ask} type='result' id='1'/>`, []],
])("%s gets the right answer", async (_, stanza, expected) => {
	expect((await answers(stanza)).map(summary)).toEqual(expected);
});

type Stanza = Readonly<{
	name: string;
	inside: readonly string[];
	from: string;
	to: string;
	type: string | undefined;
	id: string | undefined;
}>;

describe("any sequence of stanzas", () => {
	const jid = fc.constantFrom(
		"romeo@x.test/r",
		"v@m.test/nick",
		"v@m.test",
		"x.test",
		"alice@bridge.test",
		"@bridge.test",
		"",
		"a@b@c/d/e",
	);
	const child = fc.constantFrom(
		"",
		"<body/>",
		"<body>x</body>",
		"<x xmlns='http://jabber.org/protocol/muc#user'/>",
		"<x xmlns='http://jabber.org/protocol/muc#user'><invite/></x>",
		"<error/>",
		"<reactions xmlns='urn:xmpp:reactions:0'><reaction/></reactions>",
		"<query xmlns='http://jabber.org/protocol/disco#info'/>",
	);
	const to = fc.constantFrom(
		"alice@bridge.test",
		"bridge.test",
		"#r@bridge.test/n",
		"~listener-1@bridge.test/trivium",
		"%@bridge.test",
	);
	const type = fc.constantFrom(
		undefined,
		"chat",
		"groupchat",
		"error",
		"result",
		"get",
		"set",
		"unavailable",
		"subscribe",
		"nonsense",
	);
	const any = fc.record({
		name: fc.constantFrom("message", "presence", "iq"),
		from: jid,
		to,
		type,
		inside: fc.array(child, { maxLength: 3 }),
		id: fc.constantFrom(undefined, "1"),
	});
	const raw = (all: readonly Stanza[]) =>
		all.map(({ name, inside, ...attrs }) =>
			serialize(xml(name, attrs)).replace(/\/>$/, `>${inside.join("")}</${name}>`),
		);

	test("leaves the link up, and the next stanza is answered", async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 20 }), async (all) => {
				await answers(...raw(all));
				expect(server.connections.total).toBe(1);
			}),
			{ numRuns: 15 },
		);
	});

	test("gets no answer if all stanzas are errors and results", async () => {
		const final = any.map((one) => ({ ...one, type: one.name === "iq" ? "result" : "error" }));
		await fc.assert(
			fc.asyncProperty(fc.array(final, { minLength: 1, maxLength: 20 }), async (all) => {
				expect(await answers(...raw(all))).toEqual([]);
			}),
			{ numRuns: 15 },
		);
	});
});

describe("a 1:1 chat", () => {
	const room = "romeo@x.test alice@bridge.test" as RoomId;
	const out = (operation: string, text = "hi"): Outbound => {
		const link = {
			id: "l" as LinkId,
			network: "xmpp" as NetworkName,
			role: "direct" as const,
			room,
			in: true,
			out: true,
		};
		const event = {
			kind: "message",
			style: "text",
			text,
			id: "$1",
			room: "!r",
			sender: alice,
			at: 0,
		} as unknown as Message;
		return {
			operation: operation as OperationId,
			trace: "t" as TraceId,
			portal: { id: "p" as PortalId, links: [link] },
			link,
			room,
			event,
			passed: [],
			refs: {},
			shown: [],
			reactions: "native",
			once: (_name, make) => make(),
			attempt: 0,
		};
	};
	const hello = `<message ${ask} type='chat' id='1'><body>hi</body></message>`;

	test("delivers a sender's messages in order, however long the lookup of the recipient takes", async () => {
		await answers(
			...Array.from({ length: 50 }, (_, n) => `<message ${ask} id='${n}'><body>${n}</body></message>`),
		);
		expect(received.map((event) => (event as Message).text)).toEqual(
			Array.from({ length: 50 }, (_, n) => `${n}`),
		);
		expect(received[0]).toMatchObject({ room, to: alice, sender: { id: "romeo@x.test" } });
	});

	test("answers all messages with an error of type wait after one failed lookup of their recipient", async () => {
		let asked = 0;
		lookup = () => {
			asked++;
			throw new TemporaryError("down");
		};
		const errors = await answers(...Array.from({ length: 20 }, () => hello));
		expect(errors.map((one) => one.getChild("error")?.attrs.type)).toEqual(Array(20).fill("wait"));
		expect(errors[0]?.getChild("error")?.getChild("text")?.getText()).toMatch(
			/^The server of this address does not answer/,
		);
		expect(asked).toBe(1);
	});

	test("answers a subscription request and a probe with remote-server-timeout if the lookup fails for now", async () => {
		lookup = () => {
			throw new TemporaryError("down");
		};
		const all = await answers(`<presence ${ask} type='subscribe'/>`, `<presence ${ask} type='probe'/>`);
		expect(all.map(summary)).toEqual(Array(2).fill("presence error remote-server-timeout"));
	});

	test("takes a message that arrives while the bridge stops", async () => {
		await network.pause();
		expect(await answers(hello)).toEqual([]);
		expect(received).toHaveLength(1);
	});

	test("answers a message that the bridge fails on with an error, and delivers the next one", async () => {
		fault = true;
		expect((await answers(hello)).map(summary)).toEqual(["message error internal-server-error"]);
		fault = false;
		expect(await answers(hello)).toEqual([]);
		expect(received).toHaveLength(1);
	});

	test("returns a refusal to the sending client under the message's id, and after a restart as a message", async () => {
		await answers(hello);
		const before = server.received.length;
		await network.refuse(received[0] as Message, new PermanentError("forbidden", "no."), "Matrix");
		await eventually(() => expect(server.received.length).toBeGreaterThan(before));
		expect(server.received.at(-1)?.attrs).toMatchObject({
			type: "error",
			to: "romeo@x.test/r",
			id: "1",
			from: "alice@bridge.test",
		});
		const other = { ...(received[0] as Message), room: "juliet@x.test alice@bridge.test" as RoomId };
		await network.refuse(other, new PermanentError("forbidden", "no."), "Matrix");
		await eventually(() =>
			expect(server.received.at(-1)?.attrs).toMatchObject({ type: "chat", to: "juliet@x.test" }),
		);
	});

	test("waits for an error after the first message, and fails with that of the recipient's server", async () => {
		const sent = network.send(out("op1")).then(
			() => undefined,
			(error: unknown) => error,
		);
		await eventually(() => expect(server.received.some((one) => one.attrs.id === "op1")).toBe(true));
		server.write(
			`<message type='error' from='evil@x.test' to='alice@bridge.test/trivium' id='op1'><error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>` +
				`<message type='error' from='romeo@x.test' to='alice@bridge.test/trivium' id='op1'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
		);
		expect(await sent).toMatchObject({ name: "PermanentError", reason: "not-found" });
	});

	test("sends the next messages, in order, only once the first one got through", async () => {
		const grace = holdGrace();
		const sends = ["op1", "op2", "op3"].map((operation) => network.send(out(operation)));
		const ids = () =>
			server.received.flatMap((one) => (one.name === "message" && one.attrs.id ? [one.attrs.id] : []));
		await eventually(() => expect(ids()).toEqual(["op1"]));
		await new Promise((resolve) => setTimeout(resolve, 500));
		expect(ids()).toEqual(["op1"]);
		grace.end();
		await Promise.all(sends);
		expect(ids()).toEqual(["op1", "op2", "op3"]);
	});

	test("takes a message from the other side as proof of delivery, and sends waiting messages first", async () => {
		holdGrace();
		const sends = ["op1", "op2", "op3"].map((operation) => network.send(out(operation)));
		const ids = () =>
			server.received.flatMap((one) => (one.name === "message" && one.attrs.id ? [one.attrs.id] : []));
		await eventually(() => expect(ids()).toEqual(["op1"]));
		server.write(hello);
		await eventually(() => expect(received).not.toEqual([]));
		sends.push(network.send(out("op4")));
		await Promise.all(sends);
		expect(ids()).toEqual(["op1", "op2", "op3", "op4"]);
	});

	test("fails all waiting messages when the first one fails for now, so that none overtakes it", async () => {
		const sends = ["op1", "op2", "op3"].map((operation) =>
			network.send(out(operation)).catch((error: unknown) => error),
		);
		const ids = () =>
			server.received.flatMap((one) => (one.name === "message" && one.attrs.id ? [one.attrs.id] : []));
		await eventually(() => expect(ids()).toEqual(["op1"]));
		server.write(
			`<message type='error' from='romeo@x.test' to='alice@bridge.test/trivium' id='op1'><error type='wait'><remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
		);
		for (const error of await Promise.all(sends)) expect(error).toBeInstanceOf(TemporaryError);
		expect(ids()).toEqual(["op1"]);
	});

	test("asks a client that writes for its features, and omits the fallback text of those it has", async () => {
		await answers(hello);
		const ask = server.received.find((one) => one.name === "iq" && one.attrs.to === "romeo@x.test/r");
		const react = async (operation: string) => {
			const event = { kind: "reaction", mode: "set", emoji: ["👍️"], target: { id: "$1" } };
			const base = out(operation);
			await network.send({
				...base,
				event: { ...base.event, ...event } as never,
				refs: { $1: ["msg 1" as never] },
				reactions: network.capabilities(room).reaction,
			});
			return server.received.find((one) => one.attrs.id === operation);
		};
		const mixed = await react("op1");
		expect(mixed?.getChild("body")?.getText()).toBe("/me reacted with 👍️");
		expect(mixed?.getChild("fallback")).toBeTruthy();
		const { id = "", from = "" } = ask?.attrs ?? {};
		await answers(
			`<iq type='result' from='romeo@x.test/r' to='${from}' id='${id}'><query xmlns='http://jabber.org/protocol/disco#info'><feature var='urn:xmpp:reactions:0'/></query></iq>`,
		);
		expect(network.capabilities(room)).toMatchObject({
			reaction: "native",
			redaction: "mixed",
		});
		const native = await react("op2");
		expect(native?.getChild("reactions", "urn:xmpp:reactions:0")?.attrs.id).toBe("1");
		expect(native?.getChild("body")).toBeUndefined();
	});

	test("refuses a retraction of the other person's message", async () => {
		const base = out("op1");
		const event = { kind: "redaction", target: { id: "$1" } };
		const sent = network.send({
			...base,
			event: { ...base.event, ...event } as never,
			refs: { $1: ["msg 1" as never] },
		});
		await expect(sent).rejects.toThrow("only they can delete");
	});

	test("does not wait for errors once the other side has written, and shows a late error in the Matrix room", async () => {
		holdGrace();
		await answers(hello);
		expect(await network.send(out("op2"))).toEqual(["msg op2", "from op2 alice@bridge.test"]);
		await answers(
			`<message type='error' from='romeo@x.test' to='alice@bridge.test/trivium' id='op2'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
		);
		expect(received.at(-1)).toMatchObject({
			kind: "message",
			style: "notice",
			room,
			text: expect.stringContaining("could not be delivered"),
		});
		// An error is never answered with an error, even if it cannot be shown.
		const before = server.received.length;
		await network.refuse(received.at(-1) as Message, new PermanentError("busy", "too fast."), "Matrix");
		expect(await answers()).toEqual([]);
		expect(server.received.slice(before).filter(({ name }) => name === "message")).toEqual([]);
	});

	test("sends the name with the first message only, and one ping confirms many messages", async () => {
		await answers(hello);
		await network.send(out("op0"));
		const pings = server.pings;
		await Promise.all(Array.from({ length: 20 }, (_, n) => network.send(out(`b${n}`))));
		expect(server.pings - pings).toBeLessThanOrEqual(10);
		const named = server.received.filter((one) => one.getChild("nick"));
		expect(named.map((one) => one.attrs.id)).toEqual(["op0"]);
	});

	test("fails with a TemporaryError while the XMPP server cannot be reached", async () => {
		await server.stop();
		await eventually(async () => {
			await expect(network.send(out("op3"))).rejects.toBeInstanceOf(TemporaryError);
		});
		await server.restart();
	});
});

test("waiting lanes resume as soon as the XMPP link is back", async () => {
	const before = resumed;
	server.drop();
	await eventually(() => expect(network.status?.().up).toBe(false));
	expect(resumed).toBe(before);
	await eventually(() => expect(network.status?.().up).toBe(true));
	expect(resumed).toBe(before + 1);
});

test("after an outage at most twenty MUCs of a service are queried or joined concurrently", async () => {
	const rooms = Array.from({ length: 300 }, (_, n) => `room${n}@muc.x.test`);
	const asked = () =>
		server.received.filter(({ name, attrs }) => name === "iq" && attrs.to?.includes("@muc."));
	const joins = () => server.received.filter(({ name }) => name === "presence").map(({ attrs }) => attrs.to);
	for (const [n, room] of rooms.entries()) {
		const link: Link = {
			id: `l${n}` as LinkId,
			network: "xmpp" as NetworkName,
			role: "joined",
			room: room as RoomId,
			in: true,
			out: true,
		};
		network.attach({ id: `p${n}` as PortalId, links: [link] }, link).catch(() => undefined);
	}
	await eventually(() => expect(asked()).toHaveLength(20));
	await new Promise((resolve) => setTimeout(resolve, 100));
	expect(asked()).toHaveLength(20);
	// The MUCs refuse disco#info, and do not answer joins yet.
	const answered = new Set<string>();
	await eventually(() => {
		for (const { name, attrs } of server.received.filter(({ attrs: { id } }) => !answered.has(id ?? ""))) {
			answered.add(attrs.id ?? "");
			const no = "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";
			if (name === "iq")
				server.write(
					`<iq type='error' from='${attrs.to}' to='${attrs.from}' id='${attrs.id}'><error type='auth'>${no}</error></iq>`,
				);
		}
		expect(joins().length).toBeGreaterThanOrEqual(20);
	});
	expect(asked().length).toBeLessThan(300);
	await new Promise((resolve) => setTimeout(resolve, 100));
	expect(joins()).toHaveLength(20);
	// An answered join frees a slot for the next one.
	const [first = ""] = joins();
	const [{ attrs } = { attrs: {} as Record<string, string> }] = server.received.filter(
		(one) => one.attrs.to === first,
	);
	const refused = "<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>";
	server.write(
		`<presence type='error' from='${first}' to='${attrs.from}'><error type='wait'>${refused}</error></presence>`,
	);
	await eventually(() => expect(joins()).toHaveLength(21));
});

describe("createXmpp: JIDs that people type or read", () => {
	test("findRoom and findPerson refuse malformed JIDs and the bridge's own, and name the cause", async () => {
		for (const typed of ["romeo", "@alice:hs.test", "x y@z", "a@", "@b"])
			await expect(network.findRoom([typed])).rejects.toThrow(/is not an XMPP address/);
		await expect(network.findPerson(["alice@BRIDGE.test"])).rejects.toThrow(/bridge itself/);
	});
	test("show omits the ghost's JID of a 1:1 chat", () => {
		const link = {
			id: "l" as LinkId,
			network: "xmpp" as NetworkName,
			role: "direct" as const,
			in: true,
			out: true,
		};
		expect(network.show({ ...link, room: "romeo@x.test alice@bridge.test" as RoomId })).toBe("romeo@x.test");
		expect(network.show({ ...link, room: "verona@muc.test" as RoomId })).toBe("verona@muc.test");
	});
	test("openDirect returns the room id of a 1:1 chat without a request, and refuses an occupant", async () => {
		const romeo = {
			...alice,
			network: "xmpp" as NetworkName,
			id: "romeo@x.test" as UserId,
			address: ["romeo@x.test"],
		};
		expect(await network.openDirect(romeo, alice)).toBe("romeo@x.test alice@bridge.test");
		const occupant = { ...romeo, address: ["v@m.test", "Romeo"] };
		await expect(network.openDirect(occupant, alice)).rejects.toBeInstanceOf(PermanentError);
	});
});
