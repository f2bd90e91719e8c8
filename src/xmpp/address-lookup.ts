import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { RoomId } from "../core/ids.ts";
import type { RoomInfo } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { account } from "./from-xmpp.ts";
import { split } from "./jid.ts";
import { discoverRoom } from "./muc/discovery.ts";
import * as phrases from "./phrases.ts";
import { neutral, StanzaError } from "./stanza-error.ts";
import type { Component } from "./stream/component.ts";
import { child } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";

/** Finds accounts and MUCs by their JIDs. */

const lookWithin = 10_000;

/** The MUC asks for a password. */
export class NeedsPassword extends PermanentError {
	readonly info: RoomInfo;
	constructor(info: RoomInfo) {
		super("forbidden", phrases.mucPassword(info.room));
		this.info = info;
	}
}

/** Resolves with the account at a JID. Servers do not tell whether it exists. @throws PermanentError where it is a MUC */
export async function findAccount(
	jid: string,
	link: Pick<Component, "iq" | "online">,
	component: string,
): Promise<Person | undefined> {
	try {
		const answer = await link.iq(to.discoInfo(component, jid), lookWithin);
		const identities = child(answer, "query")?.getChildren("identity") ?? [];
		if (identities.some((one) => one.attrs.category === "conference"))
			throw new PermanentError("not-found", phrases.jidOfMuc(jid));
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
	const { name, topic, shows } = features ?? {};
	const info = {
		room: room as RoomId,
		address: [room],
		name: name ?? split(room).local ?? room,
		...(topic !== undefined && { topic }),
		...(shows !== undefined && { shows }),
	};
	if (features?.password) throw new NeedsPassword(info);
	return info;
}

const isUnreachable = (error: unknown) =>
	error instanceof StanzaError && error.condition.startsWith("remote-server-");
