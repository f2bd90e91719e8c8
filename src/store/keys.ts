import type { NetworkName, UserId } from "../core/ids.ts";
import type { Person } from "../core/person.ts";

// A network name holds no space, so each key has one reading only.

/** Returns the key of a thing that is unique within its network: a room, an address. */
export const placeKey = (network: NetworkName, id: string): string => `${network} ${id}`;

export const ghostKey = (person: UserId, of: NetworkName, on: NetworkName): string => `${of} ${on} ${person}`;

/** Returns the same key for two people in either order. */
export const pairKey = (one: Person, other: Person): string =>
	JSON.stringify([placeKey(one.network, one.id), placeKey(other.network, other.id)].sort());
