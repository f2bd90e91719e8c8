import type { BoundedMap } from "../../core/bounded-map.ts";
import type { RoomFacts } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import type { Shown } from "../../core/signal.ts";
import type { Picture } from "../pictures.ts";
import type { Acts } from "./administration/acts.ts";
import type { Records } from "./administration/record.ts";
import type { Aliases } from "./aliases.ts";
import type { History } from "./archive/history.ts";
import type { Broadcast } from "./broadcast.ts";
import type { LockedRooms } from "./creation/locked-rooms.ts";
import type { PendingLines } from "./lines/pending.ts";
import type { Memberships } from "./memberships.ts";
import type { SettingsStore } from "./owner/own-settings.ts";
import type { Returns } from "./returns.ts";
import type { HostedRoom } from "./room.ts";
import type { Rooms } from "./rooms.ts";
import type { SessionStore } from "./sessions.ts";
import type { World } from "./world.ts";

/** A room as its occupant-ids depend on it. `seed`: a room that was made from here had it before it had an id. */
export type Known = Readonly<{ id: RoomId; facts: Pick<RoomFacts, "seed"> }>;

/** The world, and the parts that all hosted rooms share. */
export type HostedContext = World &
	Readonly<{
		rooms: Rooms;
		/** Writes stanzas to sessions. */
		out: Broadcast;
		memberships: Memberships;
		pending: PendingLines;
		returns: Returns;
		aliases: Aliases;
		locked: LockedRooms;
		/** The rooms that an earlier run was making, by address; each promise resolves after the first attempt of this run. */
		making: Map<string, Promise<void>>;
		/** The settings of rooms that Matrix cannot hold. */
		settings: SettingsStore;
		/** Notes that the last client has left a room; `by`: its person. */
		emptied(room: HostedRoom, by: Person): void;
		store: SessionStore;
		records: Records;
		acts: Acts;
		/** The pictures of rooms of the source, by their `ref`; see {@link Pictures}. */
		pictures: Readonly<Record<"get" | "soon", (ref: string) => Promise<Picture | undefined>>>;
		history: History;
		/** The presences of people of the source, as far as these are known; by {@link personKey}. */
		availability: BoundedMap<string, Shown>;
		/** Counts a request of an account. Returns false if it makes too many of this kind. */
		mayAsk(kind: "list" | "banned" | "invited" | "change" | "own", account: string): boolean;
		/** Returns the occupant-id (XEP-0421) of a person in a room: the same for ever, and another one in each room. */
		occupantId(room: Known, person: Pick<Person, "network" | "id">): string;
	}>;
