import { type BoundedMap, createBoundedMap, dataBytes, textBytes } from "../../core/bounded-map.ts";
import type { Link } from "../../core/mapping.ts";
import type { Person } from "../../core/person.ts";
import type { RoomFeatures } from "../muc/discovery.ts";
import { type ArchiveSearch, createArchiveSearch } from "./archive-search.ts";
import { type Backfill, createBackfill } from "./gap.ts";
import { createListening, type Listening } from "./listening.ts";
import { createOwnOccupants, type OwnOccupant, type OwnOccupants } from "./own-occupants.ts";
import { createReadPosition, type ReadPosition } from "./read-position.ts";
import { createRoster, type Roster } from "./roster.ts";
import { createSendQueue, type SendQueue } from "./send-queue.ts";

type State = {
	readonly jid: string;
	link: Link;
	/** The marks of the portal's other rooms, for other bridges: our occupants are people of these. */
	linkedTo: readonly string[];
	/** The portal begins with the last lines from before it: its other room was made for this MUC, and is empty. */
	earlier: boolean;
	/** The features and settings that the MUC announces by disco#info. */
	features: RoomFeatures;
	/** Our own silent occupants, of which one is in the MUC at a time. */
	readonly listeners: Listeners;
	/** The one of them that is used now. The active listener may be another own occupant: see `listening`. */
	listener: OwnOccupant;
	/** When the MUC was first linked in this run, ms since 1970. */
	readonly asked: number;
	/** The hash of the picture that the portal was told last, "" for none; undefined before the first one. */
	picture: string | undefined;
	/** The password that joins give the MUC, if somebody told the bridge one. */
	password: string | undefined;
	/** The MUC is not linked any more: none of ours may join. */
	closed: boolean;
	/** When the portal was last told that lines do not come through, ms since 1970. */
	missedAt: number;
	readonly ours: OwnOccupants;
	readonly roster: Roster;
	readonly listening: Listening;
	readonly position: ReadPosition;
	readonly backfill: Backfill;
	readonly search: ArchiveSearch;
	readonly sendQueue: SendQueue;
	/** Threads that began here. Only incoming lines add to them. */
	readonly threads: BoundedMap<string, true>;
	/** Messages that we had the MUC delete, which it tells us, too. Only moderation adds to them. */
	readonly moderated: BoundedMap<string, true>;
	/** The people who were banned in this run, by their bare JIDs. */
	readonly outcasts: BoundedMap<string, Person>;
};

/** `own`: under a JID of this MUC alone. `stated`: under the one JID that the admins of members-only MUCs let in. */
export type Listeners = Readonly<Record<"own" | "stated", OwnOccupant>>;

/** One linked MUC, made of parts. The file that defines a part owns it: all others see it read-only. */
export type Room = Readonly<State>;

/** Ids are as long as their senders like. */
const ids = { bytes: 262_144, of: (id: string) => textBytes(id) };

export const createRoom = (jid: string, link: Link, listeners: Listeners, asked: number): Room => ({
	jid,
	link,
	linkedTo: [],
	earlier: false,
	features: {
		muc: true,
		membersOnly: false,
		password: false,
		moderated: false,
		stanzaIds: false,
		occupantIds: false,
		hats: false,
		archive: false,
		moderation: false,
	},
	listeners,
	listener: listeners.own,
	asked,
	picture: undefined,
	password: undefined,
	closed: false,
	missedAt: 0,
	ours: createOwnOccupants(listeners.own),
	roster: createRoster(),
	listening: createListening(listeners.own),
	position: createReadPosition(),
	backfill: createBackfill(),
	search: createArchiveSearch(),
	sendQueue: createSendQueue(),
	threads: createBoundedMap(1_000, ids),
	moderated: createBoundedMap(1_000, ids),
	outcasts: createBoundedMap(1_000, {
		bytes: 1_048_576,
		of: (jid, person) => dataBytes(jid) + dataBytes(person),
	}),
});

/** Notes that the MUC is linked, maybe by a new link, to the rooms of these marks. `earlier`: see {@link Room}. */
export function relink(room: State, link: Link, linkedTo: readonly string[], earlier: boolean): void {
	room.link = link;
	room.linkedTo = linkedTo;
	room.earlier = earlier;
}

/** Notes that the MUC is not linked any more. */
export function close(room: State): void {
	room.closed = true;
}

/** Makes `one` the listener that is used from now on. */
export function setListener(room: State, one: OwnOccupant): void {
	room.listener = one;
}

/** Notes the picture of the MUC. Returns false if the portal was told of it. */
export function notePicture(room: State, hash: string): boolean {
	const isNew = room.picture !== hash && (room.picture !== undefined || hash !== "");
	room.picture = hash;
	return isNew;
}

export function setPassword(room: State, password: string | undefined): void {
	room.password = password;
}

export function setFeatures(room: State, features: RoomFeatures): void {
	room.features = features;
}

/** Notes that the portal is told of lines that do not come through. */
export function noteMissed(room: State, at: number): void {
	room.missedAt = at;
}

/** Returns the MUC as its archive is asked: by the active listener, which is in it. */
export const archiveOf = ({ jid, listening }: Room) => ({ jid, asker: listening.active.jid });

/** Returns whether the MUC has an archive that we may read. */
export const readable = ({ features, backfill }: Room): boolean =>
	features.archive && !backfill.archiveRefused;
