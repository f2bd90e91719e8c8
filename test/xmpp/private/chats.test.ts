import { expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../../src/core/errors.ts";
import { createGuard } from "../../../src/core/guard.ts";
import type { MessageId, OperationId, RoomId } from "../../../src/core/ids.ts";
import type { Link, Portal } from "../../../src/core/mapping.ts";
import type { Outbound, Received } from "../../../src/core/network.ts";
import type { Signal, SignalOut } from "../../../src/core/signal.ts";
import { account, occupant } from "../../../src/xmpp/from-xmpp.ts";
import { createPrivateChats } from "../../../src/xmpp/private/chats.ts";
import { placeOf, privateRoom } from "../../../src/xmpp/private/place.ts";
import type { Venue } from "../../../src/xmpp/private/venue.ts";
import { fakeNetwork, quiet } from "../../fakes.ts";
import { stanza } from "../stanza.ts";

const muc = "verona@muc.test";
const alice = fakeNetwork("matrix").person("alice");
const romeo = { ...occupant(muc, "Romeo", { occupantId: "o1" }), within: "Verona" };
const veiled = { ...occupant(muc, "Paris"), within: "Verona" };

/** Makes the private chats of one MUC; `fails` makes its next message fail. */
function world() {
	const told: Received[] = [];
	const sent: string[] = [];
	const state = {
		isServed: true,
		nick: "Romeo",
		fails: undefined as Error | undefined,
		confirms: Promise.resolve(),
	};
	const portals = new Map<string, Portal>();
	const venue: Venue = {
		has: (one) => state.isServed && one === muc,
		nick: () => state.nick,
		async write(place, ours, make) {
			if (state.fails) throw state.fails;
			sent.push(String(make(`${ours.address[0]}@bridge.test/trivium`, `${muc}/${place.person}`)));
		},
		show: async (place, ours, make) => venue.write({ ...place, within: "" }, ours, make),
	};
	const signals: Signal[] = [];
	let unique = 0;
	const chats = createPrivateChats({
		venues: () => [venue],
		bridge: () => ({
			portal: async (_network, room) => portals.get(room),
			signal: (one) => void signals.push(one),
		}),
		confirm: () => state.confirms,
		ghost: ({ address }) => `${address[0]}@bridge.test`,
		tell: (events) => void told.push(...events),
		guard: createGuard(quiet),
		now: () => ({ at: 7, unique: () => `u${++unique}` }),
	});
	/** Makes the portal of alice's chat with an occupant. */
	async function open(who: typeof romeo): Promise<RoomId> {
		const room = privateRoom({ muc, person: who.id, ghost: "alice@bridge.test" });
		const link = { room } as Link;
		const portal = { between: [who, alice] as const, links: [link] } as unknown as Portal;
		portals.set(room, portal);
		await chats.conversation.attach(portal, link);
		return room;
	}
	const out = (room: RoomId, text: string, operation = "op1"): Outbound =>
		({
			operation: operation as OperationId,
			room,
			event: { kind: "message", style: "text", text, id: "$e", room: "!r", sender: alice, at: 0 },
			...{ refs: {}, shown: [], passed: [], reactions: "native", attempt: 0 },
		}) as unknown as Outbound;
	const whisper = (body: string, sender = romeo) =>
		chats.take({
			stanza: stanza(
				`<message from='${muc}/Romeo' to='alice@bridge.test/trivium' type='chat' id='m1'>${body}</message>`,
			),
			...{ muc, sender, to: alice },
		});
	return { chats, told, sent, signals, state, open, out, whisper };
}

test.each([
	[romeo.id, "alice@bridge.test"],
	["verona@muc.test/Rom eo/%", "alice%hs2.test@bridge.test"],
])("the room of a private chat with %s tells its MUC, its person and its ghost", (person, ghost) => {
	const room = privateRoom({ muc, person, ghost });
	expect(placeOf(room)).toEqual({ muc, person, ghost });
	expect(placeOf(`romeo@x.test ${ghost}`)).toBeUndefined();
	expect(placeOf(muc)).toBeUndefined();
});

test("a private message is for the person behind its occupant, from an occupant of that MUC", () => {
	const { told, whisper } = world();
	expect(whisper("<body>psst</body>")).toBeUndefined();
	expect(told).toEqual([
		expect.objectContaining({ kind: "message", text: "psst", sender: romeo, to: alice }),
	]);
	expect(placeOf(told[0]?.room ?? "")).toMatchObject({ muc, person: romeo.id });
	expect(whisper("<composing xmlns='http://jabber.org/protocol/chatstates'/>")).toBeUndefined();
	expect(told).toHaveLength(1);
});

const typing = (room: RoomId, active = true) =>
	({ signal: { kind: "typing", room: "!r", sender: alice, active }, room, ids: [] }) as unknown as SignalOut;
const readUpTo = (room: RoomId, ...ids: string[]) =>
	({
		signal: { kind: "read", room: "!r", sender: alice, target: { id: "$1" } },
		room,
		ids,
	}) as unknown as SignalOut;

test("typing and read positions of an occupant are those of the chat", async () => {
	const { signals, whisper } = world();
	whisper("<composing xmlns='http://jabber.org/protocol/chatstates'/>");
	whisper("<displayed xmlns='urn:xmpp:chat-markers:0' id='op1'/>");
	const room = privateRoom({ muc, person: romeo.id, ghost: "alice@bridge.test" });
	expect(signals).toEqual([
		{ kind: "typing", room, sender: romeo, active: true },
		{ kind: "read", room, sender: romeo, target: expect.objectContaining({ id: "msg op1" }) },
	]);
});

test("an occupant sees typing once a line was written, and which of its lines are read", async () => {
	const { chats, sent, open, out, whisper } = world();
	const room = await open(romeo);
	const { signal, hears } = chats.conversation;
	expect([hears("typing", room), hears("received", room)]).toEqual([true, false]);
	await signal(typing(room));
	expect(sent).toEqual([]);
	whisper("<body>psst</body>");
	await signal(typing(room));
	await signal(readUpTo(room, "msg m1"));
	expect(sent).toEqual([
		expect.stringMatching(/^<message type="chat" .*<composing .*muc#user"\/><\/message>$/),
		expect.stringMatching(/<displayed xmlns="urn:xmpp:chat-markers:0" id="m1"\/>/),
	]);
	// A read position at a line of one's own is no news for the other one.
	const ids = await chats.conversation.send(out(room, "what?"));
	await signal(readUpTo(room, ...ids));
	expect(sent).toHaveLength(3);
});

test("the next holder of a nick sees no typing that was meant for the last one", async () => {
	const { chats, sent, open, whisper } = world();
	const room = await open(veiled);
	whisper("<body>psst</body>", veiled);
	await chats.conversation.signal(typing(room));
	expect(sent).toHaveLength(1);
	chats.left(muc, veiled);
	await chats.conversation.signal(typing(room, false));
	expect(sent).toHaveLength(1);
});

test("an encrypted private message is answered, and not shown", () => {
	const { told, whisper } = world();
	const answer = whisper("<body>OMEMO</body><encrypted xmlns='eu.siacs.conversations.axolotl'/>");
	expect(String(answer)).toContain("not-acceptable");
	expect(told).toEqual([]);
});

test("an answer goes to the occupant alone, marked as a private message of the MUC, and once", async () => {
	const { chats, sent, open, out } = world();
	const room = await open(romeo);
	const ids = await chats.conversation.send(out(room, "what?"));
	expect(await chats.conversation.send(out(room, "what?"))).toEqual(ids);
	expect(sent).toEqual([
		expect.stringMatching(
			/^<message type="chat" .*<body>what\?<\/body>.*muc#user"\/>.*<markable .*<\/message>$/,
		),
	]);
	expect(chats.conversation.owns(room)).toBe(true);
});

test("an error of the MUC fails the message that it names, and an error from elsewhere does nothing", async () => {
	const { chats, state, told, open, out } = world();
	const room = await open(romeo);
	const held = Promise.withResolvers<void>();
	state.confirms = held.promise;
	const sending = chats.conversation.send(out(room, "what?"));
	const bounce = (from: string) =>
		stanza(
			`<message type='error' id='op1' from='${from}' to='alice@bridge.test/trivium'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
		);
	await new Promise((resolve) => setImmediate(resolve));
	expect(chats.failed(bounce("evil@x.test/Romeo"))).toBe(false);
	expect(chats.failed(bounce(`${muc}/Romeo`))).toBe(true);
	await expect(sending).rejects.toBeInstanceOf(PermanentError);
	held.resolve();
	await chats.conversation.send(out(room, "again", "op1"));
	expect(chats.failed(bounce(`${muc}/Romeo`))).toBe(true);
	await new Promise((resolve) => setImmediate(resolve));
	expect(told).toEqual([expect.objectContaining({ style: "notice", room, sender: romeo })]);
});

test("a message that meets an old nick goes out again, to the new one", async () => {
	const { chats, state, open, out } = world();
	const room = await open(romeo);
	state.confirms = new Promise(() => undefined);
	const sending = chats.conversation.send(out(room, "what?"));
	await new Promise((resolve) => setImmediate(resolve));
	state.nick = "Montague";
	chats.failed(
		stanza(
			`<message type='error' id='op1' from='${muc}/Romeo' to='alice@bridge.test/trivium'><error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
		),
	);
	await expect(sending).rejects.toBeInstanceOf(TemporaryError);
});

test("a person who leaves the MUC ends the chat with a notice, once until somebody writes again", async () => {
	const { chats, told, open, whisper } = world();
	const room = await open(romeo);
	chats.left("other@muc.test", romeo);
	expect(told).toEqual([]);
	chats.left(muc, romeo);
	chats.left(muc, romeo);
	expect(told).toEqual([
		expect.objectContaining({
			style: "notice",
			room,
			text: expect.stringMatching(/^Romeo has left the room Verona\./),
		}),
	]);
	whisper("<body>back</body>");
	chats.left(muc, romeo);
	expect(told).toHaveLength(3);
});

test("a message to a room that nobody is in any more is refused by the name of the room", async () => {
	const { chats, out, open, state } = world();
	const room = await open(romeo);
	state.isServed = false;
	await expect(chats.conversation.send(out(room, "hello?"))).rejects.toThrow("the room Verona,");
});

test("a chat with a bare nick takes answers only after its holder wrote, since another may hold it by now", async () => {
	const { chats, open, out, whisper } = world();
	const room = await open(veiled);
	await expect(chats.conversation.send(out(room, "are you Paris?"))).rejects.toThrow("Paris");
	whisper("<body>I am</body>", veiled);
	await chats.conversation.send(out(room, "are you Paris?", "op2"));
	chats.left(muc, veiled);
	await expect(chats.conversation.send(out(room, "still?", "op3"))).rejects.toThrow("Paris");
});

test.each(["forbidden", "not-found", "invalid", "busy", "failed", "expired"] as const)(
	"a refusal as %s answers the occupant with an error for which no MUC puts us out",
	async (reason) => {
		const { chats, sent, told, whisper } = world();
		whisper("<body>psst</body>");
		const [event] = told;
		if (!event) throw new Error("no event");
		await chats.conversation.refuse(event, new PermanentError(reason, "why"), "Matrix");
		expect(sent[0]).toMatch(/^<message type="error" .* id="m1"/);
		expect(sent[0]).toContain("Not delivered to Matrix: why");
		expect(sent[0]).not.toMatch(
			/<(gone|internal-server-error|item-not-found|jid-malformed|recipient-unavailable|redirect|remote-server-not-found|remote-server-timeout|service-unavailable) /,
		);
	},
);

test("a chat that somebody of the other side begins needs an occupant of a MUC that is served", () => {
	const { chats } = world();
	expect(placeOf(chats.room(romeo, alice))).toMatchObject({ muc, ghost: "alice@bridge.test" });
	expect(() => chats.room(occupant("other@muc.test", "x"), alice)).toThrow(PermanentError);
	expect(() => chats.room(account("romeo@x.test"), alice)).toThrow(PermanentError);
});

test("a deletion of what no ghost said is refused", async () => {
	const { chats, open, out } = world();
	const room = await open(romeo);
	const redaction = {
		...out(room, ""),
		refs: { $t: ["msg x" as MessageId] },
		event: { kind: "redaction", target: { id: "$t" }, sender: alice },
	} as unknown as Outbound;
	await expect(chats.conversation.send(redaction)).rejects.toThrow(PermanentError);
});
