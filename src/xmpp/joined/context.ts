import type { BridgeEvent } from "../../core/event.ts";
import type { Guard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Cursor, Received } from "../../core/network.ts";
import type { Archive } from "../muc/archive.ts";
import type { Component } from "../stream/component.ts";
import type { Confirmations } from "./confirmations.ts";
import type { Room } from "./room.ts";
import type { Now } from "./roster.ts";
import type { SignedIds } from "./signed-ids.ts";

/** What this folder needs of the world. */
export type World = Readonly<{
	link: Pick<Component, "send" | "iq" | "online">;
	/** The domain of our component. */
	component: string;
	log: Log;
	/** Notes which line is in hand. */
	guard?: Guard;
	/** Hands events on, in call order. */
	tell(events: readonly Received[]): void;
	/** How far a room was read in an earlier run. */
	cursor(key: string): Promise<string | undefined>;
	/** Saves it behind all that was told so far. */
	save(cursor: Cursor): void;
	/** Resolves when all that was told so far is on disk. */
	settled(): Promise<void>;
	/** More was told than the journal has taken for now. */
	crowded(): boolean;
	marks(): SignedIds;
	/** Tells who is in the room now, in order with what `tell` was given. */
	sync(room: Room): void;
	/** A room can take lines again. */
	resume(): void;
	/** Lets only so many joins, say, at one service be under way at once: servers slow down, or refuse, who storms in. */
	paced<T>(line: string, work: () => Promise<T>): Promise<T>;
	now(): Now;
}>;

/** What its files need. */
export type Context = World &
	Readonly<{
		guard: Guard;
		archive: Archive;
		confirmations: Confirmations;
	}>;

/** Tells who came, went, or is renamed. */
export function announce(room: Room, events: readonly BridgeEvent[], context: Context): void {
	if (room.roster.synced && events.length > 0) context.tell(events);
}
