import type { NetworkName, UserId } from "./ids.ts";

/** A person, or a thing that speaks, as their own network knows them. */
export type Person = Readonly<{
	network: NetworkName;
	id: UserId;
	/** The parts another network spells a ghost's address from: ["alice"], ["romeo@montague.lit"], [room, nick]. */
	address: readonly string[];
	/** What people there see, in this room; absent where only an address is known. */
	name?: string;
	/** Every spelling an admin would write in a permission glob. */
	handles: readonly string[];
	/** Whose server vouches for them: the unit of rate limits and blocks. */
	domain: string;
	/** Has an account on the server we serve; everybody may write to them; others only if they wrote first. */
	local?: true;
}>;
