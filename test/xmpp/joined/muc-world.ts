import { vi } from "vitest";
import { keysOf } from "../../../src/core/dedupe.ts";
import { TemporaryError } from "../../../src/core/errors.ts";
import type { BridgeEvent, Message } from "../../../src/core/event.ts";
import type {
	LinkId,
	MessageId,
	NetworkName,
	OperationId,
	PortalId,
	RoomId,
	TraceId,
	UserId,
} from "../../../src/core/ids.ts";
import type { Link } from "../../../src/core/mapping.ts";
import type { Outbound, Received } from "../../../src/core/network.ts";
import type { Person } from "../../../src/core/person.ts";
import type { Description } from "../../../src/core/room-info.ts";
import { createSealer, type Sealer } from "../../../src/core/sealer.ts";
import type { Signal } from "../../../src/core/signal.ts";
import { createConcurrencyLimit } from "../../../src/xmpp/concurrency-limit.ts";
import { bare } from "../../../src/xmpp/jid.ts";
import { createJoinedRooms } from "../../../src/xmpp/joined/index.ts";
import { createSignedIds } from "../../../src/xmpp/joined/signed-ids.ts";
import type { Whisper } from "../../../src/xmpp/private/venue.ts";
import { StanzaError } from "../../../src/xmpp/stanza-error.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { fakeFaces } from "../fake-faces.ts";
import { type FakeMuc, fakeMuc, type MucFaults } from "../fake-muc.ts";

export const room = "verona@muc.test";
export const link: Link = {
	id: "l1" as LinkId,
	network: "xmpp" as NetworkName,
	role: "joined",
	room: room as RoomId,
	in: true,
	out: true,
};
const matrix = "matrix" as NetworkName;
export const person = (localpart: string, name = localpart): Person => ({
	network: matrix,
	id: `@${localpart}:hs.test` as UserId,
	address: [localpart],
	name,
	handles: [],
	domain: "hs.test",
});
export const alice = person("alice", "Alice");
export const aliceJid = "alice@bridge.test/trivium";

const stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
const sealed = createSignedIds("secret");
/** Returns the stanza id of a line of ours. */
export const wireId = (operation: string, nick = "Alice") => sealed.of(operation as OperationId, room, nick);

/** Returns the joined MUCs of our side, with one fake MUC behind a fake server. */
export function world(faults: MucFaults = {}, readReceipts = 50, idleAfter?: number) {
	const signals: Signal[] = [];
	const told: BridgeEvent[] = [];
	const syncs: string[][] = [];
	const answers: Element[] = [];
	const counts = { arrived: 0, built: 0 };
	let operations = 0;
	const wire: (Element | (() => void))[] = [];
	/** The state that outlives a run: cursors and dedupe keys. While it is `broken`, no write reaches it. */
	const disk = {
		cursors: new Map<string, string>(),
		keys: new Set<string>(),
		broken: false,
		/** Holds back the password of the MUC until it resolves. */
		slow: undefined as PromiseLike<void> | undefined,
	};
	/** `fault` is the body of a line that makes the translator throw. */
	const load = {
		fault: "",
		crowded: false,
		pages: 0,
		resumed: 0,
		ended: [] as string[],
		settled: async (): Promise<void> => undefined,
	};
	/** The private messages to our occupants. */
	const whispers: Whisper[] = [];
	const server = {
		online: true,
		up: true,
		/** The error condition that our server answers all stanzas with while the MUC's server is out of reach. */
		cut: undefined as undefined | string,
		lost: 0,
		/** The number of disco queries for the MUC. */
		asked: 0,
		info: undefined as undefined | (() => Element),
		/** Holds back the answers to all queries until it resolves. */
		hesitates: undefined as undefined | PromiseLike<void>,
		/** Answers what concerns the vCard of the MUC. */
		vcard: undefined as undefined | ((request: Element) => Element),
		onQuery: undefined as undefined | ((request: Element) => Element),
	};
	const muc: FakeMuc = fakeMuc(room, (stanza) => void (server.online && wire.push(stanza)), faults);

	/** Delivers all stanzas on the wire, in order, until none moves any more. */
	async function settle() {
		for (let quietTurns = 0; quietTurns < 5; quietTurns++) {
			for (let next = wire.shift(); next; next = wire.shift()) {
				quietTurns = 0;
				if (typeof next === "function") {
					next();
					continue;
				}
				counts.arrived++;
				const { from = "", to = "", type } = next.attrs;
				if (rooms.skip(from, to, next.name, type)) continue;
				counts.built++;
				const answer = rooms.stanza(next);
				if (answer) answers.push(answer);
			}
			await vi.advanceTimersByTimeAsync(0);
		}
	}

	const faces = fakeFaces();
	/** The full names in vCards, by occupant; whose vCards were read; what the answers wait for. */
	const cards = { names: new Map<string, string>(), read: [] as string[], held: Promise.resolve() };
	/** The sealer of this run. */
	const keys: { sealer?: Sealer } = { sealer: createSealer(Buffer.alloc(32, 1).toString("base64")) };
	/** The names and topics of the MUC that the portal was told. */
	const descriptions: Description[] = [];
	/** The pictures of the MUC that the portal was told. */
	const pictures: string[] = [];
	/** The stanzas that went to other addresses than the MUC's. */
	const elsewhere: Element[] = [];
	const begin = () =>
		createJoinedRooms(
			{
				link: {
					get online() {
						return server.online;
					},
					send: async (stanza) => {
						if (!server.online || server.lost-- > 0) throw new TemporaryError("offline");
						if (server.cut) {
							const { from = "", to = "", id } = stanza.attrs;
							const error = xml("error", { type: "cancel" }, xml(server.cut, { xmlns: stanzas }));
							wire.push(xml(stanza.name, { type: "error", from: to, to: from, ...(id && { id }) }, error));
						} else if (bare(stanza.attrs.to ?? "") !== room) elsewhere.push(stanza);
						else if (server.up) muc.take(stanza);
					},
					iq: async (request) => {
						if (!server.online) throw new TemporaryError("offline");
						if (server.hesitates !== undefined) await server.hesitates;
						if (request.getChild("query", "http://jabber.org/protocol/disco#info")) server.asked++;
						if (server.cut) throw new StanzaError(server.cut, "cancel");
						if (!server.up) throw new StanzaError("remote-server-timeout", "wait");
						const { from = "", to = "" } = request.attrs;
						if (request.getChild("query", "urn:xmpp:mam:2")) {
							load.pages++;
							const answer = (server.onQuery ?? muc.query)(request);
							// The answer comes behind the results, which are stanzas of their own.
							return new Promise((resolve, reject) => {
								wire.push(() => (server.online ? resolve(answer) : reject(new TemporaryError("offline"))));
							});
						}
						if (server.vcard && request.getChild("vCard")) return server.vcard(request);
						if (request.getChild("moderate")) muc.moderate(request);
						if (request.getChild("query", "http://jabber.org/protocol/muc#admin")) {
							muc.administer(request);
							return xml("iq", { type: "result" });
						}
						if (request.getChild("query")) return xml("iq", { type: "result" }, (server.info ?? muc.info)());
						if (request.getChild("ping") && to.includes("/") && !muc.isIn(from))
							throw new StanzaError("not-acceptable", "cancel");
						return xml("iq", { type: "result" });
					},
				},
				component: "bridge.test",
				log: quiet,
				signal: (signal) => void signals.push(signal),
				changed: () => undefined,
				readReceipts,
				idleAfter,
				tell(events) {
					if (disk.broken) return;
					if (events.some((event) => "text" in event && event.text === load.fault))
						throw new TypeError("a fault of ours");
					for (const received of events as readonly Received[]) {
						const { cursor, unnamed: _, ...event } = received;
						if (cursor) disk.cursors.set(cursor.key, cursor.value);
						const { key, repeats } = keysOf(received, event.id, true);
						const isRepeat = (known: string) => repeats && known >= repeats.from && known <= repeats.to;
						if (disk.keys.has(key) || [...disk.keys].some(isRepeat)) continue;
						disk.keys.add(key);
						told.push(event as BridgeEvent);
					}
				},
				async cursor(key) {
					if (key.startsWith("password")) await disk.slow;
					return disk.cursors.get(key);
				},
				cursors: async (prefix) =>
					[...disk.cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
				save(cursor) {
					if (disk.broken) return;
					if (cursor.value === undefined) disk.cursors.delete(cursor.key);
					else disk.cursors.set(cursor.key, cursor.value);
				},
				settled: () => load.settled(),
				crowded: () => load.crowded,
				signedIds: () => sealed,
				sync: () => syncs.push(rooms.others(room).map((one) => one.name ?? "")),
				privately: (whisper) => void whispers.push(whisper),
				privateError: () => false,
				personAt: async (jid) => (jid === "alice@bridge.test" ? alice : undefined),
				ended: (_room, why) => void load.ended.push(why),
				resume: () => void load.resumed++,
				paced: createConcurrencyLimit(20),
				faces,
				async fullName(occupant) {
					cards.read.push(occupant);
					await cards.held;
					return cards.names.get(occupant);
				},
				...(keys.sealer && { sealer: keys.sealer }),
				described: (_room, description) => void descriptions.push(description),
				pictured: (_room, picture) => void pictures.push(picture?.hash ?? "none"),
				now: () => ({ at: Date.now(), unique: () => `u${Math.random()}` }),
			},
			{
				ghost: (who) => `${who.address[0]}@bridge.test`,
				stated: "trivium@bridge.test",
				nick: "Trivium",
				resource: "trivium",
			},
		);
	let rooms = begin();

	const out = (
		event: Partial<BridgeEvent> & { kind: BridgeEvent["kind"] },
		attempt = 0,
		operation?: string,
	): Outbound => ({
		operation: (operation ?? `op${++operations}`) as OperationId,
		trace: "t" as TraceId,
		portal: { id: "p1" as PortalId, links: [link] },
		link,
		room: room as RoomId,
		event: { id: "$e" as MessageId, room: "!r" as RoomId, sender: alice, at: 0, ...event } as BridgeEvent,
		passed: [],
		refs: {},
		shown: [],
		reactions: "native",
		once: (_name, make) => make(),
		attempt,
	});
	const say = (text: string, sender = alice, attempt = 0, operation?: string) =>
		rooms
			.send(
				out(
					{ kind: "message", style: "text", text, sender } as Partial<Message> & { kind: "message" },
					attempt,
					operation,
				),
			)
			// The first id is enough here: other tests cover the others.
			.then(([id = ""]) => [id.slice(id.indexOf(" ") + 1)]);
	const move = (change: "join" | "leave", sender = alice) =>
		rooms.send(out({ kind: "membership", change, sender } as never));

	const send = (event: Partial<BridgeEvent> & { kind: BridgeEvent["kind"] }) => rooms.send(out(event));

	/** Awaits a promise while stanzas are delivered. */
	async function done<T>(work: Promise<T>): Promise<T> {
		work.catch(() => undefined);
		await settle();
		return work;
	}
	/** Lets time pass while stanzas are delivered. */
	async function pass(ms: number) {
		for (let passed = 0; passed < ms; passed += 500) {
			await vi.advanceTimersByTimeAsync(Math.min(500, ms - passed));
			await settle();
		}
	}
	const bodies = () =>
		muc.taken.flatMap((one) =>
			one.name === "message" ? [`${one.attrs.from?.split("@")[0]}: ${one.getChild("body")?.getText()}`] : [],
		);
	const lines = () =>
		told.flatMap((event) => (event.kind === "message" ? [`${event.sender.name}: ${event.text}`] : []));
	return {
		get rooms() {
			return rooms;
		},
		/** Kills the process; the MUC does not notice. Stanzas on their way to us are lost. */
		crash() {
			rooms.offline("killed");
			wire.length = 0;
			rooms = begin();
		},
		disk,
		cards,
		faces,
		keys,
		pictures,
		descriptions,
		load,
		muc,
		told,
		whispers,
		signals,
		syncs,
		answers,
		counts,
		server,
		settle,
		out,
		say,
		send,
		move,
		elsewhere,
		done,
		pass,
		bodies,
		lines,
		attach: (...members: Person[]) => done(rooms.attach(link, members)),
	};
}
export type World = ReturnType<typeof world>;

export const failure = (work: Promise<unknown>) =>
	work.then(
		() => undefined,
		(error: unknown) => error as Error,
	);

/** Returns the bodies of all lines that the MUC has. */
export const bodies = (w: World) =>
	w.muc.archive.map(({ inside }) => inside.find((one) => one.name === "body")?.getText());

/** Returns a world whose MUC is linked, with Alice in it and one line of hers, "0". */
export async function linkedWithLine(): Promise<World> {
	const w = world();
	await w.attach(alice);
	w.rooms.online();
	await w.done(w.say("0"));
	return w;
}

/** Withholds our stanzas, or those that match `which`, from the MUC until the returned function is called. */
export function withhold(w: World, which: (stanza: Element) => boolean = () => true): () => Promise<void> {
	const { take } = w.muc;
	const withheld: Element[] = [];
	w.muc.take = (stanza) => void (which(stanza) ? withheld.push(stanza) : take(stanza));
	return async () => {
		w.muc.take = take;
		for (const stanza of withheld) take(stanza);
		await w.settle();
	};
}
