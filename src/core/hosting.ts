import type { BridgeEvent } from "./event.ts";
import type { Copy, MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Portal } from "./mapping.ts";
import type { Person } from "./person.ts";

/**
 * A room of one network (the source) that another network shows in full, as a room of its own (the view). The source's
 * timeline is the one truth: its order, its members and its power levels. The view brings people's messages in as any
 * room does, and shows each message when the source's timeline has it.
 */

/** The address of a source room: an alias as parts (the server is left out for our own one), or an id without its sigil. */
export type RoomAddress =
	| Readonly<{ kind: "alias"; parts: readonly string[] }>
	| Readonly<{ kind: "id"; id: string }>;

/** The acts that need a power level of their own. */
export const powers = [
	"speak",
	"topic",
	"name",
	"picture",
	"redact",
	"kick",
	"ban",
	"invite",
	"levels",
] as const;
export type Power = (typeof powers)[number];

/** The power levels of a room: those of some people, that of all others, and the least level for each act. */
export type Levels = Readonly<{
	/** By {@link personKey}. */
	of: ReadonlyMap<string, number>;
	/** The people of `of`, also those who are not in the room. */
	people: readonly Person[];
	/** The people who made the room and may do everything there for ever, by {@link personKey}. */
	creators: ReadonlySet<string>;
	others: number;
	needed: Readonly<Record<Power, number>>;
}>;

/** Returns the key of a person among people of several networks. */
export const personKey = ({ network, id }: Pick<Person, "network" | "id">): string => `${network} ${id}`;
export const levelOf = ({ of, others }: Levels, person: Pick<Person, "network" | "id">): number =>
	of.get(personKey(person)) ?? others;
export const mayDo = (levels: Levels, person: Pick<Person, "network" | "id">, power: Power): boolean =>
	levelOf(levels, person) >= levels.needed[power];

/** A source room, as far as people who are not in it may know it. */
export type RoomFacts = Readonly<{
	room: RoomId;
	/** The id as in {@link RoomAddress}. */
	id: string;
	/** The parts of the main alias, if the room has one. */
	alias?: readonly string[];
	name?: string;
	topic?: string;
	/** The last change of the topic, in ms since 1970; absent where nobody knows it. */
	topicSet?: Readonly<{ by: Person; at: number }>;
	/** The picture of the room, as a `ref` for {@link Network.open}. */
	picture?: string;
	/** everybody: people come in by the address alone. invited: an invitation, or another condition, is needed. */
	entry: "everybody" | "invited";
	/** The public directory of our server lists the room. */
	listed: boolean;
	/** Our server has people of its own in the room. */
	local: boolean;
	/** People in the room. */
	count: number;
	/** The reason why no other network can show the room. */
	unfit?: "encrypted" | "space";
	/** People who come in do not read what was said before. */
	pastHidden?: true;
	/** Everybody may read the messages, without coming in. */
	pastPublic?: true;
	/** The source's bot has made the room for people of other networks, and carries out what they may do there. */
	made?: true;
	/** The text that the view's network gave such a room when it was made. */
	seed?: string;
	/** The room that has taken the place of this one. */
	successor?: RoomAddress;
	/** Absent for a room that we see from outside. */
	levels?: Levels;
}>;

/** A room with its members, ghosts of the view's own people included, each as the person that they stand for. */
export type RoomView = Readonly<{ facts: RoomFacts; members: readonly Person[] }>;

/** The bytes of a picture, and their media type. */
export type Picture = Readonly<{ type: string; bytes: Uint8Array }>;

/** The answer to somebody who wants to come in. `name`: the name of the ghost in the room, if it is not the one asked for. */
export type Entered =
	| Readonly<{ kind: "in"; name?: string }>
	| Readonly<{ kind: "refused"; why: "banned" | "invited-only" | "unknown" | "blocked"; text: string }>;

export type MemberChange = Readonly<{
	kind: "member";
	person: Person;
	/** out: left, kicked or banned, with `by` where somebody else did it. profile: a new display name or picture. */
	now: "in" | "out" | "banned" | "invited" | "profile";
	by?: Person;
	reason?: string;
}>;

/** People of the room have banned a domain of the view's network, or let it in again. */
export type DomainBan = Readonly<{ kind: "domain"; domain: string; ban?: Readonly<{ reason: string }> }>;

/**
 * One event of a source room's timeline. said: a message or a change of one; `origin` names it on its own network if it
 * came from another one through us. deleted: a message of which an archive keeps the place only. facts: the room itself
 * has changed; its topic, which people see as an act of the sender, has a kind of its own.
 */
export type Seen = Readonly<{
	room: RoomId;
	id: MessageId;
	/** The time of the event by the source's clock, in ms since 1970. */
	at: number;
	sender: Person;
	what:
		| Readonly<{ kind: "said"; event: BridgeEvent; origin: readonly Copy[] }>
		| Readonly<{
				kind: "deleted";
				by?: Person;
				reason?: string;
				at?: number;
				origin: readonly Copy[];
				/** The event that deleted it, which the archive has, too. */
				deletion?: Readonly<{ id: MessageId; origin: readonly Copy[] }>;
		  }>
		| MemberChange
		| DomainBan
		| Readonly<{ kind: "topic"; topic: string }>
		| Readonly<{ kind: "facts"; facts: RoomFacts }>;
}>;

/** A place in the archive of a source room. */
export type Place = Readonly<{ id: MessageId; at: number }>;

/** A request for a part of an archive: up to `limit` places after or before an id (exclusive), or within times (ms since 1970). */
export type Range = Readonly<{
	after?: MessageId;
	before?: MessageId;
	start?: number;
	end?: number;
	limit: number;
	/** The last places that match instead of the first. */
	last?: boolean;
}>;

/** The new power level of one person; undefined: that of all others. */
export type LevelChange = Readonly<{ whom: readonly string[] | Person; level: number | undefined }>;

/** A person who is not in a room, and has a place on one of its lists. */
export type Absent = Readonly<Pick<Person, "network" | "address"> & { reason?: string }>;
/** The power levels in rooms that the bot makes: below `voice`, nobody writes where the room is moderated. */
export const madeLevels = { owner: 100, admin: 50, moderator: 25, voice: 10, others: 0 } as const;

/** The settings of a room that its owners change. An absent one stays as it is. */
export type RoomSettings = Readonly<{
	/** "" takes the name away; the same for the topic. */
	name?: string;
	topic?: string;
	entry?: RoomFacts["entry"];
	listed?: boolean;
	/** As {@link RoomFacts.pastPublic}. */
	pastPublic?: boolean;
	/** The least level for these acts. */
	needed?: Readonly<Partial<Record<"speak" | "topic" | "invite", number>>>;
	levels?: readonly LevelChange[];
}>;

/** The methods of a network whose rooms other networks may show in full. */
export interface Hosting {
	/**
	 * Resolves with a room, as `by`, a person of another network, may know it from outside; undefined if there is none.
	 * @throws TemporaryError, also if `by` looks too often.
	 */
	look(address: RoomAddress, by: Person): Promise<RoomFacts | undefined>;
	/** Returns an address as people here write it, for the globs of the policy. Pure. */
	spell(address: RoomAddress): string;
	/** Returns the address in a text that a person typed or pasted; undefined for one that is no room's. Pure. */
	typed(text: string): RoomAddress | undefined;
	/**
	 * Resolves with the public rooms of our server, up to `limit` after the position `after`: all, or those whose name,
	 * address or topic has `words` as they stand.
	 */
	listed(
		limit: number,
		after?: string,
		words?: string,
	): Promise<Readonly<{ rooms: readonly RoomFacts[]; next?: string; count: number }>>;
	/**
	 * Lets the ghost of a person in, under `person.name` and with `person.avatar` in this room.
	 * Idempotent. The ghost gets another name where people could take it for somebody in the room, unless
	 * the caller knows that its name is free there. @throws TemporaryError
	 */
	enter(room: RoomId, person: Person, knows?: Readonly<{ nameIsFree: boolean }>): Promise<Entered>;
	/** Lets the ghost of a person out. Idempotent. @throws TemporaryError */
	leave(room: RoomId, person: Person, reason?: string): Promise<void>;
	/** Gives the ghost of a person its name and picture in this room. @throws PermanentError, TemporaryError */
	rename(room: RoomId, person: Person): Promise<void>;
	/** Resolves with a room and its members, read through a ghost that is in it. @throws PermanentError, TemporaryError */
	view(room: RoomId): Promise<RoomView>;
	/** @throws PermanentError forbidden if the person's power does not suffice; TemporaryError */
	setTopic(room: RoomId, by: Person, topic: string): Promise<void>;
	/**
	 * Invites the person at an address of this network, or the ghost of a person of another one, who is not told of it by
	 * the source. In a room that the bot has made, it invites for an admin who is not there. @throws PermanentError, TemporaryError
	 */
	invite(room: RoomId, by: Person, whom: readonly string[] | Person, reason?: string): Promise<void>;
	/**
	 * Has the account of `by` remove a person, or begin or end a ban. In a room that the bot has made it does so itself: the
	 * caller has checked that `by`, who need not be there, may. Nothing is done twice. A person at an address need never have
	 * been there. @throws PermanentError forbidden if the power of `by` does not suffice; TemporaryError
	 */
	moderate(
		room: RoomId,
		by: Person,
		act: "kick" | "ban" | "unban",
		whom: readonly string[] | Person,
		reason?: string,
	): Promise<void>;
	/**
	 * Gives people power levels of their own, all at once, in the name of `by` as {@link moderate}; undefined takes one back.
	 * @throws as {@link moderate}
	 */
	setLevels(room: RoomId, by: Person, changes: readonly LevelChange[]): Promise<void>;
	/**
	 * Notes a ban of all people of a domain of another network in the room, where its people read it, or its end. The view
	 * keeps such people out. @throws as {@link moderate}
	 */
	banDomain(
		room: RoomId,
		by: Person,
		domain: string,
		ban: Readonly<{ reason?: string | undefined }> | undefined,
	): Promise<void>;
	/**
	 * Resolves with the people who are banned, or invited and not in yet, as `reader`, who is in the room, may know them.
	 * @throws PermanentError, TemporaryError
	 */
	absent(room: RoomId, reader: Person, as: "banned" | "invited"): Promise<readonly Absent[]>;
	/** Returns true if a room of our server may have this alias of one part. Pure. */
	takesAlias(alias: string): boolean;
	/**
	 * Makes a room of our server under an alias of one part, owned by `by`, whose ghost may enter it. The bot makes it, so that it
	 * can carry out the decisions of owners. Idempotent for the same `seed`, a text that nobody else knows. @throws
	 * PermanentError invalid if the alias cannot be one, forbidden if the server refuses it, failed if another room has it;
	 * TemporaryError
	 */
	create(alias: string, by: Person, settings: RoomSettings, seed: string): Promise<RoomFacts>;
	/**
	 * Changes the settings of a room in the name of `by`: in one that the bot has made it helps the account of `by`, for which
	 * the caller has checked that `by` may, and else that account does it alone. Nothing is changed where its power does not suffice for all.
	 * @throws PermanentError forbidden if the power of `by` does not suffice; TemporaryError
	 */
	configure(room: RoomId, by: Person, settings: RoomSettings): Promise<void>;
	/** Sets or removes the picture of a room, as {@link configure}. @throws as {@link configure} */
	setPicture(room: RoomId, by: Person, picture: Picture | undefined): Promise<void>;
	/**
	 * Ends a room that the bot has made, for which the caller has checked that `by` may. Its aliases are free when this
	 * resolves; its members are removed soon after, also if the bridge is killed meanwhile. @throws PermanentError
	 * forbidden if the bot has not made it; TemporaryError
	 */
	destroy(room: RoomId, by: Person, reason?: string): Promise<void>;
	/**
	 * Resolves with the events of these ids that `reader`, a person with a ghost in the room, may see; edits and deletions
	 * are applied as an archive shows them. @throws TemporaryError
	 */
	events(room: RoomId, ids: readonly MessageId[], reader: Person): Promise<ReadonlyMap<MessageId, Seen>>;
	/**
	 * Resolves with up to `limit` places of the archive that precede `before`, or with the last ones, the oldest first.
	 * `end` is true at the beginning of the room, or of what `reader` may see; only then are there none. `whole`: nobody in
	 * the room may see more of this part, so that it is the same for all. @throws PermanentError not-found if `reader` may
	 * not see `before`, or there is no such event; TemporaryError
	 */
	earlier(
		room: RoomId,
		before: MessageId | undefined,
		limit: number,
		reader: Person,
	): Promise<Readonly<{ places: readonly Place[]; end: boolean; whole: boolean }>>;
}

/** The answer to somebody who looks for a room to show. `linked`: it is joined to a room of the viewing network already. */
export type Looked =
	| Readonly<{ kind: "room"; facts: RoomFacts }>
	| Readonly<{ kind: "linked"; to: RoomId }>
	| Readonly<{ kind: "refused"; why: "unknown" | "policy" | "unfit"; text: string }>;

/** The methods of core for a network that shows rooms of others. `of` is the network of the source room. */
export interface Views {
	/**
	 * As {@link Hosting.look}, within the policy for `by`, a person of the
	 * viewing network. @throws PermanentError, TemporaryError
	 */
	look(of: NetworkName, address: RoomAddress, by: Person): Promise<Looked>;
	/**
	 * Resolves with the portal of a source room and its view, a room of `by.network`; makes it at the first call.
	 * @throws PermanentError if `by` is blocked or opens too many rooms, or the room is linked; TemporaryError
	 */
	open(of: NetworkName, source: RoomId, view: RoomId, by: Person): Promise<Portal>;
	/** Returns true if the policy lets `by` make rooms. */
	makesRooms(by: Person): boolean;
	/**
	 * Counts one more room that `by` is about to make. Returns false where the policy lets nobody make rooms. @throws
	 * PermanentError forbidden if `by` may make none, busy if `by` makes too many
	 */
	mayMake(by: Person): boolean;
	/** Ends the view of a room: nobody is shown it any more. Idempotent. */
	close(of: NetworkName, source: RoomId, view: RoomId): Promise<void>;
	/**
	 * Tells `person`, whose network may show the room, that `by` invites them to it. Resolves with false if their network
	 * shows no rooms, or one of the two is blocked. @throws TemporaryError
	 */
	invited(facts: RoomFacts, person: Person, by: Person, reason?: string): Promise<boolean>;
	/**
	 * Returns the methods of the source's network. They leave blocked people out of a view and of an archive.
	 * @throws PermanentError if it has no rooms to show
	 */
	source(of: NetworkName): Hosting;
	/**
	 * Resolves with places of the archive, as `reader` may see it, the oldest first. Places before those
	 * of the journal are read from the source, about a thousand for one call at most: if the first ones that match
	 * are not reached by then, the answer has none and is not complete, and the next call reads on. `complete`: nothing that
	 * matches lies beyond. `total`: the known places that match all but `limit`. An id of the range that the archive does
	 * not have matches nothing. @throws TemporaryError
	 */
	places(
		of: NetworkName,
		source: RoomId,
		range: Range,
		reader: Person,
	): Promise<Readonly<{ places: readonly Place[]; complete: boolean; total: number }>>;
	/**
	 * Resolves with those places of these ids that the archive has, the oldest first. Up to twenty ids that the journal does
	 * not have are looked up in the source, as `reader` may see them. @throws TemporaryError
	 */
	find(of: NetworkName, source: RoomId, ids: readonly MessageId[], reader: Person): Promise<readonly Place[]>;
}
