import { PermanentError, TemporaryError, unsent } from "../../core/errors.ts";
import { outboundItem } from "../../core/guard.ts";
import type { MessageId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { Late, within } from "../deadline.ts";
import type { Sayable } from "../message/feature.ts";
import { markable } from "../message/markers.ts";
import { spokenBy } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { neutral, type StanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { endBar } from "./bars.ts";
import { NotReflected } from "./confirmations.ts";
import type { Context } from "./context.ts";
import { enter, rename } from "./join.ts";
import { isAway, NoPlace, NotMember } from "./join-refusals.ts";
import { isIn, type OwnOccupant, putOut, want } from "./own-occupants.ts";
import { participantsOf } from "./participants.ts";
import { recheck } from "./recheck.ts";
import { findInDoubt } from "./resend-check.ts";
import type { Room } from "./room.ts";
import { inTurn, noteConfirmed, noteFailure } from "./send-queue.ts";
import { wantsMarkers } from "./signals.ts";
import { operationOf } from "./signed-ids.ts";
import { chooseSpeaker, joinWithin, requireListener } from "./speaker.ts";

/** Sends lines of our people into MUCs, and has their occupants come and be renamed in the order of those lines. */

/** Time, in ms, after the listener joined in which the MUC may still put out occupants that it lost before. */
const unsureFor = 10_000;

type Ids = readonly MessageId[];

/**
 * Sends a line as `ours`, in its turn: any event that is written as a stanza, such as a message, an edit or a reaction.
 * Resolves with the ids that the line has in the MUC; with none where the event leaves nothing to send. @throws TemporaryError while the line is unsent or in doubt, PermanentError with the refusal.
 */
export async function say(
	room: Room,
	ours: OwnOccupant,
	out: Outbound,
	event: Sayable,
	context: Context,
): Promise<Ids> {
	const { operation } = out;
	const { confirmations } = context;
	// The ids name the occupant that wrote the line, too: it alone may edit or delete it later, be it the listener or `ours`.
	const withWriter = (ids: Ids) => [...ids, spokenBy(operation, confirmations.writer(operation) ?? ours.jid)];
	const seen = confirmations.reflected(operation);
	if (seen) return withWriter(seen);
	const doubt = out.attempt > 0 ? findInDoubt(room, out, context) : undefined;
	doubt?.catch(() => undefined);
	let comes = !isIn(ours);
	const speaker = chooseSpeaker(room, ours, context);
	// The promise may reject before the line's turn comes to await it.
	speaker.catch(() => undefined);
	let reflection: Promise<Ids> | undefined;
	const { failures } = room.sendQueue;
	const turn = inTurn(room.sendQueue, async () => {
		const there = await doubt;
		if (there) {
			reflection = Promise.resolve(there);
			return;
		}
		let from = await speaker;
		if (!isIn(from)) {
			// The MUC put the speaker out while the line waited for its turn.
			comes = true;
			from = await chooseSpeaker(room, ours, context);
		}
		// The MUC may be about to put out an earlier speaker and keep this one. Their lines must be settled first.
		const unsure = context.now().at - room.listening.joinedAt < unsureFor;
		if (from === ours && (comes || unsure)) await confirmations.othersSettled(room, from);
		// An earlier line failed while this one waited, and must be sent before it.
		if (room.sendQueue.failures !== failures) throw new TemporaryError("a line before it was not taken");
		const stanza = groupchat(room, from, ours, out, event, context);
		if (!stanza) return;
		reflection = confirmations.expect(room, from, operation, (error) => {
			noteFailure(room.sendQueue, error);
			if (error instanceof NotReflected) recheck(room, context);
		});
		reflection.catch(() => undefined);
		try {
			await context.link.send(stanza);
		} catch (error) {
			confirmations.reject(operation, error as Error);
			throw error;
		}
		// Until a line is confirmed, none is sent behind it: the MUC may come back between the two.
		if (!room.sendQueue.unproven) return;
		await reflection;
		noteConfirmed(room.sendQueue);
	});
	await turn.catch((error: unknown) => {
		throw reflection === undefined ? unsent(error) : error;
	});
	return reflection === undefined ? [] : withWriter(await (reflection as Promise<Ids>));
}

/** Returns the stanza for an event; undefined where the event leaves nothing to send. */
function groupchat(
	room: Room,
	from: OwnOccupant,
	ours: OwnOccupant,
	out: Outbound,
	event: Sayable,
	context: Context,
): Element | undefined {
	const { operation, passed, refs, shown, reactions } = out;
	const said = from === ours ? event : to.relayed(event, ours.name, shown);
	if (!said) return undefined;
	const where = { ...participantsOf(room), refs, shown, reactions, passed, component: context.component };
	const id = context.signedIds().of(operation, room.jid, from.nick);
	// A fault in the translator concerns this line alone: it is thrown before the line counts as sent.
	return context.guard.handle(outboundItem(out), () => {
		const content = to.draft(said, where);
		const marked = content.body !== undefined && wantsMarkers(room, context);
		const parts = marked ? [...content.parts, markable()] : content.parts;
		return to.groupchat(from.jid, room.jid, id, { ...content, parts });
	});
}

/**
 * Has a person join the MUC. If it has no place for them, their occupant joins when they first speak; if it is for members
 * and they are none, the listener speaks for them. A join that their leave ends counts as done.
 */
export async function come(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	let entering = Promise.resolve();
	await inTurn(room.sendQueue, async () => {
		await requireListener(room, context, true);
		want(ours);
		endBar(room, ours, context);
		entering = enter(room, ours, context);
		entering.catch(() => undefined);
	});
	try {
		await within(joinWithin, entering);
	} catch (error) {
		// Their leave ended the join: a retry would bring an occupant back that nothing takes out again.
		if (error instanceof TemporaryError && !ours.wanted && !room.closed) return;
		const relayed = error instanceof NotMember && isIn(room.listener);
		if (!relayed && !(error instanceof NoPlace) && !(error instanceof Late)) throw error;
	}
}

/** Gives an occupant the nick of its person's new name. It keeps the old nick where the MUC takes no form of the new one. */
export async function renameInTurn(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	await inTurn(room.sendQueue, async () => {
		try {
			await within(joinWithin, rename(room, ours, context));
		} catch (error) {
			if (!(error instanceof NoPlace) && !(error instanceof Late)) throw error;
			context.log.info({ err: error, room: room.jid, ours: ours.jid }, "an own occupant keeps its old nick");
		}
	});
}

/** Takes the MUC's refusal of a line of `ours`. Returns false where no line waits for it. */
export function takeRefusal(
	room: Room,
	ours: OwnOccupant,
	stanza: Element,
	error: StanzaError,
	context: Context,
): boolean {
	const operation = operationOf(stanza.attrs.id ?? "");
	if (!context.confirmations.waits(operation, room)) return false;
	const cause = { cause: error };
	const reject = (why: Error) => context.confirmations.reject(operation, why);
	// XEP-0045 §7.4: not-acceptable says that we are no occupant any more; item-not-found, that the MUC is gone.
	if (error.condition === "not-acceptable" || error.condition === "item-not-found") {
		putOut(room.ours, ours);
		reject(new TemporaryError(error.message, cause));
		recheck(room, context);
	} else if (isAway(error)) reject(new TemporaryError(error.message, cause));
	else if (error.condition === "forbidden")
		reject(new PermanentError("forbidden", phrases.mucNoVoice(room.jid), cause));
	else reject(neutral(error));
	return true;
}
