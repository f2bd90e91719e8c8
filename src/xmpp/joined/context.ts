import type { LookAlikes } from "../../core/confusable.ts";
import type { BridgeEvent } from "../../core/event.ts";
import type { Guard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Cursor, Received } from "../../core/network.ts";
import type { Avatar, Person } from "../../core/person.ts";
import type { Description } from "../../core/room-info.ts";
import type { Sealer } from "../../core/sealer.ts";
import type { Signal } from "../../core/signal.ts";
import type { Archive } from "../muc/archive.ts";
import type { Pictures } from "../pictures.ts";
import type { Whisper } from "../private/venue.ts";
import type { Component } from "../stream/component.ts";
import type { Element } from "../stream/xml.ts";
import type { Confirmations } from "./confirmations.ts";
import type { Invitations } from "./invitations.ts";
import type { Now } from "./occupant-events.ts";
import type { RealNames } from "./real-names.ts";
import type { Room } from "./room.ts";
import type { SignedIds } from "./signed-ids.ts";

/** The functions and limits that joined MUCs get from the network. */
export type World = Readonly<{
	link: Pick<Component, "send" | "iq" | "online">;
	/** The domain of our component. */
	component: string;
	log: Log;
	/** Notes which line is in hand, for the quarantine. */
	guard?: Guard;
	/** Hands events to the network's inbox (`xmpp/inbox.ts`), and so to core, in call order. */
	tell(events: readonly Received[]): void;
	/** Tells core that the MUC's capabilities may have changed. */
	changed(room: Room): void;
	/** Hands core what passes. */
	signal(signal: Signal): void;
	/** The most occupants of a MUC in which read positions are shown. */
	readReceipts: number;
	/** Time of silence, in ms, after which the occupants of people leave; absent: never. */
	idleAfter?: number | undefined;
	/** Returns the stored read position of a link. */
	cursor(key: string): Promise<string | undefined>;
	/** Returns all stored facts whose keys begin with `prefix`. */
	cursors(prefix: string): Promise<readonly Cursor[]>;
	/** Stores a read position or another fact behind all events that were told so far; undefined removes it. */
	save(cursor: Readonly<{ key: string; value: string | undefined }>): void;
	/** Resolves once all events that were told so far are on disk. */
	settled(): Promise<void>;
	/** Returns whether too many events wait for the journal: back-pressure. */
	crowded(): boolean;
	/** Returns the codec of our stanza ids, each an operation id with a signature. It needs the secret, which is read at start. */
	signedIds(): SignedIds;
	/** Tells the portal the members of the MUC, in order with the events given to `tell`. */
	sync(room: Room): void;
	/** Takes a private message to an occupant of ours. Returns the error that answers it, if one is due. */
	privately(whisper: Whisper): Element | undefined;
	/** Takes an error for a private message of ours. Returns false for any other stanza. */
	privateError(stanza: Element): boolean;
	/** Resolves with the person of the ghost at a bare JID of ours. */
	personAt(jid: string): Promise<Person | undefined>;
	/** Ends the link of a MUC for good; its portal reads `why`. */
	ended(room: Room, why: string): void;
	/** Seals the passwords of MUCs; absent where the admin has made no key for that. */
	sealer?: Sealer | undefined;
	/** The pictures of our people. */
	faces: Pick<Pictures, "get" | "hash">;
	/** Resolves with the full name in the vCard of an occupant; undefined where it has none. @throws StanzaError, core's errors */
	fullName(occupant: string): Promise<string | undefined>;
	/** Tells the portal the picture of a MUC, null for none. */
	pictured(room: Room, picture: Avatar | null): void;
	/** Tells the portal the name or topic that a MUC has. */
	described(room: Room, description: Description): void;
	/** Notes that a MUC takes lines again, so that its lane retries at once. */
	resume(): void;
	/** Limits how many works of one `line` run at once, such as joins at one service: servers throttle floods of them. */
	paced<T>(line: string, work: () => Promise<T>): Promise<T>;
	now(): Now;
}>;

/** The world, and the parts that all joined MUCs share. */
export type Context = World &
	Readonly<{
		guard: Guard;
		/** Returns true if a nick looks like one of others. */
		isLike: LookAlikes;
		archive: Archive;
		invitations: Invitations;
		confirmations: Confirmations;
		realNames: RealNames;
	}>;

/** Tells the portal of joins, leaves and renames, unless it does not know the roster yet. */
export function announce(room: Room, events: readonly BridgeEvent[], context: Context): void {
	if (room.roster.synced && events.length > 0) context.tell(events);
}
