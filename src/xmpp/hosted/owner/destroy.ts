import type { Person } from "../../../core/person.ts";
import { bare, prepared } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Element, text } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { closeRoom } from "../leaving.ts";
import type { Happening } from "../presences.ts";
import { readSource } from "../read-source.ts";
import type { Place } from "../returns.ts";
import type { Owned } from "./owned.ts";

/** Returns the reason of an owner's request, and the other room with its password. */
function asked(request: Element): NonNullable<Happening["destroy"]> {
	const { jid } = request.attrs;
	const [reason, password] = [text(request, "reason"), text(request, "password")];
	return {
		...(jid && { alternate: prepared(bare(jid)) }),
		...(password && { password }),
		...(reason && { reason }),
	};
}

/**
 * Ends a room that was made from XMPP (XEP-0045 §10.9). Its addresses are free at once. @throws StanzaError not-allowed for
 * any other room; PermanentError, TemporaryError
 */
export async function destroy(owned: Owned, request: Element, context: HostedContext): Promise<void> {
	if (!owned.facts.made) throw new StanzaError("not-allowed", "cancel", phrases.hostedNotMadeHere);
	await endRoom(owned, asked(request), context);
}

/**
 * Ends a temporary room if nobody of XMPP is there, in the name of the last person who was. Any other room stays.
 * @throws PermanentError, TemporaryError
 */
export async function endTemporaryRoom(
	{ source, view }: Pick<Place, "source" | "view">,
	by: Person,
	context: HostedContext,
): Promise<void> {
	const { temporary } = context.rooms.get(view)?.own ?? (await context.settings.of(view));
	if (!temporary) return;
	const facts = context.rooms.get(view)?.facts ?? (await readSource(source, context))?.facts;
	const room = context.rooms.get(view);
	if (facts?.made && !room?.sessions.size) await endRoom({ by, view, facts, room }, {}, context);
}

/** Ends a room that was made from XMPP. @throws PermanentError, TemporaryError */
export async function endRoom(
	{ by, view, facts, room }: Owned,
	what: NonNullable<Happening["destroy"]>,
	context: HostedContext,
): Promise<void> {
	const { views } = context.bridge();
	// First, so that a kill of the bridge leaves no alias that leads to a room which is no more.
	const forgotten = await context.aliases.forget(facts.id);
	try {
		await views.source(context.of).destroy(facts.room, by, what.reason);
	} catch (error) {
		for (const address of forgotten) await context.aliases.note(address, facts.id);
		throw error;
	}
	if (room) closeRoom(room, what, context);
	await context.settings.save(view, {});
	context.records.forget(view);
	await views.close(context.of, facts.room, view);
}
