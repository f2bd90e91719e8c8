import type { HostedContext } from "../context.ts";
import { leaveUnused, showAsAway } from "../join/admission.ts";
import type { Joins } from "../join/index.ts";
import { addOccupant } from "../occupants.ts";
import type { Changes } from "../owner/field.ts";
import { tell } from "../owner/notes.ts";
import { payloadsOf } from "../presences.ts";
import type { Refusal } from "../refusals.ts";
import type { HostedRoom, Session } from "../room.ts";
import { storedForm } from "../sessions.ts";
import type { LockedRoom } from "./locked-rooms.ts";
import { make } from "./make.ts";

/** The settings that an owner need not name. */
const usual = { listed: true } as const;

/** Makes the client of a locked room an occupant of the made one, and sends it nothing: to the client it is the same room. */
function carryOver(locked: LockedRoom, room: HostedRoom, context: HostedContext): void {
	const { person, jid, address, nick, join } = locked;
	context.locked.remove(locked);
	if (locked.state === "left") {
		showAsAway(room, person, context);
		leaveUnused(room, person, { jid, address }, context);
		return;
	}
	context.returns.back(room, person);
	const occupant = addOccupant(room, person, context.occupantId(room, person), nick);
	const session: Session = { jid, address, presence: payloadsOf(join), heard: context.now().at };
	context.rooms.addSession({ room, occupant, session });
	void context.store.save(storedForm(room, occupant.nick, session));
	context.entered(person.id, { jid: address, name: room.facts.name, nick: occupant.nick });
}

/**
 * Makes the Matrix room of a locked one (XEP-0045 §10.1.2 and §10.1.3). Resolves with the refusal, if it could not be
 * entered. @throws PermanentError, TemporaryError: the room is locked as before
 */
export async function finish(
	locked: LockedRoom,
	{ settings, own, notes }: Changes,
	joins: Pick<Joins, "bringIn">,
	context: HostedContext,
): Promise<Refusal | undefined> {
	const { person, alias, seed, address, jid } = locked;
	locked.state = "making";
	/** The client may leave meanwhile. */
	const hasLeft = () => locked.state === "left";
	try {
		const wanted = { address, alias, person, seed, settings: { ...usual, ...settings }, own };
		const goal = await make(wanted, context);
		const refusal = await joins.bringIn(goal, person, { jid, address }, (room) => {
			carryOver(locked, room, context);
			const joined = context.rooms.joinedAs({ jid, address });
			if (joined) tell(joined.session, notes, context);
			return undefined;
		});
		if (refusal) context.locked.remove(locked);
		return refusal;
	} catch (error) {
		if (hasLeft()) context.locked.remove(locked);
		else locked.state = "open";
		throw error;
	}
}
