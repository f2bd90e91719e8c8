import type { Guard } from "../../core/guard.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Bridge } from "../../core/network.ts";
import type { HostedRoom, Session } from "./room.ts";

/** A session as the journal keeps it, or a join under way: its client is told of the end after a crash. */
export type StoredSession = Readonly<{
	jid: string;
	address: string;
	nick: string;
	/** The room of the source, and its id as in {@link RoomAddress}. Absent while the room is being made. */
	source?: RoomId;
	id?: string;
	/** The view of the room, by which its occupants get their ids where it has no seed. */
	view: RoomId;
	/** See {@link RoomFacts.seed}. */
	seed?: string;
	/** It was told of its end. The membership of its person may still have to end. */
	told?: true;
	/** The join that its client waits for, with the id of its presence. Absent once the client is in. */
	join?: Readonly<{ id?: string }>;
}>;

type Key = Pick<Session, "address" | "jid">;

const prefix = "xmpp session ";
const keyOf = ({ address, jid }: Key): string => `${prefix}${address} ${jid}`;

/** Returns a session as the journal keeps it. */
export const storedForm = (room: HostedRoom, nick: string, { jid, address }: Key): StoredSession => ({
	...{ jid, address, nick },
	...{ view: room.id, source: room.source, id: room.facts.id },
	...(room.facts.seed !== undefined && { seed: room.facts.seed }),
});

/** Keeps the sessions of hosted rooms in the journal. */
export function createSessionStore(deps: { bridge(): Pick<Bridge, "cursors" | "saveCursor">; guard: Guard }) {
	/** Resolves with the value on disk. Never rejects: a failure costs a session no more than its notice after a crash. */
	const write = (session: Key, value: StoredSession | undefined): Promise<void> =>
		deps.guard.run("store of a session", () =>
			deps.bridge().saveCursor({ key: keyOf(session), value: value && JSON.stringify(value) }),
		);

	return {
		save: (session: StoredSession): Promise<void> => write(session, session),
		remove: (session: Key): Promise<void> => write(session, undefined),
		/** Notes that a session was told of its end. */
		told: (session: StoredSession): Promise<void> => write(session, { ...session, told: true }),
		/** Resolves with all stored sessions. */
		async all(): Promise<readonly StoredSession[]> {
			const stored = await deps.bridge().cursors(prefix);
			return stored.map(({ value }) => JSON.parse(value) as StoredSession);
		},
	};
}
export type SessionStore = ReturnType<typeof createSessionStore>;
