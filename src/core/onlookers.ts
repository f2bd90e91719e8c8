import type { NetworkName, RoomId } from "./ids.ts";
import type { Mapping } from "./mapping.ts";
import type { Network } from "./network.ts";
import type { Bridge } from "./offered.ts";
import type { Person } from "./person.ts";

/** Returns whether two accounts are one, by their ids or by an address that a room shows of both. */
const isSame = (one: Person, other: Person): boolean =>
	one.id === other.id || one.handles.some((handle) => other.handles.includes(handle));

/** Returns the function that tells whether a person sees the events of a room. */
export function createOnlookers(deps: {
	mapping: Pick<Mapping, "portalsOf">;
	network(name: NetworkName): Pick<Network, "members">;
}): Bridge["sees"] {
	return async (person, of, room: RoomId) => {
		for (const { links } of await deps.mapping.portalsOf(of, room))
			for (const link of links) {
				if (link.network !== person.network || !link.room) continue;
				const inside = await deps.network(link.network).members(link.room);
				if (inside.some((one) => isSame(one, person))) return true;
			}
		return false;
	};
}
