import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Mapping } from "./mapping.ts";
import { withName } from "./names.ts";
import { nearest, peopleIn } from "./near.ts";
import type { Bridge, Network } from "./network.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";

/** Returns the methods of core by which networks find people of others, and the bridge's knowledge of them. */
export function createPeople(deps: {
	/** Returns a network; undefined where it is not configured. */
	byName(name: NetworkName): Network | undefined;
	/** The same. @throws PermanentError for one that is not configured */
	network(name: NetworkName): Network;
	mapping: Mapping;
	journal: Journal;
	/** As {@link Bridge.mayReach}. */
	mayReach(from: Person, to: Person): Promise<boolean>;
}) {
	const { byName, network, mapping, journal, mayReach } = deps;
	return {
		presence: async (of, to) => byName(of.network)?.presence?.(of, to),
		findPerson: async (name, address) => byName(name)?.findPerson?.(address),
		findRoom: async (name, address) => network(name).findRoom(address),
		lookups(name) {
			const { lookups, title = "" } = byName(name) ?? {};
			return lookups && { ...lookups, title };
		},
		personAt: (name, address) => byName(name)?.personAt?.(address),
		async searchPeople(name, words, by) {
			const search = byName(name)?.searchPeople;
			if (!search) throw new PermanentError("failed", phrases.nobodyByName);
			const found = await search(words, by);
			const reached = await Promise.all(found.map((one) => mayReach(by, one)));
			return found.filter((_, at) => reached[at]).map(withName);
		},
		personUrl: (person) => byName(person.network)?.personUrl?.(person),
		async acquaintance(of, typed, person) {
			const people = await peopleIn({ mapping, journal }, of);
			const known = people.some(({ id }) => id === person?.id);
			return { known, near: nearest(typed, people).filter(({ id }) => id !== person?.id) };
		},
	} satisfies Partial<Bridge>;
}
