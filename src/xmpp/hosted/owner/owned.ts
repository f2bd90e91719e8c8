import { PermanentError } from "../../../core/errors.ts";
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
	const facts = room?.facts ?? (await read(place.facts, context));
	if (affiliationOf({ facts, kept: context.kept.of(view) }, by) !== "owner") throw forbidden();
	return { by, view, facts, room };
}

/** Resolves with the facts of a room that is not in memory: from outside, nobody knows its owners. */
async function read({ room }: RoomFacts, { bridge, of }: HostedContext): Promise<RoomFacts> {
	try {
		return (await bridge().views.source(of).view(room)).facts;
	} catch (error) {
		// Nobody of ours is in the room.
		if (error instanceof PermanentError) throw forbidden();
		throw error;
	}
}
