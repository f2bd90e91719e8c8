import type { Element } from "../xml.ts";

/** What can be asked: the component itself, the bare JID of a ghost, or one of its sessions. */
export type Where = "host" | "account" | "session";

/** Who is behind an address of ours. */
export type Ghost = Readonly<{ name?: string }>;

export type Question = Readonly<{
	where: Where;
	/** The one child of the IQ. */
	payload: Element;
	/** What people call whom they asked. */
	name: string;
}>;

/** One thing that can be asked by IQ; where it can be asked, disco says so. */
export type Feature = Readonly<{
	type: "get" | "set";
	/** The payload it answers. */
	name: string;
	ns: string;
	where: readonly Where[];
	/** The payload of the result; without one it is empty. @throws StanzaError */
	answer(question: Question): Element | undefined;
}>;
