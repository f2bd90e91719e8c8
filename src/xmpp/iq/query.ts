import type { Command } from "../../core/command.ts";
import type { Log } from "../../core/log.ts";
import type { Avatar, Person } from "../../core/person.ts";
import type { Finding } from "../finding/index.ts";
import type { Picture, Pictures } from "../pictures.ts";
import type { Element } from "../stream/xml.ts";

/**
 * The addresses that can be asked: the component itself, the bare JID of a ghost, one of its sessions, or the account of
 * the bot, with the answers of any account.
 */
export type Where = "host" | "account" | "session" | "bot";

/** An account of ours as others may know it. */
export type Ghost = Readonly<{
	/** The name that people read; never an address. */
	name: string;
	/** The bare JID of the ghost, and the link to the profile of its person. */
	jid?: string;
	url?: string;
	/** The picture of the person, as their own network opens it. */
	avatar?: Avatar;
}>;

/** The software that XEP-0092 tells of. `uri` identifies it among other software (XEP-0115). */
export type Software = Readonly<{ name: string; version: string; uri: string }>;

/** The context that answers need besides their question. */
export type IqContext = Readonly<{
	/** Its name is also the name of the component. */
	software: Software;
	/**
	 * Returns the account at a bare JID of ours, as `asker` may see it: a MUC asks for one of its occupants. Undefined where
	 * there is none, as for a Matrix user that does not exist.
	 */
	ghost(jid: string, asker: string): Promise<Ghost | undefined>;
	/** Resolves with the picture of a person; undefined where it cannot be shown, or not in time. Absent: nobody has one. */
	picture?: Pictures["soon"];
	/** The bot's own account. Absent where only an occupant is asked. */
	bot?: Readonly<{ jid: string; isAt(jid: string): boolean }>;
	adHoc?: AdHoc;
	/** The addresses of our admins, as URIs. Absent: none. */
	contact?: readonly string[];
	/** Finds rooms and people for those who ask. Absent where only an occupant is asked. */
	finding?: Finding;
	log: Log;
}>;

/** The bot's commands, for the account at a JID. */
export type AdHoc = Readonly<{
	/** Returns the commands that the account may use. */
	list(from: string): readonly Pick<Command, "name" | "help" | "parameters" | "ofRoom">[];
	/** Resolves with the answer to a command; `muc`: the MUC that it is about. */
	run(from: string, text: string, muc?: string): Promise<string>;
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

/** Resolves with the picture of an account; undefined where it has none, or none in time. Never rejects. */
export const pictureOf = async (
	{ avatar }: Ghost,
	{ picture }: Pick<IqContext, "picture">,
): Promise<Picture | undefined> => avatar && picture?.(avatar);

/** Returns the account that stands for a person, whose ghost has a JID. */
export const ghostOf = (person: Person, jid: string, url: string | undefined): Ghost => ({
	name: person.name ?? person.address[0] ?? "",
	jid,
	...(url !== undefined && { url }),
	...(person.avatar && { avatar: person.avatar }),
});

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
