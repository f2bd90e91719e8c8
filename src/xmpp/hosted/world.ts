import type { PermanentError } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import type { Guard } from "../../core/guard.ts";
import type { NetworkName, RoomId } from "../../core/ids.ts";
import type { Rate } from "../../core/limits.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge, Received } from "../../core/network.ts";
import type { Avatar, Person } from "../../core/person.ts";
import type { Files } from "../attachments.ts";
import type { Entered } from "../contacts/bookmarks.ts";
import type { Software } from "../iq/query.ts";
import type { Pictures } from "../pictures.ts";
import type { Whisper } from "../private/venue.ts";
import type { Component } from "../stream/component.ts";
import type { Element } from "../stream/xml.ts";

/** The functions that hosted rooms get from the network. */
export type World = Readonly<{
	link: Pick<Component, "send" | "sendToAll" | "iq" | "online">;
	/** The domain of our component. */
	component: string;
	/** The network whose rooms are shown. */
	of: NetworkName;
	bridge(): Bridge;
	log: Log;
	guard: Guard;
	/** Hands events to the network's inbox, and so to core, in call order. */
	tell(events: readonly Received[]): void;
	/** The most people of a room in which read positions are shown. */
	readReceipts: number;
	/** How many requests of each kind one person may make: joins, lists, changes of people, and those of owners. */
	requests: Rate;
	/** Returns how files of other networks are given out; undefined where they are not. */
	files(): Files | undefined;
	/** Tells the sender of a message about a part of it that is not shown. */
	partly(event: BridgeEvent, error: PermanentError): void;
	/** Returns the bare JID of the ghost of a person of another network. */
	ghost(person: Pick<Person, "network" | "address">): string;
	/** Returns the person of another network whose ghost has this bare JID. */
	standsFor(jid: string): Readonly<Pick<Person, "network" | "address">> | undefined;
	/** Returns true for a bare JID under which the bridge itself is known. */
	isOwn(jid: string): boolean;
	/** The software that answers queries. */
	software: Software;
	/** The resource of all ghosts. */
	resource: string;
	/** Returns the payloads of all ghosts' presences, such as their entity capabilities. */
	ghostPayloads(): readonly Element[];
	/** Takes a private message to a person of the source. Returns the error that answers it, if one is due. */
	privately(whisper: Whisper): Element | undefined;
	/** Notes that an account has entered a room by a client of its own. */
	entered(account: string, room: Entered): void;
	/** Notes that a person of XMPP has left a room. */
	left(muc: RoomId, person: Person): void;
	/** The pictures of people. */
	faces: Pictures;
	/** Resolves with the picture that an account of XMPP keeps; undefined where it has none. */
	pictureOf(account: string): Promise<Avatar | undefined>;
	now(): Readonly<{ at: number; unique(): string }>;
}>;
