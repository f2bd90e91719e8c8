import { PermanentError } from "../src/core/errors.ts";
import type { Hosting, Levels, Place, RoomAddress, RoomFacts, Seen } from "../src/core/hosting.ts";
import type { MessageId, NetworkName, RoomId, UserId } from "../src/core/ids.ts";
import type { Person } from "../src/core/person.ts";

/** A room of a fictional network that others may show in full. */
export type SourceRoom = {
	facts: RoomFacts;
	members: Map<UserId, Person>;
	invited: Set<UserId>;
	banned: Set<UserId>;
	/** All messages, the oldest first, also those from before anybody joined. */
	timeline: Seen[];
	/** People who see no message from before this position in the timeline. */
	since: Map<UserId, number>;
};

export type FakeHosting = Hosting & {
	rooms: Map<RoomId, SourceRoom>;
	/** Makes a room with this alias. Its id is "room of " and the alias. */
	make(alias: string, facts?: Partial<RoomFacts>): SourceRoom;
	/** Adds a message to the timeline of a room; hand the result to `bridge.seen`. */
	say(room: SourceRoom, sender: Person, text: string): Seen;
	/** Called before each request, with its name, so that a test can make it reject or wait. */
	trouble(request: keyof Hosting): Promise<void>;
};

const everybodyMay: Levels = {
	of: new Map(),
	people: [],
	creators: new Set<string>(),
	others: 0,
	needed: {
		...{ speak: 0, topic: 50, name: 50, picture: 50, redact: 50 },
		...{ kick: 50, ban: 50, invite: 0, levels: 100 },
	},
};

const textOf = (address: RoomAddress) => (address.kind === "id" ? address.id : address.parts.join("@"));

/** Returns the rooms of a fictional network: give them to {@link fakeNetwork} as `hosting`. */
export function fakeHosting(name: string): FakeHosting {
	let count = 0;
	const at = (id: RoomId): SourceRoom => {
		const found = fake.rooms.get(id);
		if (!found) throw new Error(`no room ${id}`);
		return found;
	};
	const fake: FakeHosting = {
		rooms: new Map(),
		make(alias, facts = {}) {
			const made: SourceRoom = {
				facts: {
					room: `room of ${alias}` as RoomId,
					id: `room of ${alias}`,
					alias: [alias],
					entry: "everybody",
					listed: true,
					local: true,
					count: 0,
					levels: everybodyMay,
					...facts,
				},
				members: new Map(),
				invited: new Set(),
				banned: new Set(),
				timeline: [],
				since: new Map(),
			};
			fake.rooms.set(made.facts.room, made);
			return made;
		},
		say({ facts: { room }, timeline }, sender, text) {
			const id = `${name} said ${++count}` as MessageId;
			const message = { id, room, sender, at: Date.now() };
			const event = { ...message, kind: "message", style: "text", text } as const;
			timeline.push({ ...message, what: { kind: "said", event, origin: [] } });
			return timeline.at(-1) as Seen;
		},
		trouble: async () => undefined,
		spell: (address) => `#${textOf(address)}`,
		typed: (text) => (text.startsWith("#") ? { kind: "alias", parts: text.slice(1).split("@") } : undefined),
		async look(address) {
			await fake.trouble("look");
			const wanted = textOf(address);
			for (const { facts } of fake.rooms.values())
				if ((address.kind === "id" ? facts.id : facts.alias?.join("@")) === wanted) return facts;
			return undefined;
		},
		async listed(limit, after = "0") {
			const all = [...fake.rooms.values()].map(({ facts }) => facts).filter((one) => one.listed);
			const end = Number(after) + limit;
			const next = end < all.length && { next: `${end}` };
			return { rooms: all.slice(Number(after), end), count: all.length, ...next };
		},
		async enter(room, person) {
			await fake.trouble("enter");
			const { facts, members, invited, banned } = at(room);
			if (banned.has(person.id)) return { kind: "refused", why: "banned", text: "you are banned." };
			if (facts.entry === "invited" && !invited.has(person.id) && !members.has(person.id))
				return { kind: "refused", why: "invited-only", text: "you need an invitation." };
			members.set(person.id, person);
			return { kind: "in" };
		},
		async leave(room, person) {
			at(room).members.delete(person.id);
		},
		async rename(room, person) {
			at(room).members.set(person.id, person);
		},
		async view(room) {
			await fake.trouble("view");
			const { facts, members } = at(room);
			return { facts: { ...facts, count: members.size }, members: [...members.values()] };
		},
		async setTopic(room, _by, topic) {
			const found = at(room);
			found.facts = { ...found.facts, topic };
		},
		async invite(room, _by, whom) {
			at(room).invited.add("id" in whom ? whom.id : (`${whom[0]}@${name}` as UserId));
		},
		async moderate(room, _by, act, whom) {
			const { members, banned } = at(room);
			const id = "id" in whom ? whom.id : (`${whom[0]}@${name}` as UserId);
			if (act === "unban") banned.delete(id);
			else members.delete(id);
			if (act === "ban") banned.add(id);
		},
		setLevels: async () => undefined,
		banDomain: async () => undefined,
		absent: async () => [],
		takesAlias: (alias) => !alias.startsWith("_"),
		async create(alias, by, { needed: _, levels: __, ...settings }, seed) {
			await fake.trouble("create");
			const { facts, members } = fake.make(alias, {
				...settings,
				made: true,
				seed,
				count: 1,
			} as Partial<RoomFacts>);
			members.set(by.id, by);
			return facts;
		},
		async configure(room, _by, { needed: _, levels: __, ...settings }) {
			const found = at(room);
			found.facts = { ...found.facts, ...settings } as RoomFacts;
		},
		setPicture: async () => undefined,
		async destroy(room) {
			fake.rooms.delete(room);
		},
		async events(room, ids, reader) {
			await fake.trouble("events");
			const { timeline, since } = at(room);
			const seen = timeline.slice(since.get(reader.id) ?? 0).filter(({ id }) => ids.includes(id));
			return new Map(seen.map((one) => [one.id, one]));
		},
		async earlier(room, before, limit, reader) {
			await fake.trouble("earlier");
			const { timeline, since } = at(room);
			const first = since.get(reader.id) ?? 0;
			const end = before ? timeline.findIndex(({ id }) => id === before) : timeline.length;
			if (end < first) throw new PermanentError("not-found", "there is no such message");
			const from = Math.max(first, end - limit);
			const places = timeline.slice(from, end).map(({ id, at }): Place => ({ id, at }));
			return { places, end: from === first, whole: since.size === 0 };
		},
	};
	return fake;
}

/** The portal's two rooms as text, for a comparison. */
export const sidesOf = (portal: {
	links: readonly { network: NetworkName; role: string; room?: RoomId }[];
}) => portal.links.map(({ network, role, room }) => `${network} ${role}: ${room}`);
