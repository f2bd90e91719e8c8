import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { domain } from "../jid.ts";
import { goneBy } from "../muc/gone.ts";
import * as phrases from "../phrases.ts";
import { neutral, type StanzaError } from "../stanza-error.ts";

/** The MUC has no place, or no nick, for one more occupant: its person's lines can go through the listener. */
export class NoPlace extends TemporaryError {}

/** The MUC is for members only, and the occupant is none: its person's lines can go through the listener, if that is one. */
export class NotMember extends PermanentError {}

/** The MUC has banned the occupant. */
export class Banned extends PermanentError {}

/** Returns whether a MUC that is known to exist, or its server, is down or out of reach for now. */
export const isAway = ({ condition }: StanzaError): boolean =>
	condition.startsWith("remote-server-") ||
	condition === "service-unavailable" ||
	condition === "internal-server-error";

/**
 * Returns the reason why a MUC refuses a join (XEP-0045 §7.2). `stated`: the bare JID that the admins of members-only MUCs
 * let in.
 */
export function joinRefusal(
	room: string,
	error: StanzaError,
	stated: string,
): TemporaryError | PermanentError {
	const cause = { cause: error };
	switch (error.condition) {
		case "forbidden":
			// The words of ejabberd's mod_muc, in the language that most servers keep.
			if (error.text === "Access denied by service policy")
				return new PermanentError("forbidden", phrases.mucNoAccess(domain(room), domain(stated)), cause);
			return new Banned("forbidden", phrases.mucBanned(room), cause);
		case "registration-required":
			return new NotMember("forbidden", phrases.mucMembersOnly(room, stated), cause);
		case "not-authorized":
			return new PermanentError("forbidden", phrases.mucPassword(room), cause);
		case "item-not-found":
			return new PermanentError("not-found", phrases.noSuchMuc(room), cause);
		case "gone":
			return goneBy(room, error);
		case "jid-malformed":
			return new NoPlace(phrases.mucNoNick(room), cause);
		// XEP-0045 §7.2.9 says service-unavailable. ejabberd says resource-constraint, also for its limit of MUCs per JID.
		case "service-unavailable":
		case "resource-constraint":
			if (error.text === "You have joined too many conferences")
				return new NoPlace(phrases.mucTooMany(room, stated), cause);
			return new NoPlace(phrases.mucFull(room), cause);
		default:
			return isAway(error) ? new TemporaryError(error.message, cause) : neutral(error);
	}
}
