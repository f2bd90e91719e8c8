import type { Log } from "../../core/log.ts";
import type { Element } from "../stream/xml.ts";

/** The addresses that can be asked: the component itself, the bare JID of a ghost, or one of its sessions. */
export type Where = "host" | "account" | "session";

/** The name that people read of an account of ours; never an address. */
export type Ghost = Readonly<{ name: string }>;

/** The software that XEP-0092 tells of. */
export type Software = Readonly<{ name: string; version: string }>;

/** The context that answers need besides their question. */
export type IqContext = Readonly<{
	/** Its name is also the name of the component. */
	software: Software;
	/** Returns the account at a bare JID of ours; undefined where there is none, as for a Matrix user that does not exist. */
	ghost(jid: string): Promise<Ghost | undefined>;
	log: Log;
}>;

export type Question = Readonly<{
	where: Where;
	/** The one child of the IQ. */
	payload: Element;
	/** The name of the address that is asked. */
	name: string;
}>;

/** One query by IQ. Disco advertises its features at the addresses that answer it. */
export type Query = Readonly<{
	type: "get" | "set";
	/** Name and namespace of the payload that it answers. */
	name: string;
	ns: string;
	where: readonly Where[];
	/** The features that disco advertises (XEP-0030). */
	features: readonly string[];
	/** Resolves with the payload of the result; undefined makes it empty. @throws StanzaError and core's errors. */
	answer(question: Question, context: IqContext): Promise<Element | undefined>;
}>;
