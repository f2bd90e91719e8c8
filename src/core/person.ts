import type { NetworkName, UserId } from "./ids.ts";

/** The picture of a person, which `network` opens by `ref`. Pictures with the same `hash` (absent: the same `ref`) are equal. */
export type Avatar = Readonly<{ network: NetworkName; ref: string; hash?: string }>;

/** Returns true if two pictures are known to be equal; null stands for none. */
export const sameAvatar = (one: Avatar | null, other: Avatar | null): boolean =>
	(one?.hash ?? one?.ref) === (other?.hash ?? other?.ref);

/** The standing of a person who has rights over others in a room: the first that applies. */
export const ranks = ["owner", "admin", "moderator"] as const;
export type Rank = (typeof ranks)[number];

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
	/** The name that the person goes by elsewhere, beside `name`, which is a nick. null: there is none; absent: nobody knows. */
	realName?: string | null;
	/** The picture in this room. null: the person has none; absent: nobody knows. */
	avatar?: Avatar | null;
	/** The standing in this room, as far as its people have ranks; absent for everybody without one. */
	rank?: Rank;
	/** The titles that this room gives the person, such as “Host”, beside the rank; absent without any. They give no rights. */
	hats?: readonly string[];
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

/** Returns true if a name, the rank, a title or the picture of a person, as `now` has them, is news after `before`. */
export const isChanged = (before: Person, now: Person): boolean =>
	before.name !== now.name ||
	before.rank !== now.rank ||
	before.hats?.join() !== now.hats?.join() ||
	(now.realName !== undefined && now.realName !== (before.realName ?? null)) ||
	(now.avatar !== undefined && !sameAvatar(before.avatar ?? null, now.avatar));
