import type { RoomFacts } from "../../../core/hosting.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import { account } from "../../from-xmpp.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { viewOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import { affiliationOf } from "../presences.ts";
import type { RoomQuestion } from "../queries/query.ts";
import { readSource } from "../read-source.ts";
import type { HostedRoom } from "../room.ts";

/** A room, for one of its owners. */
export type Owned = Readonly<{
	by: Person;
	view: RoomId;
	facts: RoomFacts;
	/** The room, while it is in memory. */
	room: HostedRoom | undefined;
}>;

const forbidden = () => new StanzaError("forbidden", "auth", phrases.hostedNotOwner);

/**
 * Resolves with the room that an owner asks about, who need not be in it, and counts the request, since each asks the
 * homeserver. @throws StanzaError resource-constraint if the person asks too often, forbidden for anybody but an owner
 * (XEP-0045 §10.2); PermanentError, TemporaryError
 */
export async function ownedBy({ from, place }: RoomQuestion, context: HostedContext): Promise<Owned> {
	const by = account(from);
	if (!context.mayAsk("own", by.id)) throw new StanzaError("resource-constraint", "wait", phrases.tooFast);
	const { room } = place;
	const view = viewOf(place.facts.id, context.component);
	// The facts of a look from outside name no owners.
	const facts = room?.facts ?? (await readSource(place.facts.room, context))?.facts;
	if (!facts) throw forbidden();
	if (affiliationOf({ facts, record: context.records.of(view) }, by) !== "owner") throw forbidden();
	return { by, view, facts, room };
}
