import type { Element } from "../stream/xml.ts";

/** What can be asked: the component itself, the bare JID of a ghost, or one of its sessions. */
export type Where = "host" | "account" | "session";

/** Who is behind an address of ours: what people call them, never an address. */
export type Ghost = Readonly<{ name: string }>;

/** What runs here. */
export type Software = Readonly<{ name: string; version: string }>;

export type Question = Readonly<{
	where: Where;
	/** The one child of the IQ. */
	payload: Element;
	/** What people call whom they asked. */
	name: string;
	software: Software;
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
