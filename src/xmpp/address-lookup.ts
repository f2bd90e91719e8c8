import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { RoomId } from "../core/ids.ts";
import type { RoomInfo } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { account } from "./from-xmpp.ts";
import { bare, split } from "./jid.ts";
import { discoverRoom } from "./muc/discovery.ts";
import * as phrases from "./phrases.ts";
import { neutral, StanzaError } from "./stanza-error.ts";
import type { Component } from "./stream/component.ts";
import { child } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";

/** Finds accounts and MUCs by the address that a person typed. */

const lookWithin = 10_000;

/**
 * Returns the bare JID in a typed text, which may be an `xmpp:` link (RFC 5122), in lower case, as every server spells
 * accounts and MUCs. @throws PermanentError where the text can be no such address.
 */
export function typedJid(typed: string, component: string): string {
	const [text = ""] = typed
		.trim()
		.replace(/^xmpp:/i, "")
		.toLowerCase()
		.split("?", 1);
	const { local, domain } = split(bare(text));
	const fits = local && domain && !/[\s"&'/:<>@]/u.test(local) && !/[\s@"&'<>]/u.test(domain);
	if (!fits) throw new PermanentError("invalid", phrases.notJid(typed));
	if (domain === component) throw new PermanentError("invalid", phrases.ownJid(typed));
	return bare(text);
}

/** Resolves with the account at a JID; undefined where that is a MUC. Servers do not tell whether an account exists. */
export async function findAccount(
	jid: string,
	link: Pick<Component, "iq" | "online">,
	component: string,
): Promise<Person | undefined> {
	try {
		const answer = await link.iq(to.discoInfo(component, jid), lookWithin);
		const identities = child(answer, "query")?.getChildren("identity") ?? [];
		if (identities.some((one) => one.attrs.category === "conference")) return undefined;
	} catch (error) {
		// No answer while our own link is up: the other server is away.
		const silent = isUnreachable(error) || (error instanceof TemporaryError && link.online);
		if (silent)
			throw new PermanentError("not-found", phrases.noSuchServer(split(jid).domain), { cause: error });
		if (!(error instanceof StanzaError)) throw error;
		// Our own server answers not-allowed for domains that it does not talk to, and service-unavailable for hidden accounts.
		if (error.condition === "not-allowed") throw neutral(error);
	}
	return account(jid);
}

/** Resolves with the name and topic of a MUC. @throws PermanentError with the reason why it cannot be linked. */
export async function findMuc(
	room: string,
	link: Pick<Component, "send" | "iq" | "online">,
	component: string,
): Promise<RoomInfo> {
	const features = await discoverRoom(room, component, link).catch((error: unknown) => {
		if (!(error instanceof TemporaryError) || !link.online) throw error;
		// A person waits for this answer, so it is not retried.
		const why = isUnreachable(error.cause) ? error.message : phrases.mucNotAnswering(room);
		throw new PermanentError("not-found", why, { cause: error });
	});
	if (features?.membersOnly) throw new PermanentError("forbidden", phrases.mucMembersOnly(room));
	if (features?.password) throw new PermanentError("forbidden", phrases.mucPassword(room));
	const { name, topic } = features ?? {};
	return {
		room: room as RoomId,
		name: name ?? split(room).local ?? room,
		...(topic !== undefined && { topic }),
	};
}

const isUnreachable = (error: unknown) =>
	error instanceof StanzaError && error.condition.startsWith("remote-server-");
