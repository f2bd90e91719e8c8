import type { RoomId } from "./ids.ts";
import type { Person } from "./person.ts";

/** The lists of people of other networks, each kept in a room of one network, whom many rooms ban at once. */
export interface PolicyLists {
	/** Follows the list in the room at an address. Resolves with the room. Idempotent. @throws PermanentError, TemporaryError */
	follow(address: string): Promise<RoomId>;
	/** Returns true if a list that is followed bans the person. */
	bans(list: RoomId, person: Person): boolean;
}
