import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { nameOf, oneLine } from "../../core/names.ts";
import type { Person } from "../../core/person.ts";
import { bare, local } from "../jid.ts";
import { direct } from "../muc/invite-stanzas.ts";
import { mucUser } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { neutral, stanzaError } from "../stanza-error.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { notice } from "./notice.ts";
import { isIn } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Invitations of XMPP people into somebody's MUC, which people of another network ask for (XEP-0045 §7.8). */

const answerWithin = 10_000;
/** Characters of the reason of a declined invitation that the portal reads. */
const longestReason = 300;

const mayNot: ReadonlySet<string> = new Set(["forbidden", "not-allowed", "not-authorized"]);
const keyOf = (room: Room, jid: string) => `${room.jid} ${jid}`;

/** Returns the request that the MUC invite an account. // XEP-0045 §7.8.2 */
const mediated = (room: Room, from: string, jid: string, id: string, reason: string | undefined): Element =>
	xml(
		"message",
		{ from, to: room.jid, id },
		xml("x", { xmlns: mucUser }, xml("invite", { to: jid }, reason && xml("reason", {}, reason))),
	);

/** Returns the invitation that goes to the account itself. // XEP-0249 */
const unmediated = (room: Room, from: string, jid: string, reason: string | undefined): Element =>
	xml("message", { from, to: jid }, xml("x", { xmlns: direct, jid: room.jid, reason }));

/**
 * Has the MUC invite an account, as the occupant of the inviter's `ghost`, a full JID, or as the listener where that one is
 * out. @throws PermanentError with the reason, also of a bar of the inviter; TemporaryError
 */
export async function invite(
	room: Room,
	ghost: string,
	{ address: [jid = "", nick] }: Pick<Person, "address">,
	reason: string | undefined,
	context: Context,
): Promise<void> {
	if (nick !== undefined) throw new PermanentError("invalid", phrases.mucInvitesAccounts);
	const isThere = [...room.roster.others.values()].some(({ person }) => person.handles.includes(jid));
	if (isThere) throw new PermanentError("invalid", phrases.isInMuc(room.jid));
	const ours = room.ours.byJid.get(ghost);
	if (ours?.barred) throw ours.barred;
	const from = ours && isIn(ours) ? ours : room.listener;
	if (!isIn(from)) {
		// The active listener may be another person's ghost, which must not invite for this one.
		if (isIn(room.listening.active)) throw new PermanentError("forbidden", phrases.mucMayNotInvite(room.jid));
		throw new TemporaryError(phrases.mucNotInYet(room.jid));
	}
	const { link, now, invitations } = context;
	const { underWay, invited } = invitations;
	const id = now().unique();
	underWay.set(id, undefined);
	try {
		await link.send(mediated(room, from.jid, jid, id, reason));
		// A MUC does not answer an invitation that it takes. Its refusal comes before the answer to this query.
		await link.iq(to.discoInfo(from.jid, room.jid), answerWithin).catch((error: unknown) => {
			invited.set(keyOf(room, jid), true);
			// The invitation may have arrived, and a temporary error would have it repeated.
			throw new PermanentError("failed", phrases.mucNotAnswering(room.jid), { cause: error });
		});
		const refusal = underWay.get(id);
		if (refusal && !mayNot.has(refusal.condition)) throw neutral(refusal);
		if (refusal && (room.features.membersOnly || room.password !== undefined))
			throw new PermanentError("forbidden", phrases.mucMayNotInvite(room.jid), { cause: refusal });
		// Everybody may tell others of a MUC that everybody may enter.
		if (refusal) await link.send(unmediated(room, bare(ghost), jid, reason));
	} finally {
		underWay.delete(id);
	}
	invited.set(keyOf(room, jid), true);
}

/** Takes the refusal of an invitation; returns false for any other error. */
export function takeInviteError(stanza: Element, { invitations: { underWay } }: Context): boolean {
	const { id = "" } = stanza.attrs;
	if (!underWay.has(id)) return false;
	underWay.set(id, stanzaError(stanza));
	return true;
}

/** Takes the message that an invited account declines, which the portal reads; returns false for any other. */
export function takeDecline(room: Room, stanza: Element, { invitations, tell, now }: Context): boolean {
	const x = stanza.attrs.from === room.jid ? child(stanza, "x", mucUser) : undefined;
	const decline = x && child(x, "decline");
	if (!decline) return false;
	const jid = bare(decline.attrs.from ?? "");
	// Anybody else has no invitation to decline.
	if (!invitations.invited.delete(keyOf(room, jid))) return true;
	const reason = oneLine(text(decline, "reason") ?? "", longestReason);
	tell([notice(room, phrases.invitationDeclined(nameOf(local(jid) ?? jid), reason), now())]);
	return true;
}
