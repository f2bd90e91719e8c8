import type { Person } from "../core/event.ts";
import type { NetworkName, UserId } from "../core/ids.ts";

// Network names hold no space, so each of these has one reading only.

/** Something a network has one of: a room, an address. */
export const placeKey = (network: NetworkName, id: string): string => `${network} ${id}`;

export const ghostKey = (person: UserId, of: NetworkName, on: NetworkName): string => `${of} ${on} ${person}`;

/** The same for two people in either order. */
export const pairKey = (one: Person, other: Person): string =>
	JSON.stringify([placeKey(one.network, one.id), placeKey(other.network, other.id)].sort());
