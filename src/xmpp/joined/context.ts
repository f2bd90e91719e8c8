import type { BridgeEvent } from "../../core/event.ts";
import type { Log } from "../../core/log.ts";
import type { Component } from "../component.ts";
import type { Room } from "./room.ts";
import type { Now } from "./roster.ts";

/** What the files of this folder need of the world. */
export type Context = Readonly<{
	link: Pick<Component, "send" | "iq" | "online">;
	/** The domain of our component. */
	component: string;
	log: Log;
	/** Hands events on, in call order. */
	tell(events: readonly BridgeEvent[]): void;
	/** Tells who is in the room now, in order with what `tell` was given. */
	sync(room: Room): void;
	/** A room can take lines again. */
	resume(): void;
	/** Lets only so many joins at one service be under way at once: servers slow down, or refuse, who storms in. */
	paced<T>(service: string, work: () => Promise<T>): Promise<T>;
	now(): Now;
}>;

/** Tells who came, went, or is renamed. */
export function announce(room: Room, events: readonly BridgeEvent[], context: Context): void {
	if (room.synced && events.length > 0) context.tell(events);
}
