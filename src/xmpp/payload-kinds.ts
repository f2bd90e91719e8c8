import { table } from "../core/table.ts";
import type { Element } from "./stream/xml.ts";

/**
 * The payloads of message stanzas that XMPP clients (Conversations, Dino, Gajim, Converse, Monal, Movim, Profanity, Poezio,
 * Psi) and servers (Prosody, ejabberd) send, each with its treatment. Acts without a body are read by this list
 * alone (`message/happenings.ts`), and docs/what-crosses.md has its table from here.
 */

/** The acts of people in messages without a body; other networks read of them in words. */
export const happenings = ["call", "call-invite", "attention", "form"] as const;
export type Happening = (typeof happenings)[number];

/**
 * signal: it passes, as a signal of core (signals.ts). read: a reader in `message/` understands it. answered: its sender gets
 * an answer. ignored: what it says is of use, but not as a message. dropped: nothing comes of it.
 */
export type Treatment = "read" | "signal" | "answered" | "ignored" | "dropped" | Happening;

type Kind = Readonly<{
	/** Namespaces, each with the names of its elements if not all are of this kind. */
	payloads: readonly (readonly [namespace: string, ...names: string[]])[];
	as: Treatment;
	/** The name of the payload, and the form in which people of other networks get it, or why they get nothing: for the docs. */
	what: string;
	shown: string;
}>;

const noWords = "clients tell each other; nobody writes it for a reader";

/** In the order of the docs. */
export const kinds: readonly Kind[] = [
	{
		payloads: [
			["http://jabber.org/protocol/xhtml-im"],
			["urn:xmpp:styling:0"],
			["urn:xmpp:markup:0"],
			["urn:xmpp:spoiler:0"],
		],
		as: "read",
		what: "formatting (XEP-0071, 0393, 0394), spoilers (0382)",
		shown: "formatting",
	},
	{
		payloads: [["urn:xmpp:message-correct:0"]],
		as: "read",
		what: "correction (XEP-0308)",
		shown: "a correction",
	},
	{
		payloads: [
			["urn:xmpp:message-retract:1"],
			["urn:xmpp:message-retract:0"],
			["urn:xmpp:fasten:0"],
			["urn:xmpp:message-moderate:1"],
			["urn:xmpp:message-moderate:0"],
		],
		as: "read",
		what: "deletion (XEP-0424, 0425)",
		shown: "a deletion",
	},
	{
		payloads: [["urn:xmpp:reply:0"], ["urn:xmpp:fallback:0"]],
		as: "read",
		what: "reply (XEP-0461), fallback text (0428)",
		shown: "a reply; no fallback of what crosses as itself",
	},
	{ payloads: [["urn:xmpp:reactions:0"]], as: "read", what: "reactions (XEP-0444)", shown: "reactions" },
	{
		payloads: [["urn:xmpp:reference:0"], ["urn:xmpp:mentions:0"]],
		as: "read",
		what: "mentions (XEP-0372, 0513)",
		shown: "mentions",
	},
	{
		payloads: [
			["urn:xmpp:sfs:0"],
			["urn:xmpp:file:metadata:0"],
			["http://jabber.org/protocol/url-data"],
			["urn:xmpp:sims:1"],
			["urn:xmpp:jingle:apps:file-transfer:5"],
			["jabber:x:oob"],
			["urn:xmpp:hashes:2"],
			["urn:xmpp:thumbs:1"],
			["urn:xmpp:bob"],
			["urn:xmpp:stickers:0"],
		],
		as: "read",
		what: "files, stickers (XEP-0447, 0385, 0066, 0231, 0264, 0449)",
		shown: "files, a sticker",
	},
	{
		payloads: [["http://jabber.org/protocol/geoloc"]],
		as: "read",
		what: "place (XEP-0080)",
		shown: "a place, also without a body",
	},
	{
		payloads: [
			["eu.siacs.conversations.axolotl"],
			["urn:xmpp:omemo:2"],
			["urn:xmpp:omemo:1"],
			["urn:xmpp:openpgp:0"],
			["jabber:x:encrypted"],
			["urn:xmpp:eme:0"],
		],
		as: "read",
		what: "encrypted message (OMEMO, OpenPGP, OTR)",
		shown: "words that it is encrypted; in a 1:1 chat nothing, and its sender gets an error",
	},
	{
		payloads: [["urn:xmpp:delay"]],
		as: "read",
		what: "time of sending (XEP-0203)",
		shown: "the time",
	},
	{
		payloads: [["urn:xmpp:jingle-message:0", "propose"]],
		as: "call",
		what: "call (XEP-0353)",
		shown: "in words; in a 1:1 chat the ghost declines, and the caller reads why",
	},
	{
		payloads: [["urn:xmpp:call-invites:0", "invite"]],
		as: "call-invite",
		what: "invitation to a call (XEP-0482)",
		shown: "in words, with its link if it has one; in a 1:1 chat the ghost declines",
	},
	{
		payloads: [["urn:xmpp:attention:0", "attention"]],
		as: "attention",
		what: "wish for attention (XEP-0224)",
		shown: "in words",
	},
	{
		payloads: [["jabber:x:data", "x"]],
		as: "form",
		what: "form without a body (XEP-0004)",
		shown: "in words, with its title",
	},
	{
		payloads: [["jabber:x:conference"], ["http://jabber.org/protocol/muc#user", "x"]],
		as: "answered",
		what: "invitation to a MUC (XEP-0249, 0045)",
		shown: "an invitation to the Matrix room; where that is not possible, its sender reads why",
	},
	{
		payloads: [
			["urn:xmpp:sid:0"],
			["urn:xmpp:occupant-id:0"],
			["http://jabber.org/protocol/nick"],
			["urn:xmpp:hints"],
		],
		as: "ignored",
		what: "ids, nicks and hints (XEP-0359, 0421, 0172, 0334)",
		shown: "nothing by themselves: they belong to a message",
	},
	{
		payloads: [["http://jabber.org/protocol/chatstates"]],
		as: "signal",
		what: "typing (XEP-0085)",
		shown: "typing",
	},
	{
		payloads: [["urn:xmpp:chat-markers:0"]],
		as: "signal",
		what: "read position (XEP-0333)",
		shown: "a read receipt, in chats of two and small rooms (`rooms.read_receipts`)",
	},
	{
		payloads: [["urn:xmpp:receipts"]],
		as: "signal",
		what: "receipt (XEP-0184)",
		shown:
			"the status of the message, in chats of two; a request is answered when the Matrix room has the message",
	},
	{
		payloads: [["jabber:x:event"]],
		as: "dropped",
		what: "typing and receipts of old clients (XEP-0022)",
		shown: "nothing: it is obsolete since 2009",
	},
	{
		payloads: [
			["urn:xmpp:jingle-message:0", "accept", "finish", "proceed", "reject", "retract", "ringing"],
			["urn:xmpp:call-invites:0", "accept", "left", "reject", "retract"],
			["urn:xmpp:jingle:muji:0"],
		],
		as: "dropped",
		what: "course of a call",
		shown: `nothing: ${noWords}`,
	},
	{
		payloads: [
			["http://jabber.org/protocol/pubsub#event"],
			["http://jabber.org/protocol/mood"],
			["http://jabber.org/protocol/activity"],
			["http://jabber.org/protocol/tune"],
		],
		as: "dropped",
		what: "news of an account's nodes (PEP: moods, tunes, avatars, blogs)",
		shown:
			"nothing in the room: in chats of two, a name (XEP-0172) and a picture (XEP-0084) become those of the ghost",
	},
	{
		payloads: [
			["urn:xmpp:carbons:2"],
			["urn:xmpp:forward:0"],
			["urn:xmpp:mam:2"],
			["urn:xmpp:privilege:2"],
			["urn:xmpp:delegation:2"],
		],
		as: "dropped",
		what: "copies and results of servers (XEP-0280, 0297, 0313, 0356)",
		shown: "nothing: a stranger could forge them; the bridge reads those that it asked for",
	},
	{
		payloads: [["http://jabber.org/protocol/rosterx"]],
		as: "dropped",
		what: "recommended contacts (XEP-0144)",
		shown: "nothing: transports send it to fill rosters",
	},
	{
		payloads: [
			["urn:xmpp:captcha"],
			["urn:xmpp:tmp:captcha"],
			["http://jabber.org/protocol/http-auth"],
			["jabber:x:signed"],
			["urn:xmpp:avatar:metadata"],
			["vcard-temp:x:update"],
			["http://jabber.org/protocol/ibb"],
			["http://jabber.org/protocol/amp"],
			["http://jabber.org/protocol/address"],
			["urn:xmpp:message-attaching:1"],
			["urn:xmpp:trust-messages:0"],
			["urn:xmpp:atm:1"],
			["urn:xmpp:mucsub:0"],
			["urn:xmpp:reporting:1"],
		],
		as: "dropped",
		what: "questions, proofs and settings of clients and servers",
		shown: `nothing: ${noWords}`,
	},
];

const byPayload = table<Treatment>(
	Object.fromEntries(
		kinds.flatMap(({ payloads, as }) =>
			payloads.flatMap(([namespace, ...names]) =>
				(names.length > 0 ? names : [""]).map((name) => [`${name} ${namespace}`, as] as const),
			),
		),
	),
);

/** Returns how a payload is treated; undefined for an unknown one, which is ignored beside a body and dropped without one. */
export const treatmentOf = (payload: Element): Treatment | undefined =>
	byPayload[`${payload.getName()} ${payload.getNS()}`] ?? byPayload[` ${payload.getNS()}`];

export const isHappening = (treatment: Treatment | undefined): treatment is Happening =>
	(happenings as readonly (string | undefined)[]).includes(treatment);
