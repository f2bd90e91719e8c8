import { createBoundedMap } from "../../../../src/core/bounded-map.ts";
import type { BridgeEvent } from "../../../../src/core/event.ts";
import { createGuard } from "../../../../src/core/guard.ts";
import type { Levels, RoomFacts, Seen } from "../../../../src/core/hosting.ts";
import { powers } from "../../../../src/core/hosting.ts";
import type { Copy, MessageId, NetworkName, RoomId, UserId } from "../../../../src/core/ids.ts";
import type { Received } from "../../../../src/core/network.ts";
import type { Person } from "../../../../src/core/person.ts";
import type { Signal } from "../../../../src/core/signal.ts";
import type { Files } from "../../../../src/xmpp/attachments.ts";
import { account } from "../../../../src/xmpp/from-xmpp.ts";
import { createBroadcast } from "../../../../src/xmpp/hosted/broadcast.ts";
import type { HostedContext } from "../../../../src/xmpp/hosted/context.ts";
import { createLines } from "../../../../src/xmpp/hosted/lines/index.ts";
import { createPendingLines } from "../../../../src/xmpp/hosted/lines/pending.ts";
import { addOccupant } from "../../../../src/xmpp/hosted/occupants.ts";
import { createHostedRoom, type Session } from "../../../../src/xmpp/hosted/room.ts";
import { createRooms } from "../../../../src/xmpp/hosted/rooms.ts";
import type { Whisper } from "../../../../src/xmpp/private/venue.ts";
import type { Recipient } from "../../../../src/xmpp/stream/component.ts";
import { type Element, serialize } from "../../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../../fakes.ts";
import { stanza } from "../../stanza.ts";

export const matrix = "matrix" as NetworkName;
export const source = "!source" as RoomId;
export const view = "!source@bridge.test" as RoomId;
/** Two addresses of the same room. */
export const [lobby, other] = ["#lobby@bridge.test", "#other@bridge.test"] as const;

const needed = Object.fromEntries(powers.map((power) => [power, power === "speak" ? 0 : 50]));
export const levels = (of: Record<string, number> = {}, others = 0): Levels => ({
	of: new Map(Object.entries(of)),
	people: [],
	creators: new Set<string>(),
	others,
	needed: needed as Levels["needed"],
});
const facts: RoomFacts = {
	...{ room: source, id: "source", entry: "everybody", listed: true, local: true, count: 3 },
	levels: levels(),
};
const member = (name: string): Person => ({
	...account(`${name.toLowerCase()}@hs.test`),
	...{ network: matrix, id: `@${name.toLowerCase()}:hs.test` as UserId, name, address: [name.toLowerCase()] },
});
export const [alice, bob] = [member("Alice"), member("Bob")] as const;
export const romeo: Person = { ...account("romeo@montague.lit"), name: "Romeo" };
export const tybalt: Person = { ...account("tybalt@capulet.lit"), name: "Tybalt" };

/** A hosted room with Alice of Matrix, Romeo with two clients, and Tybalt, who joined by another address. */
export function linesWorld({ readReceipts = 0 } = {}) {
	const sent: Element[] = [];
	const told: Received[] = [];
	const whispers: Whisper[] = [];
	const signals: Signal[] = [];
	const asked: string[] = [];
	let count = 0;
	const out = (element: Element, to: string) => {
		const copy = stanza(serialize(element).replace(/^<(\w+)/, `<$1 to="${to}"`));
		sent.push(copy);
	};
	const link = {
		online: true,
		send: async (element: Element) => void sent.push(element),
		sendToAll(element: Element, recipients: readonly Recipient[]) {
			for (const { jid } of recipients) out(element, jid);
			return { sent: recipients.length, bytes: 0, taken: Promise.resolve() };
		},
		iq: () => Promise.reject(new Error("no IQ")),
	};
	/** Messages of the source that it says it has. */
	const there = new Set<string>();
	/** Makes the source refuse, or not answer. */
	const trouble: { topic?: Error; find?: Error | "silence" } = {};
	const topics: string[] = [];
	const hosting = {
		async setTopic(_room: RoomId, by: Person, topic: string) {
			if (trouble.topic) throw trouble.topic;
			topics.push(`${by.name}: ${topic}`);
		},
	};
	const notices: string[] = [];
	const files: { -readonly [K in keyof Files]: Files[K] } = {
		url: ({ name }) => `https://files.test/${name}`,
		type: async () => undefined,
		largest: 1_000,
	};
	async function find(_of: NetworkName, _room: RoomId, ids: readonly MessageId[]) {
		asked.push(...ids);
		if (trouble.find === "silence") await new Promise(() => undefined);
		if (trouble.find) throw trouble.find;
		return ids.filter((id) => there.has(id)).map((id) => ({ id, at: 1 }));
	}
	const context = {
		link,
		files: () => files,
		partly: (event: BridgeEvent, error: Error) => void notices.push(`${event.id}: ${error.message}`),
		...{ component: "bridge.test", of: matrix, log: quiet, guard: createGuard(quiet), resource: "trivium" },
		bridge: () => ({
			signal: (signal: Signal) => void signals.push(signal),
			views: { find, source: () => hosting },
		}),
		readReceipts,
		availability: createBoundedMap(10),
		faces: { hash: () => undefined },
		tell: (events: readonly Received[]) => void told.push(...events),
		ghost: ({ address }: Person) => `${address[0]}@bridge.test`,
		standsFor: (jid: string) => ({ network: matrix, address: [jid.split("@")[0] ?? ""] }),
		ghostPayloads: () => [],
		privately: (whisper: Whisper) => void whispers.push(whisper),
		now: () => ({ at: Date.now(), unique: () => `u-${++count}` }),
		rooms: createRooms(),
		pending: createPendingLines(Date.now),
		out: createBroadcast({ link, log: quiet, lose: () => undefined }),
		occupantId: (_room: unknown, { id }: Pick<Person, "id">) => `o-${id}`,
	} as unknown as HostedContext;
	const lines = createLines(context);
	const room = createHostedRoom(view, facts);
	context.rooms.add(room);
	const joins = (person: Person, resource: string, address: string) => {
		const occupant = addOccupant(room, person, context.occupantId(room, person));
		const session: Session = { jid: `${person.id}/${resource}`, address, presence: [], heard: 0 };
		context.rooms.addSession({ room, occupant, session });
	};
	addOccupant(room, alice, context.occupantId(room, alice));
	joins(romeo, "phone", lobby);
	joins(romeo, "laptop", lobby);
	joins(tybalt, "phone", other);

	/** Returns the stanzas that a client got since the last call, as XML without the recipient. */
	const got = (jid: string): string[] => {
		const mine = sent.filter((one) => one.attrs.to === jid);
		for (const one of mine) sent.splice(sent.indexOf(one), 1);
		return mine.map((one) => serialize(one).replaceAll("&apos;", "'").replace(` to="${jid}"`, ""));
	};
	return {
		...{ context, whispers, signals, files, lines, room, told, there },
		...{ trouble, topics, asked, notices, got, joins },
		/** Hands in a stanza of a client, and waits until it is with core. Returns the answer, as XML. */
		async say(
			from: string,
			body: string,
			attrs = `id="c1" type="groupchat"`,
			to: string = lobby,
		): Promise<string> {
			const element = stanza(`<message from="${from}" to="${to}" ${attrs}>${body}</message>`);
			const joined = context.rooms.joined(element);
			const answer = to.includes("/")
				? lines.privateMessage(joined, element)
				: lines.message(joined, element);
			await lines.settled();
			await new Promise((resolve) => setTimeout(resolve, 0));
			return answer ? serialize(answer) : "";
		},
		/** Resolves with the answer to a query, as XML. */
		async ask(iq: string): Promise<string> {
			const element = stanza(iq);
			return serialize(await lines.moderate(context.rooms.joined(element), element));
		},
		/** Shows an event of the source. `origin`: the event of ours that it is the copy of. */
		async show(id: string, event: object, sender: Person = alice, origin?: Received): Promise<void> {
			const base = { id: id as MessageId, room: source, at: Date.now(), sender };
			const copies: Copy[] = origin ? [{ network: romeo.network, room: view, id: origin.id }] : [];
			const said = { ...base, ...event } as BridgeEvent;
			const what: Seen["what"] = { kind: "said", event: said, origin: copies };
			await lines.show(room, { ...base, what });
		},
	};
}
