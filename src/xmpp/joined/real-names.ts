import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { BridgeEvent } from "../../core/event.ts";
import type { Guard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Now } from "./occupant-events.ts";
import type { Room } from "./room.ts";
import { learnName } from "./roster.ts";

/** Occupants whose vCards were read in this run, and their bytes; vCards that wait to be read. */
const [most, mostBytes, mostWaiting] = [10_000, 4 * 1_048_576, 1_000];

/** The vCard that was read: of an occupant with this picture, with this name in it. */
type Card = Readonly<{ photo: string; name?: string }>;

/**
 * Reads the full names in the vCards of occupants, in the background: when one speaks for the first time, and at each new
 * picture. A whole MUC is not asked, as that would be a request for each of its occupants.
 */
export function createRealNames(deps: {
	/** Resolves with the full name in the vCard of an occupant; undefined where it has none. */
	fullName(occupant: string): Promise<string | undefined>;
	tell(room: Room, events: readonly BridgeEvent[]): void;
	guard: Guard;
	log: Log;
	now(): Now;
}) {
	const cards = createBoundedMap<string, Card>(most, {
		bytes: mostBytes,
		of: (key, { photo, name }) => textBytes(key, photo, name) + 100,
	});
	let waiting = 0;

	return {
		/** Reads the vCard of an occupant, unless that was done, or the occupant has named itself in a presence. */
		meet(room: Room, nick: string): void {
			const known = room.roster.others.get(nick);
			if (!known) return;
			const { person, session } = known;
			const key = `${room.jid} ${person.id} ${session}`;
			const last = cards.get(key);
			const photo = person.avatar?.hash ?? "";
			const isNamed = person.realName && person.realName !== last?.name;
			if (isNamed || last?.photo === photo || waiting >= mostWaiting) return;
			cards.set(key, { ...last, photo });
			waiting++;
			const failed = (err: unknown) =>
				deps.log.debug({ err, room: room.jid }, "the vCard of an occupant could not be read");
			void deps.guard.run("vCard of an occupant", async () => {
				const name = await deps.fullName(`${room.jid}/${nick}`).catch(failed);
				waiting--;
				// The MUC may have passed the question on to the next holder of the nick.
				if (name === undefined || room.roster.others.get(nick)?.session !== session) return;
				cards.set(key, { photo, name });
				deps.tell(room, learnName(room, nick, name, deps.now()));
			});
		},
	};
}
export type RealNames = ReturnType<typeof createRealNames>;
