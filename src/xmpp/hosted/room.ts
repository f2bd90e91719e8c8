import type { RoomFacts } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import type { Element } from "../stream/xml.ts";

/** One client of a person in a hosted room, known by its full JID. */
export type Session = {
	readonly jid: string;
	/** The bare JID of the room that it joined by: `from` and `by` of all that it gets. */
	readonly address: string;
	/** The payloads of its last presence that the others get, such as its show, status and entity capabilities. */
	presence: readonly Element[];
	/** The time of its last stanza, in ms since 1970. */
	heard: number;
};

/** One nick in a hosted room: a Matrix member, or a person of XMPP with all of their sessions. */
export type Occupant = {
	readonly person: Person;
	/** The occupant-id (XEP-0421). */
	readonly id: string;
	nick: string;
	/** By full JID. Empty for Matrix members, and for people of XMPP whose membership outlives their sessions. */
	readonly sessions: Map<string, Session>;
};

/** A hosted room while somebody of XMPP is in it. Its state is Matrix's; sessions and nicks are all that it has of its own. */
export type HostedRoom = {
	/** The view: `!<encoded id>@component`. */
	readonly id: RoomId;
	/** The Matrix room. */
	readonly source: RoomId;
	facts: RoomFacts;
	/** The last change of the topic that was seen; absent if it is older than this run. */
	topicSet?: Readonly<{ by: string; at: number }>;
	/** By nick. */
	readonly occupants: Map<string, Occupant>;
};
