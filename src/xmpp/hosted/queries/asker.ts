import type { Person } from "../../../core/person.ts";
import { account } from "../../from-xmpp.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { viewOf } from "../addresses.ts";
import type { Administered } from "../administration/carry-out.ts";
import type { HostedContext } from "../context.ts";
import type { Standing } from "../presences.ts";
import { readSource } from "../read-source.ts";
import type { RoomQuestion } from "./query.ts";

/**
 * A person who asks about the people of a room, with the affiliations there. Some people may ask from outside, too (XEP-0045 §9
 * and §10).
 */
export type Asker = Readonly<{
	by: Person;
	standing: Standing;
	place: Administered;
	/** The people who are in the room. */
	inside: readonly Person[];
}>;

/** Resolves with the asker and the affiliations of the room. @throws StanzaError if the room shows them to nobody of XMPP */
export async function askerOf(
	{ from, place: { facts, room: known, joined } }: RoomQuestion,
	context: HostedContext,
): Promise<Asker> {
	const view = viewOf(facts.id, context.component);
	const room = known ?? context.rooms.get(view);
	const by = joined?.occupant.person ?? account(from);
	const place = { source: facts.room, view, room };
	if (room)
		return { by, standing: room, place, inside: [...room.people.values()].map(({ person }) => person) };
	// Nobody of XMPP is there, so the source is asked.
	if (!context.mayAsk("list", by.id)) throw new StanzaError("resource-constraint", "wait", phrases.tooFast);
	const seen = await readSource(facts.room, context);
	// The bot follows a room that it has made. Nobody of ours follows any other room now.
	if (!seen?.facts.made) throw new StanzaError("forbidden", "auth", phrases.hostedNotYours);
	return {
		by,
		standing: { facts: seen.facts, record: context.records.of(view) },
		place,
		inside: seen.members,
	};
}
