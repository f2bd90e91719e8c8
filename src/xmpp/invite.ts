import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { nameOf, oneLine } from "../core/names.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { account, xmppNetwork } from "./from-xmpp.ts";
import { bare, local, resource } from "./jid.ts";
import { direct } from "./muc/invite-stanzas.ts";
import { mucUser } from "./muc/status-codes.ts";
import * as phrases from "./phrases.ts";
import { errorReply } from "./stanza-error.ts";
import { child, type Element, text, xml } from "./stream/xml.ts";

/** Invitations of people of other networks into the MUCs of others. */

/** Characters of a reason that the invited person reads. */
const longestReason = 300;

/** An invitation into a MUC as its stanza has it. `by`: the JID of the inviter, as the MUC shows it. */
type Invitation = Readonly<{
	muc: string;
	by: string;
	mediated: boolean;
	reason: string | undefined;
	password: string | undefined;
}>;

/** Returns the invitation in a message, which the MUC sends (XEP-0045 §7.8.2) or the inviter (XEP-0249); undefined without one. */
export function invitationIn(stanza: Element): Invitation | undefined {
	const { from = "", type } = stanza.attrs;
	if (stanza.name !== "message" || type === "error" || type === "groupchat") return undefined;
	const x = child(stanza, "x", mucUser);
	const invite = x && child(x, "invite");
	if (invite) {
		const [reason, password] = [text(invite, "reason"), text(x, "password")];
		return { muc: bare(from), by: invite.attrs.from || from, mediated: true, reason, password };
	}
	const { jid, reason, password } = child(stanza, "x", direct)?.attrs ?? {};
	return jid === undefined ? undefined : { muc: bare(jid), by: from, mediated: false, reason, password };
}

/** Returns the name of an inviter: the nick of an occupant, else the first part of the address. */
const inviterName = ({ by, muc }: Invitation): string =>
	nameOf((bare(by) === muc ? resource(by) : local(by)) ?? "") || by;

/** Returns the answer by which the person declines an invitation, with the reason. */
function declined(stanza: Element, { mediated, by }: Invitation, why: string): Element {
	const { from, to } = stanza.attrs;
	// XEP-0249 has no decline, so the inviter gets an error that says why.
	if (!mediated) return errorReply(stanza, "cancel", "not-acceptable", why);
	// XEP-0045 §7.8.2: a decline goes to the MUC, which passes it on to the inviter.
	const decline = xml("decline", { to: by }, xml("reason", {}, why));
	return xml("message", { from: to, to: from }, xml("x", { xmlns: mucUser }, decline));
}

/** Creates the function that takes an invitation of a ghost. It resolves with the answer that declines it, if it cannot be passed on, and never rejects. */
export function createInvitations(deps: {
	bridge(): Pick<Bridge, "allows" | "bringIn">;
	/** Returns the person of the ghost at a JID; undefined where it has none. @throws TemporaryError, PermanentError */
	who(ghost: string): Promise<Person | undefined>;
	/** True for the JIDs of the bot. */
	isBot(jid: string): boolean;
	log: Log;
}) {
	const { bridge, who, isBot, log } = deps;

	/** @throws PermanentError with the reason, TemporaryError */
	async function passOn(stanza: Element, invitation: Invitation): Promise<void> {
		const { muc, by, reason, password } = invitation;
		const { from = "", to = "" } = stanza.attrs;
		const person = isBot(to) ? undefined : await who(bare(to));
		if (!person) throw new PermanentError("not-found", phrases.noInvitations);
		// A MUC may name anybody as the inviter: the block is for that one, the limits are for the sender of the stanza.
		if (bare(by) !== muc && !bridge().allows(account(by), "use"))
			throw new PermanentError("forbidden", phrases.blocked);
		await bridge().bringIn(person, account(from), {
			network: xmppNetwork,
			address: [muc],
			password: password || undefined,
			words: phrases.invitedBy(inviterName(invitation), muc, oneLine(reason ?? "", longestReason)),
		});
	}

	return async (stanza: Element, invitation: Invitation): Promise<Element | undefined> => {
		try {
			await passOn(stanza, invitation);
			return undefined;
		} catch (error) {
			if (error instanceof PermanentError) return declined(stanza, invitation, error.message);
			if (!(error instanceof TemporaryError))
				log.error({ err: error }, "an invitation could not be passed on");
			return declined(stanza, invitation, phrases.notReachable);
		}
	};
}
