import type { Person } from "../../core/person.ts";
import type { Element } from "../stream/xml.ts";
import type { Place } from "./place.ts";

/** A kind of MUCs whose occupants may write to each other in private (XEP-0045 §7.5): those of others, and our own. */
export interface Venue {
	/** True for the bare JID of a MUC of this kind. */
	has(muc: string): boolean;
	/** Returns the present nick of a person; undefined if they are not in the MUC. */
	nick(muc: string, person: string): string | undefined;
	/**
	 * Writes a message to the occupant of a person, as the occupant that stands for `ours`. `make` gets the full JIDs of
	 * both, once for each address of the MUC by which clients of the person are there; the second is absent where the MUC
	 * fills it in for each client. `within` is the room as people know it. Resolves when the link has taken it.
	 * @throws PermanentError if one of them is not there; TemporaryError
	 */
	write(
		place: Place & Readonly<{ within: string }>,
		ours: Person,
		make: (from: string, to: string | undefined) => Element,
	): Promise<void>;
	/** Writes a signal, as `write` does a message; nothing where one of both people is not there. @throws TemporaryError */
	show(place: Place, ours: Person, make: Parameters<Venue["write"]>[2]): Promise<void>;
}

/** A private message as it came in. */
export type Whisper = Readonly<{
	stanza: Element;
	/** The bare JID of the MUC, by which its portal is known. */
	muc: string;
	/** The occupant who wrote it. */
	sender: Person;
	/** The person of another network to whose occupant it was sent. */
	to: Person;
}>;
