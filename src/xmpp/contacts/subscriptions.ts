import type { RoomId } from "../../core/ids.ts";
import { createRateLimit } from "../../core/limits.ts";
import type { Person } from "../../core/person.ts";
import { pairOf, pairRoom } from "../direct/pair.ts";
import { bare, domain } from "../jid.ts";
import type { Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { ShownPresences } from "./shown.ts";
import type { ContactStore } from "./store.ts";

/** Changes of contacts that the accounts of one domain may cause: each is a write to the disk. */
const changes = { perMinute: 120, burst: 1_000 };
/** Requests of one ghost to one account beyond the first: a bridge on the other side may answer each with one of its own. */
const repeats = { perMinute: 1 / 60, burst: 1 };

/**
 * Answers the subscription stanzas of accounts to ghosts (RFC 6121 §3). A ghost grants a subscription to all who may write
 * to its person, and asks for one of its own in return, so that the person sees the account, too.
 */
export function createSubscriptions(deps: {
	contacts: ContactStore;
	shown: ShownPresences;
	resource: string;
	/** Returns the person of the ghost at a JID; undefined where it has none. @throws TemporaryError, PermanentError */
	who(ghost: string): Promise<Person | undefined>;
	/** Resolves with true if the account at a bare JID may write to the person. */
	mayReach(account: string, person: Person): Promise<boolean>;
	/** True for the room of a chat of two: only there anybody sees a presence. */
	isChat(pair: RoomId): boolean;
	/** The account let the ghost see it, or refused to. */
	answered(pair: RoomId, granted: boolean): void;
}) {
	const { contacts, shown, resource, isChat } = deps;
	const mayChange = createRateLimit(changes);
	const mayAskAgain = createRateLimit(repeats);

	async function reached({ attrs: { from = "", to: ghost = "" } }: Element): Promise<Person | undefined> {
		const person = await deps.who(bare(ghost));
		return person && (await deps.mayReach(bare(from), person)) ? person : undefined;
	}

	async function subscribe(stanza: Element, pair: RoomId): Promise<readonly Element[]> {
		const [account, ghost] = pairOf(pair);
		const person = await reached(stanza);
		if (!person) return [to.presence(ghost, account, "unsubscribed")];
		const granted = to.presence(ghost, account, "subscribed", person.name);
		if (!mayChange(domain(account))) return [granted];
		const { sees, ours } = contacts.get(pair);
		// An account that subscribes anew wants the contact again, whatever it refused before. One that already had it may have
		// been made anew: its server answers a request that it knows by itself.
		const asks = ours === undefined || (ours === "refused" ? !sees : mayAskAgain(pair));
		contacts.change(pair, { sees: true, name: undefined, ...(asks && { ours: "asked" }) });
		return [
			granted,
			...(isChat(pair) ? [await shown.answer(pair, account)] : []),
			...(asks ? [to.presence(ghost, account, "subscribe", person.name)] : []),
		];
	}

	async function probe(stanza: Element, pair: RoomId): Promise<readonly Element[]> {
		const { from = "" } = stanza.attrs;
		const [account, ghost] = pairOf(pair);
		// RFC 6121 §4.3.2: an account that does not exist has no subscribers. One without a resource is unavailable.
		if (!(await reached(stanza))) return [to.presence(ghost, from, "unsubscribed")];
		// A server probes for subscribers alone, so one that we have forgotten is known again.
		if (!contacts.get(pair).sees && mayChange(domain(account))) contacts.change(pair, { sees: true });
		return [isChat(pair) ? await shown.answer(pair, from) : to.presence(ghost, from, "unavailable")];
	}

	return {
		/** Resolves with the answers to a subscription stanza. @throws core's errors */
		async answers(stanza: Element): Promise<readonly Element[]> {
			const { from = "", to: address = "", type } = stanza.attrs;
			const pair = pairRoom(from, address);
			const [account, ghost] = pairOf(pair);
			const { sees, ours } = contacts.get(pair);
			switch (type) {
				case "subscribe":
					return subscribe(stanza, pair);
				case "probe":
					return probe(stanza, pair);
				case "unsubscribe":
					shown.end(pair);
					if (sees) contacts.change(pair, { sees: undefined });
					return [
						to.presence(`${ghost}/${resource}`, account, "unavailable"),
						to.presence(ghost, account, "unsubscribed"),
					];
				case "subscribed":
					// RFC 6121 §3.1.6: an approval that nobody asked for changes nothing.
					if (ours !== "asked") return [];
					contacts.change(pair, { ours: "granted" });
					deps.answered(pair, true);
					return [];
				case "unsubscribed":
					if (ours !== "asked" && ours !== "granted") return [];
					contacts.change(pair, { ours: "refused" });
					if (ours === "asked") deps.answered(pair, false);
					return [];
				default:
					return [];
			}
		},
	};
}
