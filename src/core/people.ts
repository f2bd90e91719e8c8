import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Mapping } from "./mapping.ts";
import { nearest, peopleIn } from "./near.ts";
import type { Bridge, Network } from "./network.ts";

/** Returns the methods of core by which networks find people of others, and what the bridge knows of them. */
export function createPeople(deps: {
	/** Returns a network; undefined where it is not configured. */
	byName(name: NetworkName): Network | undefined;
	mapping: Mapping;
	journal: Journal;
}) {
	const { byName, mapping, journal } = deps;
	return {
		presence: async (of, to) => byName(of.network)?.presence?.(of, to),
		findPerson: async (name, address) => byName(name)?.findPerson?.(address),
		personAt: (name, address) => byName(name)?.personAt?.(address),
		personUrl: (person) => byName(person.network)?.personUrl?.(person),
		async acquaintance(of, typed, person) {
			const people = await peopleIn({ mapping, journal }, of);
			const known = people.some(({ id }) => id === person?.id);
			return { known, near: nearest(typed, people).filter(({ id }) => id !== person?.id) };
		},
	} satisfies Partial<Bridge>;
}
