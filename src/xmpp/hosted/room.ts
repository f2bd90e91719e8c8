import type { RoomFacts } from "../../core/hosting.ts";
import { personKey } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import type { Element } from "../stream/xml.ts";
import { emptyRecord, type RoomRecord } from "./administration/record.ts";
import type { OwnSettings } from "./owner/own-settings.ts";

/** One client of a person in a hosted room, known by its full JID and the address that it joined by. */
export type Session = {
	readonly jid: string;
	/** The bare JID of the room that it joined by: `from` and `by` of all that it gets. */
	readonly address: string;
	/** The payloads of its last presence that the others get, such as its show, status and entity capabilities. */
	presence: readonly Element[];
	/** The time of its last stanza, in ms since 1970. */
	heard: number;
	/** The stanzas that wait until the session has its history and the subject (XEP-0045 §7.1). Absent: it has both. */
	held?: Element[];
	/** The events of its history, which may still come live until a time, in ms since 1970. */
	history?: Readonly<{ ids: ReadonlySet<string>; until: number }>;
};

/** One nick in a hosted room: a Matrix member, or a person of XMPP with all of their sessions. */
export type Occupant = {
	/** For a person of XMPP, `name` is the nick. */
	person: Person;
	/** The occupant-id (XEP-0421). */
	readonly id: string;
	nick: string;
	/** By {@link sessionKey}. Empty for Matrix members, and for people of XMPP whose membership outlives their sessions. */
	readonly sessions: Map<string, Session>;
};

/**
 * A hosted room while somebody of XMPP is in it. Its state is Matrix's; sessions,
 * nicks and `record` are all that it has of its own.
 */
export type HostedRoom = {
	/** The view: `!<encoded id>@component`. */
	readonly id: RoomId;
	/** The Matrix room. */
	readonly source: RoomId;
	facts: RoomFacts;
	/** The record of what the source cannot hold; {@link Records} replaces it. */
	record: RoomRecord;
	/** The settings that Matrix cannot hold. */
	own: OwnSettings;
	/** By nick. occupants.ts alone changes this map and the others. */
	readonly occupants: Map<string, Occupant>;
	/** By {@link personKey}. */
	readonly people: Map<string, Occupant>;
	/** By the form of the nick in which look-alikes are equal. */
	readonly lookAlikes: Map<string, Occupant>;
	/** The members of a large room of whom no session has got a presence: reveal.ts shows them when they matter to somebody. */
	readonly hidden: Set<Occupant>;
	/** The sessions of all occupants, by {@link sessionKey}. */
	readonly sessions: Map<string, Session>;
};

/** A session with its place. */
export type Joined = Readonly<{ room: HostedRoom; occupant: Occupant; session: Session }>;

/** Returns the key of a session: a client that joins by two addresses of a room sees two rooms. */
export const sessionKey = (address: string, jid: string): string => `${address} ${jid}`;

export const createHostedRoom = (
	id: RoomId,
	facts: RoomFacts,
	record: RoomRecord = emptyRecord,
	own: OwnSettings = {},
): HostedRoom => ({
	id,
	source: facts.room,
	facts,
	record,
	own,
	occupants: new Map(),
	people: new Map(),
	lookAlikes: new Map(),
	hidden: new Set(),
	sessions: new Map(),
});

/** Returns the occupant of a person; undefined if the person is not in the room. */
export const occupantOf = (room: HostedRoom, person: Pick<Person, "network" | "id">): Occupant | undefined =>
	room.people.get(personKey(person));
