import { PermanentError } from "../../core/errors.ts";
import type { Context } from "./context.ts";
import { enter, leave } from "./join.ts";
import { Banned, NoPlace, NotMember } from "./join-refusals.ts";
import { listenThrough } from "./listening.ts";
import { addListener, isIn, type OwnOccupant, putOut, unwant, want } from "./own-occupants.ts";
import { type Room, setFeatures, setListener } from "./room.ts";
import { beginJoinRoster, dropJoinRoster } from "./roster.ts";

/** Ghosts that one attempt tries one after the other. */
const ghostsTried = 3;

/**
 * Has a listener of ours join as the active listener: in an open MUC the one under a JID of its own, in a MUC for members
 * only the one under the stated JID, else the former, which somebody may have let in as well. A ghost joins where the MUC
 * has no place for a listener or refuses it.
 * @throws the first refusal where the MUC lets none of them in, TemporaryError where it is out of reach.
 */
export async function chooseListener(room: Room, context: Context): Promise<void> {
	const { own, stated } = room.listeners;
	let refused: unknown;
	const enters = async (ours: OwnOccupant): Promise<boolean> => {
		try {
			if (ours.barred) throw ours.barred;
			await listen(room, ours, context);
			return true;
		} catch (error) {
			const refuses =
				error instanceof NoPlace || (error instanceof PermanentError && error.reason === "forbidden");
			// XEP-0045 §9.1: who bans the listener wants the bridge no more, so none of its other occupants takes over.
			if (!refuses || (error instanceof Banned && !ours.person)) throw error;
			refused ??= error;
			return false;
		}
	};
	const silent = async (ours: OwnOccupant): Promise<boolean> => {
		await useListener(room, ours, context);
		return enters(ours);
	};
	if (room.features.membersOnly && (await silent(stated))) return;
	if (await silent(own)) return;
	// The MUC hides its settings from strangers, or they changed since they were read.
	if (!room.features.membersOnly && refused instanceof NotMember) {
		setFeatures(room, { ...room.features, membersOnly: true });
		if (await silent(stated)) return;
	}
	// The ghost that listens in its place relays nobody's lines: the listener may be let in meanwhile.
	await useListener(room, room.features.membersOnly ? stated : own, context);
	const ghosts = [...room.ours.byJid.values()].filter((ours) => ours.person && ours.wanted && !ours.barred);
	for (const ours of ghosts.slice(0, ghostsTried)) if (await enters(ours)) return;
	listenThrough(room.listening, room.listener);
	throw refused;
}

async function listen(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	await resetStay(room, ours);
	listenThrough(room.listening, ours);
	beginJoinRoster(room.roster);
	try {
		await enter(room, ours, context);
	} finally {
		dropJoinRoster(room.roster);
	}
}

/** Makes `one` the listener of the MUC. The other one leaves, if it is there. */
async function useListener(room: Room, one: OwnOccupant, context: Context): Promise<void> {
	const before = room.listener;
	addListener(room.ours, one);
	setListener(room, one);
	want(one);
	if (before === one) return;
	unwant(before);
	if (isIn(before)) await leave(room, before, context);
}

/** Has an occupant join again that joined while another one listened: it was told neither the roster nor the history. */
async function resetStay(room: Room, ours: OwnOccupant): Promise<void> {
	await ours.entering?.catch(() => undefined);
	if (isIn(ours)) putOut(room.ours, ours);
}
