import { PermanentError } from "../../core/errors.ts";
import type { NetworkName } from "../../core/ids.ts";
import { createRateLimit } from "../../core/limits.ts";
import type { Bridge } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import { account } from "../from-xmpp.ts";
import { roomJid } from "../hosted/addresses.ts";
import type { Aliases } from "../hosted/aliases.ts";
import { bare, domain } from "../jid.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import { createPublicRooms, type ReadPage } from "./public-rooms.ts";
import { createRoomSearch, type FoundRoom } from "./room-search.ts";

/** Pages of the public rooms that the people of one domain may read: each asks the homeserver. */
const pages = { perMinute: 300, burst: 300 };
/** Searches for rooms by the people of one domain: an answer that is kept is filtered and sorted for each. */
const searches = { perMinute: 600, burst: 300 };
/** Searches for people, and typed addresses, of one account, and of the people of one domain. */
const ofAccount = { perMinute: 20, burst: 20 };
const ofDomain = { perMinute: 120, burst: 120 };

const crowded = () => new StanzaError("resource-constraint", "wait", phrases.xmppCrowded);

/** A person of another network, with the bare JID of their ghost. */
export type FoundPerson = Readonly<{ jid: string; name: string }>;

/**
 * The ways to find people and rooms of another network. `from` is the JID that asks. All
 * throw StanzaError above a rate, and core's errors.
 */
export type Finding = Readonly<{
	/** Resolves with the content of the answer to disco#items of the component. */
	publicRooms(query: Element, from: string): Promise<readonly Element[]>;
	/** Resolves with the public rooms that have this word in their name, address or topic; undefined: all. */
	rooms(word: string | undefined, from: string): Promise<readonly FoundRoom[]>;
	/** Resolves with the people whose names or addresses have these words, and to whom the account may write. */
	people(words: string, from: string): Promise<readonly FoundPerson[]>;
	/** Resolves with the JID of the person or room at an address as their own network spells it. */
	jid(typed: string, from: string): Promise<string>;
}>;

/** Finds people and rooms of the network `of`, within the policy and the rates. */
export function createFinding(deps: {
	bridge(): Pick<Bridge, "findPerson" | "mayReach" | "searchPeople"> & {
		views: Pick<Bridge["views"], "look" | "source">;
	};
	/** The domain of our component. */
	component: string;
	/** The addresses of rooms. */
	aliases: Pick<Aliases, "of">;
	of: NetworkName;
	/** Returns the bare JID of the ghost of a person of another network. */
	ghost(person: Pick<Person, "network" | "address">): string;
}): Finding {
	const { bridge, component, aliases, of, ghost } = deps;
	const mayRead = createRateLimit(pages);
	const maySearch = createRateLimit(searches);
	const mayAsk = { account: createRateLimit(ofAccount), domain: createRateLimit(ofDomain) };

	const listed: ReadPage = async (from, ...page) => {
		if (!mayRead(domain(from))) throw crowded();
		return bridge()
			.views.source(of)
			.listed(...page);
	};
	/** Counts one more question of the account. */
	function asks(from: string): Person {
		if (!mayAsk.account(bare(from)) || !mayAsk.domain(domain(from))) throw crowded();
		return account(bare(from));
	}

	async function personJid(typed: string, by: Person): Promise<string> {
		const found = await bridge()
			.findPerson(of, [typed])
			.catch((error: unknown) => {
				if (!(error instanceof PermanentError)) throw error;
				throw new StanzaError("not-acceptable", "modify", error.message);
			});
		if (!found) throw new StanzaError("item-not-found", "cancel", phrases.xmppNobody);
		if (!(await bridge().mayReach(by, found)))
			throw new StanzaError("not-allowed", "cancel", phrases.onlyKnown);
		return ghost(found);
	}

	const searchRooms = createRoomSearch({ listed, aliases });

	return {
		publicRooms: createPublicRooms({ listed, aliases }),
		async rooms(word, from) {
			if (!maySearch(domain(from))) throw crowded();
			return searchRooms(word, from);
		},
		async people(words, from) {
			const found = await bridge()
				.searchPeople(of, words, asks(from))
				.catch((error: unknown) => {
					if (!(error instanceof PermanentError)) throw error;
					// A search that fails has not found that there is nobody.
					throw error.reason === "busy"
						? new StanzaError("resource-constraint", "wait", error.message)
						: new StanzaError("service-unavailable", "cancel", error.message);
				});
			return found.map((one) => ({ jid: ghost(one), name: one.name ?? one.address[0] ?? "" }));
		},
		async jid(typed, from) {
			const by = asks(from);
			const room = bridge().views.source(of).typed(typed);
			if (!room) return personJid(typed, by);
			const looked = await bridge().views.look(of, room, by);
			switch (looked.kind) {
				case "room":
					return roomJid(room, component);
				case "linked":
					return looked.to;
				case "refused":
					throw looked.why === "unknown"
						? new StanzaError("item-not-found", "cancel", looked.text)
						: new StanzaError("not-allowed", "cancel", looked.text);
				default:
					return looked satisfies never;
			}
		},
	};
}
