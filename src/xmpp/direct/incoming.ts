import { PermanentError } from "../../core/errors.ts";
import type { Guard } from "../../core/guard.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge, Received } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import { fromChat, nowhere, parseMessage, xmppNetwork } from "../from-xmpp.ts";
import { bare, domain, local } from "../jid.ts";
import { heldSince } from "../message/delay.ts";
import * as phrases from "../phrases.ts";
import { errorReply } from "../stanza-error.ts";
import { stanzaItem } from "../stanza-item.ts";
import type { Element } from "../stream/xml.ts";
import type { Bounces } from "./bounces.ts";
import { answersToCall } from "./calls.ts";
import type { FirstContact } from "./first-contact.ts";
import { pairRoom, participantsOf } from "./pair.ts";
import type { Profiles } from "./profiles.ts";

export type IncomingDeps = Readonly<{
	bridge(): Pick<Bridge, "portal" | "cursor" | "cursors" | "saveCursor" | "signal">;
	/** Returns the person of the ghost at a JID; undefined where it has none. @throws TemporaryError, PermanentError */
	who(ghost: string): Promise<Person | undefined>;
	/** Returns the one JID of a person's ghost. */
	ghost(person: Person): string;
	tell(events: readonly Received[]): void;
	now(): { at: number; unique(): string };
	/** The resource of ghosts. */
	resource: string;
	log: Log;
}>;

/** Takes lines of accounts to ghosts in, one at a time. */
export function createIncoming(
	deps: IncomingDeps,
	parts: {
		contact: FirstContact;
		bounces: Bounces;
		guard: Guard;
		/** A client of an account wrote to a ghost in a chat. */
		wrote(room: RoomId, client: string, ghost: string): void;
		profiles: Pick<Profiles, "wrote" | "person">;
	},
) {
	const { log } = deps;
	const { contact, bounces, guard, profiles, wrote } = parts;

	/** Returns what a line says; undefined where that is nothing. The person is needed for mentions of the ghost alone. */
	const read = (stanza: Element, to: Person | undefined) =>
		guard.handle(stanzaItem(stanza), () => {
			const { from = "", to: ghost = "" } = stanza.attrs;
			const author = bare(from);
			const where = to && { ...participantsOf(author, bare(ghost), to), author, opens: () => true };
			return (where && parseMessage(stanza, where)) ?? parseMessage(stanza, nowhere);
		});

	/** Resolves with the person whom a line is for, or with the error that answers it. */
	async function addressee(stanza: Element, ghost: string): Promise<{ person: Person } | Element> {
		try {
			const person = await deps.who(ghost);
			return person ? { person } : errorReply(stanza, "cancel", "item-not-found", phrases.xmppNobody);
		} catch (error) {
			if (error instanceof PermanentError)
				return errorReply(stanza, "cancel", "item-not-found", error.message);
			log.warn({ err: error }, "the ghost of a message could not be looked up");
			return errorReply(stanza, "wait", "remote-server-timeout", phrases.xmppNotLookedUp);
		}
	}

	/** Resolves with what answers the line: an error, or that the ghost declines a call. */
	return async (stanza: Element): Promise<readonly Element[]> => {
		const refusal = await taken(stanza);
		// A call that is held back, as from an archive, does not ring any more.
		if (refusal || heldSince(stanza, domain(stanza.attrs.to ?? "")) !== undefined)
			return refusal ? [refusal] : [];
		return answersToCall(stanza, deps.resource, deps.now().unique());
	};

	/** Takes a line in. Resolves with the error that answers it, if any. */
	async function taken(stanza: Element): Promise<Element | undefined> {
		const { from = "", to = "" } = stanza.attrs;
		const portal = await deps.bridge().portal(xmppNetwork, pairRoom(from, to));
		const known = portal?.between?.find((one) => one.network !== xmppNetwork);
		// The line is read before the ghost is looked up, which costs the other network a request.
		const first = read(stanza, known);
		if (!first) return undefined;
		if (first.unreadable) return errorReply(stanza, "modify", "not-acceptable", phrases.encryptedRefused);
		if (local(from) === undefined) return errorReply(stanza, "cancel", "service-unavailable");
		const found = known ? { person: known } : await addressee(stanza, bare(to));
		if (!("person" in found)) return found;
		const { person } = found;
		// A ghost's address has several spellings; the chat has one room, named by one of them.
		const room = pairRoom(from, deps.ghost(person));
		bounces.wrote(from);
		wrote(room, from, bare(to));
		contact.reach(room);
		const { at: now, unique } = deps.now();
		const at = Math.min(now, heldSince(stanza, domain(to)) ?? now);
		const says = known ? first : (read(stanza, person) ?? first);
		profiles.wrote(stanza, room);
		const event = fromChat(stanza, says, { room, to: person, at, missing: unique() });
		deps.tell([{ ...event, sender: profiles.person(from) }]);
		return undefined;
	}
}
