import type { Seen } from "../../core/hosting.ts";
import type { Log } from "../../core/log.ts";
import type { Person } from "../../core/person.ts";
import { MatrixError } from "../client.ts";
import type { MatrixEvent, ReadContext } from "../event.ts";
import { domainBanIn } from "./domain-bans.ts";
import { isFactType } from "./facts.ts";
import type { ReadingGhosts } from "./reading-ghosts.ts";
import type { RoomStates } from "./room-state.ts";
import { frameOf, seenIn } from "./timeline.ts";

/** Returns the function that reads one event of a hosted room for the views of it. `as`: a ghost in the room. */
export function createSee(deps: {
	states: RoomStates;
	ghosts: ReadingGhosts;
	/** Gives a ghost its looks in a room back; resolves with true if this event took them. */
	keepLooks(event: MatrixEvent): Promise<boolean>;
	/** Returns true for the person of a ghost that stands for nobody yet. */
	isNobody(person: Person): boolean;
	/** Returns the person whose ghost would have this MXID; undefined if it tells nobody. */
	addressed(mxid: string): Person | undefined;
	bot: string;
	/** Keeps an event for the archive. */
	keep(event: MatrixEvent): void;
	log: Log;
}) {
	const { states, ghosts, isNobody, bot, log } = deps;

	async function factsAfter(event: MatrixEvent, around: ReadContext, as: string | undefined) {
		const facts = await states.after(event, as).catch((error: unknown) => {
			// The ghost may have left the room meanwhile.
			if (!(error instanceof MatrixError)) throw error;
			log.debug({ err: error, room: event.room_id }, "the state of a hosted room could not be read");
			return undefined;
		});
		return facts && { ...frameOf(event, around), what: { kind: "facts" as const, facts } };
	}

	async function looksWereTaken(event: MatrixEvent): Promise<boolean> {
		try {
			return await deps.keepLooks(event);
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			log.warn({ err: error, room: event.room_id }, "a ghost could not get its looks in a hosted room back");
			return false;
		}
	}

	return async function see(
		event: MatrixEvent,
		around: ReadContext,
		as: string | undefined,
	): Promise<Seen | undefined> {
		if (event.type === "m.room.member") {
			await ghosts.note(event);
			if (await looksWereTaken(event)) return undefined;
			if (event.state_key === bot && states.isMade(event.room_id)) return undefined;
			const mxid = event.state_key ?? "";
			if (isNobody(around.person(mxid))) {
				// The ghost was invited or banned before its person came.
				const person = deps.addressed(mxid);
				return person && seenIn(event, withPerson(around, mxid, person));
			}
		}
		const ban = domainBanIn(event);
		if (ban) return { ...frameOf(event, around), what: ban };
		const isFact = event.state_key === "" && isFactType(event.type);
		const facts = isFact ? await factsAfter(event, around, as) : undefined;
		const seen = seenIn(event, around) ?? facts;
		deps.keep(event);
		return seen;
	};
}

/** Returns the context in which an MXID is that of this person. */
const withPerson = (around: ReadContext, mxid: string, person: Person): ReadContext => ({
	...around,
	person: (one) => (one === mxid ? person : around.person(one)),
});
