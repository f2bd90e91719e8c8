import { createGuard } from "../../../../src/core/guard.ts";
import type { Hosting, Levels, Looked, RoomAddress, RoomFacts } from "../../../../src/core/hosting.ts";
import { powers } from "../../../../src/core/hosting.ts";
import type { NetworkName, RoomId, UserId } from "../../../../src/core/ids.ts";
import { createRateLimit } from "../../../../src/core/limits.ts";
import type { Bridge } from "../../../../src/core/network.ts";
import type { Person } from "../../../../src/core/person.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { viewOf } from "../../../../src/xmpp/hosted/addresses.ts";
import { createActs } from "../../../../src/xmpp/hosted/administration/acts.ts";
import { createRecords } from "../../../../src/xmpp/hosted/administration/record.ts";
import { createAliases } from "../../../../src/xmpp/hosted/aliases.ts";
import { takeRecord } from "../../../../src/xmpp/hosted/configuration.ts";
import type { HostedContext } from "../../../../src/xmpp/hosted/context.ts";
import { createMemberships } from "../../../../src/xmpp/hosted/memberships.ts";
import { addOccupant } from "../../../../src/xmpp/hosted/occupants.ts";
import { createSettingsStore } from "../../../../src/xmpp/hosted/owner/own-settings.ts";
import { createQueries } from "../../../../src/xmpp/hosted/queries/index.ts";
import { createHostedRoom, type Session } from "../../../../src/xmpp/hosted/room.ts";
import { createRooms } from "../../../../src/xmpp/hosted/rooms.ts";
import { bare } from "../../../../src/xmpp/jid.ts";
import { type Element, xml } from "../../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../../fakes.ts";
import { avatar, fakeFaces } from "../../fake-faces.ts";

export const component = "bridge.test";
export const lobby = `#lobby@${component}`;
export const cellar = `!cellar@${component}`;
export const romeo = "romeo@montague.test/orchard";
export const mercutio = "mercutio@montague.test/street";
export const matrix = "matrix" as NetworkName;

export const alice: Person = {
	network: matrix,
	id: "@alice:hs.test" as UserId,
	address: ["alice"],
	name: "Alice 🎉",
	handles: ["@alice:hs.test"],
	domain: "hs.test",
};

export const levels = (of: Readonly<Record<string, number>> = {}, speak = 0, invite = 0): Levels => ({
	of: new Map(Object.entries(of)),
	people: [],
	creators: new Set<string>(),
	others: 0,
	needed: { ...(Object.fromEntries(powers.map((one) => [one, 50])) as Levels["needed"]), speak, invite },
});

export const facts = (more: Partial<RoomFacts> = {}): RoomFacts => ({
	room: "!lobby:hs.test" as RoomId,
	id: "lobby",
	alias: ["lobby"],
	name: "The Lobby",
	topic: "Welcome <all>",
	entry: "everybody",
	listed: true,
	local: true,
	count: 7,
	...more,
});

/** One pixel. */
export const png = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
	"base64",
);

/** A bridge with rooms: the lobby, which Romeo, Mercutio and Alice are in, and what `known` has besides. */
export function createWorld(
	options: {
		facts?: RoomFacts;
		/** Rooms by the last part of their address, as an outsider may know them. */
		known?: Readonly<Record<string, Looked>>;
		hosting?: Partial<Hosting>;
		/** Requests of each kind that one person may make. */
		requests?: number;
		/** Answers the queries that the room sends to clients. */
		client?: (request: Element) => Promise<Element>;
		/** The files by their `ref`. */
		files?: Readonly<Record<string, Buffer>>;
	} = {},
) {
	const inside = options.facts ?? facts({ levels: levels() });
	const looks: [RoomAddress, string][] = [];
	const asked: Element[] = [];
	const sent: Element[] = [];
	const faces = fakeFaces({ ...options.files });
	const { opened } = faces;
	/** The stanzas that the sessions of the room are shown. */
	const shown: Element[] = [];
	const rooms = createRooms();
	const view = viewOf(inside.id, component);
	const room = createHostedRoom(view, inside);
	rooms.add(room);
	addOccupant(room, alice, "alice-id");

	function join(jid: string, nick: string, address = lobby) {
		const occupant = addOccupant(room, account(jid), `${bare(jid)}-id`, nick);
		const session = { jid, address, presence: [], heard: 0 };
		rooms.addSession({ room, occupant, session });
	}
	join(romeo, "Romeo");
	join(mercutio, "Mercutio");

	const hosting = options.hosting ?? {};
	const bridge = {
		views: {
			source: () => hosting,
			async look(_of: NetworkName, address: RoomAddress, by: Person): Promise<Looked> {
				looks.push([address, by.id]);
				const key = address.kind === "id" ? address.id : address.parts.join("%");
				return options.known?.[key] ?? { kind: "refused", why: "unknown", text: "There is no such room." };
			},
			close: async () => undefined,
		},
		personUrl: ({ id }: Person) => `https://people.test/${id}`,
	} as unknown as Bridge;
	const link = {
		online: true,
		send: async (stanza: Element) => void sent.push(stanza),
		async iq(request: Element) {
			asked.push(request);
			if (!options.client) throw new Error("no client is asked here");
			return options.client(request);
		},
	};
	const cursors = new Map<string, string>();
	const journal: Pick<Bridge, "cursor" | "cursors" | "saveCursor"> = {
		cursor: async (key) => cursors.get(key),
		cursors: async (prefix) =>
			[...cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
		saveCursor: async ({ key, value }) => {
			if (value === undefined) cursors.delete(key);
			else cursors.set(key, value);
		},
	};
	const rate = createRateLimit({ perMinute: 1, burst: options.requests ?? 1_000 });
	const context: HostedContext = {
		acts: createActs(() => 0),
		mayAsk: (kind: string, account: string) => rate(`${kind} ${account}`),
		aliases: createAliases({ bridge: () => journal, component }),
		settings: createSettingsStore({ bridge: () => journal }),
		records: createRecords({
			bridge: () => journal,
			log: quiet,
			changed: (view, record) => {
				const one = rooms.get(view);
				if (one) takeRecord(one, record, context);
			},
		}),
		link,
		component,
		of: matrix,
		bridge: () => bridge,
		log: quiet,
		guard: createGuard(quiet),
		rooms,
		memberships: createMemberships({ source: () => hosting as Hosting, log: quiet, now: () => 0 }),
		store: { save: async () => undefined, told: async () => undefined, remove: async () => undefined },
		returns: { rest: () => undefined, leave: () => undefined },
		left: () => undefined,
		entered: () => undefined,
		out: {
			release: () => undefined,
			send: (sessions: Iterable<Session>, make: (address: string) => Element) => {
				for (const { jid, address } of sessions) {
					const stanza = make(address);
					shown.push(xml(stanza.name, { ...stanza.attrs, to: jid }, ...stanza.getChildElements()));
				}
			},
		},
		ghostPayloads: () => [],
		ghost: ({ address }: Person) => `${address[0]}@${component}`,
		standsFor: (jid: string) =>
			jid.startsWith("_mqtt_")
				? { network: "mqtt" as NetworkName, address: ["lamp"] }
				: { network: matrix, address: [jid.split("@")[0]] },
		resource: "trivium",
		now: () => ({ at: 0, unique: () => "unique" }),
		software: { name: "Trivium", version: "1", uri: `xmpp:${component}` },
		faces,
		pictures: {
			get: (ref: string) => faces.get(avatar(ref)),
			soon: (ref: string) => faces.soon(avatar(ref)),
		},
	} as unknown as HostedContext;
	const answer = createQueries(context);
	/** Asks; the answer is checked to go back to the asker. */
	async function ask(to: string, payload: Element, from = romeo, type = "get"): Promise<Element> {
		const reply = await answer(xml("iq", { type, from, to, id: "q" }, payload));
		if (!reply) throw new Error("no answer");
		const { type: kind, ...rest } = reply.attrs;
		if (rest.from !== to || rest.to !== from || rest.id !== "q") throw new Error(`astray: ${reply}`);
		return reply;
	}
	return { cursors, context, shown, ask, answer, room, rooms, join, looks, asked, sent, opened };
}

/** Returns the error of an answer in words, "result" if it is none. */
export function outcome(answer: Element): string {
	if (answer.attrs.type === "result") return "result";
	const error = answer.getChild("error");
	return `${error?.attrs.type} ${error?.getChildElements()[0]?.getName()}`;
}
