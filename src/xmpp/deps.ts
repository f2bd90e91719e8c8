import type { Guard } from "../core/guard.ts";
import type { Limits } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import type { Sealer } from "../core/sealer.ts";
import type { Taken } from "../core/taken.ts";
import type { Links } from "../media/links.ts";
import type { Namespace } from "./jid.ts";

/** All that the network XMPP gets from outside, besides the settings of its link. */
export type XmppDeps = Readonly<{
	log: Log;
	/** Notes the stanza or row that is being handled. */
	guard?: Guard;
	/** Notes the lines of chats that the server has taken. */
	taken?: Taken;
	version?: string;
	/** The localpart of the bot, under whose JID the bridge is in MUCs for members only. */
	bot?: string;
	/** The prefixes of the ghosts' localparts, by network. */
	namespace: Omit<Namespace, "component">;
	membersMirrored: number;
	/** The addresses of the admins, as URIs, which people on XMPP can look up. */
	contact?: readonly string[];
	/** Read positions are shown in rooms of at most this many people; in chats of two always. */
	readReceipts?: number;
	/** How often one person asks for something in hosted rooms, besides writing. */
	limits?: Pick<Limits, "requests">;
	/** Time of silence, in ms, after which ghosts leave the MUCs of others. Absent: never. */
	idleAfter?: number;
	/** Keeps answers that a stop leaves. Absent: they are forgotten. */
	mapping?: Pick<Mapping, "setting" | "saveSetting">;
	/** Seals the passwords of MUCs. Absent: the bridge takes none. */
	sealer?: Sealer;
	/** Makes links to files of other networks. Absent: files go to the upload service of the XMPP server, if it has one. */
	files?: Readonly<{ link: Links["link"]; largest: number }>;
	/** Fetches the files that people on XMPP link to. */
	fetch?: (url: string, range?: ByteRange) => Promise<Opened>;
}>;
