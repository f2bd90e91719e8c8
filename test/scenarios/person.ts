import type { Deed, Network } from "./script.ts";

/** By what ids somebody's client knows a message. */
export type Ids = {
	/** That its sender gave it. */
	id: string;
	/** That answers and reactions name it by. */
	named: string;
	/** Who wrote it, as this client addresses them, and what. */
	from: string;
	text: string;
};

/** What the people of a story call things. */
export type Names = {
	/** The name a message was given, by an id this person's client has for it. */
	message(of: "id" | "named", id: unknown): string;
	/** The ids this person's client has for a message. */
	ids(name: string): Ids;
	/** Of a thread, by its id; made up where there is none yet. */
	thread(id: string): string;
	threadId(name: string): string;
	/** How somebody in the story is written. */
	person(shown: string | undefined): string;
	/** When the bridge came back, ms since 1970; 0 where it never went. */
	backAt(): number;
};

/** Somebody in a story, at their client, in one place. */
export type Person = {
	name: string;
	network: Network;
	does(deed: Deed): Promise<Ids>;
	/** What came since the story began, oldest first; each as a line, or undefined for what no client shows. */
	came(): readonly { line(): Promise<string | undefined>; ids: Ids }[];
};
