import type { Command } from "../../core/command.ts";
import type { Log } from "../../core/log.ts";
import type { Element } from "../stream/xml.ts";

/**
 * The addresses that can be asked: the component itself, the bare JID of a ghost, one of its sessions, or the bot's account,
 * which answers what other accounts answer, too.
 */
export type Where = "host" | "account" | "session" | "bot";

/** An account of ours as others may know it. */
export type Ghost = Readonly<{
	/** The name that people read; never an address. */
	name: string;
	/** The bare JID of the ghost, and the link to the profile of its person. */
	jid?: string;
	url?: string;
}>;

/** The software that XEP-0092 tells of. `uri` identifies it among other software (XEP-0115). */
export type Software = Readonly<{ name: string; version: string; uri: string }>;

/** The context that answers need besides their question. */
export type IqContext = Readonly<{
	/** Its name is also the name of the component. */
	software: Software;
	/** Returns the account at a bare JID of ours; undefined where there is none, as for a Matrix user that does not exist. */
	ghost(jid: string): Promise<Ghost | undefined>;
	/** The bot's own account. Absent where only an occupant is asked. */
	bot?: Readonly<{ jid: string; isAt(jid: string): boolean }>;
	adHoc?: AdHoc;
	/** Resolves with the content of a disco#items answer: the public rooms, as the query asks for them (XEP-0059). */
	publicRooms?(query: Element, from: string): Promise<readonly Element[]>;
	log: Log;
}>;

/** The bot's commands, for the account at a JID. */
export type AdHoc = Readonly<{
	/** Returns the commands that the account may use. */
	list(from: string): readonly Pick<Command, "name" | "help" | "parameters">[];
	/** Resolves with the answer to a command. */
	run(from: string, text: string): Promise<string>;
}>;

export type Question = Readonly<{
	where: Where;
	/** The JID that asks, and the one that is asked. */
	from: string;
	to: string;
	/** The one child of the IQ. */
	payload: Element;
	/** The account at the address that is asked; the component's own address counts as one. */
	ghost: Ghost;
}>;

/** Whether a query is answered at an address. */
export const isAnsweredAt = (query: Pick<Query, "where">, where: Where): boolean =>
	query.where.includes(where) || (where === "bot" && query.where.includes("account"));

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
