import type { Deed, Network } from "./script.ts";

/** The ids of a message in one person's client. */
export type Ids = {
	/** The sender's id. */
	id: string;
	/** The id that replies and reactions refer to. */
	named: string;
	/** The author as this client addresses them, and the text. */
	from: string;
	text: string;
};

/** Maps the ids of a client to the names in a scenario, and back. */
export type Names = {
	/** Returns the name of a message by its id in this person's client. */
	message(of: "id" | "named", id: unknown): string;
	/** Returns the ids of a message in this person's client. */
	ids(name: string): Ids;
	/** Returns the name of a thread by its id; a new thread gets one. */
	thread(id: string): string;
	threadId(name: string): string;
	/** Returns a person's name in the scenario. */
	person(shown: string | undefined): string;
	/** Returns when the bridge was restarted, in ms since 1970; 0 if it was never stopped. */
	backAt(): number;
};

/** One person with a client in one place of a scenario. */
export type Person = {
	name: string;
	network: Network;
	does(deed: Deed): Promise<Ids>;
	/**
	 * Returns the events received since the start, oldest first. The line of an event that no client shows is undefined.
	 */
	came(): readonly { line(): Promise<string | undefined>; ids: Ids }[];
};
