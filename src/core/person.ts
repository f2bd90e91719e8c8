import type { NetworkName, UserId } from "./ids.ts";

/** A person, or a thing that speaks, as their own network knows them. */
export type Person = Readonly<{
	network: NetworkName;
	id: UserId;
	/**
	 * The parts from which another network makes the address of this person's ghost: ["alice"], ["romeo@montague.lit"],
	 * [room, nick].
	 */
	address: readonly string[];
	/** The display name in this room; absent if only an address is known. */
	name?: string;
	/** Every spelling of the address that an admin may write in a permission glob. */
	handles: readonly string[];
	/** The domain of the server that vouches for the person: the unit of rate limits and blocks. */
	domain: string;
	/** The name of the one room in which this person can be written to, for people who meet them there. */
	within?: string;
	/** The person whose ghost speaks for this one. Absent: a ghost of their own. */
	ghostOf?: Pick<Person, "network" | "id" | "address" | "name" | "domain" | "handles">;
	/** The person has an account on our own server, so strangers may write to them first. */
	local?: true;
}>;
