import { type BoundedMap, createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { PermanentError } from "../../core/errors.ts";
import type { Link } from "../../core/mapping.ts";
import type { Person } from "../../core/person.ts";
import type { RoomFeatures } from "../muc/discovery.ts";
import type { OccupantPresence } from "../muc/presence.ts";
import type { Read } from "./cursor.ts";
import type { Gap } from "./gap.ts";
import { createOwnOccupants, type OwnOccupant, type OwnOccupants } from "./own-occupants.ts";
import { createSendQueue, type SendQueue } from "./send-queue.ts";

/** Somebody else in the room. */
export type Other = { person: Person; since: number /** Names their stay. */; session: string };

/** One linked MUC. Plain data; the files beside this one act on it. */
export type Room = {
	readonly jid: string;
	link: Link;
	features: RoomFeatures;
	readonly listener: OwnOccupant;
	/** Whose copy of the traffic counts: the listener's, or that of a ghost where the listener is not let in. */
	activeListener: OwnOccupant;
	/** When we were asked to be in it, ms since 1970. */
	readonly asked: number;
	/** How far the room was read; undefined until that is known. */
	read: Read | undefined;
	/** The same, on disk or on its way there. */
	saved: Read | undefined;
	gap: Gap | undefined;
	/** The room has an archive, but not for us. */
	archiveRefused: boolean;
	/** From when on, ms since 1970, every line of ours in the room is known; infinite when we have just come. */
	searched: number;
	searching: Promise<void> | undefined;
	/** When the ear came in, ms since 1970. */
	since: number;
	readonly ours: OwnOccupants;
	/** Everybody else, by nick. */
	others: Map<string, Other>;
	/** The list being told to us while the listener joins (XEP-0045 §7.2.2). */
	joinRoster: Map<string, Other> | undefined;
	/** The ear has just come in: until the subject it is told what was said before (XEP-0045 §7.2.14). */
	telling: boolean;
	/** The other side was told who is here; until then nobody's coming or going is worth a word. */
	synced: boolean;
	/** Nicks that turned up while one of ours was joining: it may be theirs, changed by the room. */
	readonly unclaimedNicks: Map<string, OccupantPresence>;
	/** Counts presences: tells nicks known before a join began from later ones. */
	clock: number;
	/** Why the listener is not let in. */
	barred: PermanentError | undefined;
	/** When the room was last tried, asked for by somebody who speaks, or heard, ms since 1970. */
	triedAt: number;
	askedForAt: number;
	heardAt: number;
	/** When the other side was last told that lines are missing. */
	missedAt: number;
	/** We were in once: the room is known to be real, so a rejoin may create it anew. */
	wasIn: boolean;
	/** Set while somebody sees to the listener's being there; `wake` ends their wait for the next try. */
	keeping: Promise<void> | undefined;
	wake: (() => void) | undefined;
	readonly sendQueue: SendQueue;
	/** Unlinked: nothing may join any more. */
	closed: boolean;
	/** Threads that began here. */
	readonly threads: BoundedMap<string, true>;
	/** Messages we had the room take back: it tells us, too. */
	readonly moderated: BoundedMap<string, true>;
};

/** Ids are as long as their senders like. */
const ids = { bytes: 262_144, of: (id: string) => textBytes(id) };

export function createRoom(jid: string, link: Link, listener: OwnOccupant, asked: number): Room {
	return {
		jid,
		link,
		features: {
			muc: true,
			membersOnly: false,
			password: false,
			stanzaIds: false,
			occupantIds: false,
			archive: false,
			moderation: false,
		},
		listener,
		activeListener: listener,
		asked,
		read: undefined,
		saved: undefined,
		gap: undefined,
		archiveRefused: false,
		searched: Number.POSITIVE_INFINITY,
		searching: undefined,
		since: 0,
		ours: createOwnOccupants(listener),
		others: new Map(),
		joinRoster: undefined,
		telling: false,
		synced: false,
		unclaimedNicks: new Map(),
		clock: 0,
		barred: undefined,
		triedAt: 0,
		askedForAt: 0,
		heardAt: 0,
		missedAt: 0,
		wasIn: false,
		keeping: undefined,
		wake: undefined,
		sendQueue: createSendQueue(),
		closed: false,
		threads: createBoundedMap(1_000, ids),
		moderated: createBoundedMap(1_000, ids),
	};
}

/** It has an archive, and lets us read it. */
export const readable = ({ features, archiveRefused }: Room): boolean => features.archive && !archiveRefused;

/** True when a stanza from `nick` to our occupant at `to` is but a copy of what the ear gets too. */
export function isCopy(
	room: Room,
	to: string,
	nick: string,
	name: string,
	type: string | undefined,
): boolean {
	const ours = room.ours.byJid.get(to);
	if (!ours || ours === room.activeListener || type === "error") return false;
	if (name === "message") return type === "groupchat";
	if (name !== "presence" || nick === ours.nick) return false;
	if (ours.stay.state !== "joining") return true;
	// A nick nobody had before may be ours, changed by the room (XEP-0045 §7.2.3, status 210).
	return (
		(room.others.get(nick)?.since ?? Number.POSITIVE_INFINITY) <= ours.stay.since ||
		room.ours.byNick.has(nick)
	);
}
