import type { MessageId, NetworkName, RoomId, UserId } from "./ids.ts";

/** Somebody, or something, as their own network knows them. */
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

type Base = Readonly<{
	id: MessageId;
	room: RoomId;
	sender: Person;
	/** When it was said, in ms since 1970, by its server's clock. */
	at: number;
	/** Caught up after a gap: shown with its time, pings nobody. */
	late?: true;
	/** In a 1:1 room: whom the sender talks to. It opens the portal when there is none yet. */
	to?: Person;
}>;

export type Message = Base &
	Readonly<{
		kind: "message";
		/** A notice is made by a machine: bots do not answer it. */
		style: "text" | "emote" | "notice";
		text: string;
	}>;
/** `sender` came or went; for a kick or ban `by` did it to them. */
export type Membership = Base &
	Readonly<{ kind: "membership"; change: "join" | "leave"; by?: string; reason?: string }>;
/** `sender` is called `sender.name` from now on. */
export type Profile = Base & Readonly<{ kind: "profile" }>;
/** A thing's current value; null clears it. `label` is what the thing is called within its room. */
export type State = Base & Readonly<{ kind: "state"; key: string; label: string; value: string | null }>;

/** The neutral vocabulary. A switch over `kind` ends in `satisfies never`, so that the compiler lists what a new kind touches. */
export type BridgeEvent = Message | Membership | Profile | State;
export type Kind = BridgeEvent["kind"];
