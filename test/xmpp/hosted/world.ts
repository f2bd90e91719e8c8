import { TemporaryError } from "../../../src/core/errors.ts";
import { createGuard } from "../../../src/core/guard.ts";
import type {
	Entered,
	LevelChange,
	RoomAddress,
	RoomFacts,
	RoomView,
	Seen,
} from "../../../src/core/hosting.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../../../src/core/ids.ts";
import type { Bridge } from "../../../src/core/network.ts";
import type { Avatar, Person } from "../../../src/core/person.ts";
import { account } from "../../../src/xmpp/from-xmpp.ts";
import { createHostedRooms } from "../../../src/xmpp/hosted/index.ts";
import type { Recipient } from "../../../src/xmpp/stream/component.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { fakeFaces } from "../fake-faces.ts";
import { stanza } from "../stanza.ts";
import { line } from "./lines/line.ts";

export const component = "bridge.test";
export const matrix = "matrix" as NetworkName;
export const lobby = `#lobby@${component}`;
export const romeo = "romeo@montague.test/phone";
export const juliet = "juliet@capulet.test/balcony";

export const alice: Person = {
	network: matrix,
	id: "@alice:hs.test" as UserId,
	address: ["alice"],
	name: "Alice",
	handles: ["@alice:hs.test"],
	domain: "hs.test",
};
export const matrixPerson = (localpart: string, name?: string): Person => {
	const { name: _, ...nameless } = alice;
	const id = `@${localpart}:hs.test` as UserId;
	return { ...nameless, id, address: [localpart], handles: [id], ...(name !== undefined && { name }) };
};
/** Returns the person of XMPP as the source shows their ghost. */
export const xmppPerson = (jid: string, name: string): Person => ({ ...account(jid), name });

const levels = {
	of: new Map<string, number>(),
	people: [],
	creators: new Set<string>(),
	others: 0,
	needed: {
		...{ speak: 0, topic: 50, name: 50, picture: 50 },
		...{ redact: 50, kick: 50, ban: 50, invite: 0, levels: 100 },
	},
};
export const facts: RoomFacts = {
	room: "!Lobby:hs.test" as RoomId,
	id: "Lobby:hs.test",
	alias: ["lobby"],
	name: "The Lobby",
	topic: "Welcome",
	entry: "everybody",
	listed: true,
	local: true,
	count: 1,
	levels,
};
export const view = `!=4cobby=3ahs.test@${component}` as RoomId;

/** Hosted rooms between a fake link to the XMPP server and a fake source with one room. */
export function hostedWorld(members: readonly Person[] = [alice]) {
	const sent: Element[] = [];
	const told: unknown[] = [];
	const cursors = new Map<string, string>();
	const disk: { stalled?: Promise<void> } = {};
	const calls: string[] = [];
	/** The pictures that accounts keep, and those that ghosts got. */
	const pictures = new Map<string, Avatar>();
	const pictured: Avatar[] = [];
	const source = {
		facts,
		/** People may make rooms. */
		makes: false,
		members: [...members],
		/** Replaced by a test for a slow or refusing source. */
		look: async (_address: RoomAddress): Promise<RoomFacts | undefined> => source.facts,
		enter: async (person: Person): Promise<Entered> => {
			if (!source.members.some(({ id }) => id === person.id)) source.members.push(person);
			return { kind: "in" };
		},
		view: async (): Promise<RoomView> => ({ facts: source.facts, members: [...source.members] }),
		leave: async (): Promise<void> => undefined,
		iq: async (_request: Element): Promise<Element> => stanza("<iq type='result'/>"),
	};
	const hosting = {
		enter: async (_room: RoomId, person: Person) => {
			calls.push(`enter ${person.id} ${person.name}`);
			return source.enter(person);
		},
		invite: async (_room: RoomId, by: Person, whom: Person) => void calls.push(`${by.id} invites ${whom.id}`),
		leave: async (_room: RoomId, person: Person) => {
			calls.push(`leave ${person.id}`);
			await source.leave();
			source.members = source.members.filter(({ id }) => id !== person.id);
		},
		async rename(_room: RoomId, person: Person) {
			calls.push(`rename ${person.id} ${person.name}`);
			if (person.avatar) pictured.push(person.avatar);
		},
		setLevels: async (_room: RoomId, by: Person, changes: readonly LevelChange[]) =>
			void calls.push(
				`levels by ${by.id}: ${changes.map(({ whom, level }) => `${"id" in whom ? whom.id : whom} = ${level}`)}`,
			),
		takesAlias: () => true,
		create: () => Promise.reject(new TemporaryError("the source is away")),
		view: async () => {
			calls.push("view");
			return source.view();
		},
	};
	const bridge = {
		secret: async () => "secret",
		findPerson: async () => undefined,
		signal: () => undefined,
		cursor: async (key: string) => cursors.get(key),
		cursors: async (prefix: string) =>
			[...cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? [{ key, value }] : [])),
		saveCursor: async ({ key, value }: { key: string; value: string | undefined }) => {
			if (disk.stalled !== undefined) await disk.stalled;
			if (value === undefined) cursors.delete(key);
			else cursors.set(key, value);
		},
		views: {
			look: async (_of: NetworkName, address: RoomAddress) => {
				calls.push("look");
				const found = await source.look(address);
				return found
					? { kind: "room" as const, facts: found }
					: { kind: "refused" as const, why: "unknown" as const, text: "There is no such room." };
			},
			open: async () => void calls.push("open"),
			makesRooms: () => source.makes,
			mayMake: () => source.makes,
			places: async () => ({ places: [], complete: true, total: 0 }),
			source: () => hosting,
		},
	} as unknown as Bridge;
	const left: string[] = [];
	/** The joins of clients that were told on, for bookmarks. */
	const entered: string[] = [];
	let unique = 0;
	const clock = { at: 1_000_000 };
	const link = {
		online: true,
		/** Replaced by a test for a slow link. */
		taken: (): Readonly<{ bytes: number; taken: Promise<void> }> => ({ bytes: 0, taken: Promise.resolve() }),
		send: async (one: Element) => void sent.push(one),
		sendToAll(one: Element, recipients: readonly Recipient[]) {
			for (const { jid: to } of recipients) {
				const copy = xml(one.name, { ...one.attrs, to });
				for (const child of one.children) copy.append(child);
				sent.push(copy);
			}
			return { sent: recipients.length, ...link.taken() };
		},
		iq: (request: Element) => source.iq(request),
	};
	const faces = fakeFaces();
	const rooms = createHostedRooms({
		faces,
		pictureOf: async (account) => pictures.get(account),
		link,
		component,
		of: matrix,
		bridge: () => bridge,
		log: quiet,
		guard: createGuard(quiet),
		tell: (events) => void told.push(...events),
		ghost: ({ address }) => `${address.join("%")}@${component}`,
		standsFor: (jid) => ({ network: matrix, address: [jid.split("@")[0] ?? ""] }),
		isOwn: () => false,
		software: { name: "Trivium", version: "1", uri: `xmpp:${component}` },
		resource: "trivium",
		readReceipts: 0,
		requests: { perMinute: 60, burst: 300 },
		files: () => undefined,
		partly: () => undefined,
		privately: () => undefined,
		entered: (jid, { name, nick }) => void entered.push(`${jid} as ${nick}: ${name}`),
		left: (muc, person) => void left.push(`${muc} ${person.id}`),
		ghostPayloads: () => [],
		now: () => ({ at: clock.at, unique: () => `id-${++unique}` }),
	});
	const { conversation } = rooms;

	/** Takes a stanza from a client, as routing.ts does. */
	function take(xml: string | Element): void {
		const one = typeof xml === "string" ? stanza(xml) : xml;
		const answer = conversation.stanza(one);
		if (answer) sent.push(answer);
	}
	const settle = async () => {
		for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
	};
	return {
		pictures,
		pictured,
		...{
			faces,
			bridge,
			rooms,
			conversation,
			source,
			sent,
			told,
			left,
			entered,
			cursors,
			calls,
			clock,
			link,
			take,
			settle,
		},
		parsed: stanza,
		/** While `stalled` is pending, nothing reaches the disk. */
		disk,
		start: () => rooms.start(),
		sweep: rooms.sweep,
		/** Returns the keys of the sessions in the store. */
		stored: () => [...cursors.keys()].filter((key) => key.startsWith("xmpp session ")),
		/** Has a client join, and waits for the end of it. */
		async join(jid: string, nick: string, address = lobby): Promise<void> {
			take(join(jid, nick, address));
			await settle();
		},
		/** Shows what happens in the source. */
		happens(sender: Person, what: Seen["what"], id = `$event-${++unique}`): void {
			const seen: Seen = { room: facts.room, id: id as MessageId, at: clock.at, sender, what };
			rooms.reflect(view, [seen]);
		},
		/** Returns what a client got since the last call, one line for each stanza. */
		got(jid: string): string[] {
			const mine = sent.filter(({ attrs }) => attrs.to === jid);
			for (const one of mine) sent.splice(sent.indexOf(one), 1);
			return mine.map(line);
		},
	};
}
export type HostedWorld = ReturnType<typeof hostedWorld>;

/** Resolves with a world in which Romeo and Juliet are in the lobby, and have read all that they got. */
export async function inside(): Promise<HostedWorld> {
	const world = hostedWorld();
	await world.start();
	await world.join(romeo, "Romeo");
	await world.join(juliet, "Juliet");
	world.got(romeo);
	world.got(juliet);
	return world;
}

export const join = (jid: string, nick: string, address = lobby) =>
	`<presence from='${jid}' to='${address}/${nick}' id='join'><x xmlns='http://jabber.org/protocol/muc'/></presence>`;
