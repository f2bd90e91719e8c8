import type { Media } from "../core/event.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
import type { Files } from "./attachments.ts";
import { pairRoom } from "./direct/pair.ts";
import { account, nowhere, parseMessage, xmppNetwork } from "./from-xmpp.ts";
import type { AdHoc } from "./iq/query.ts";
import { bare, local } from "./jid.ts";
import { madeUpId } from "./made-up-ids.ts";
import { mucUser } from "./muc/status-codes.ts";
import * as phrases from "./phrases.ts";
import { errorReply } from "./stanza-error.ts";
import { child, type Element } from "./stream/xml.ts";
import * as to from "./to-xmpp.ts";
import { typedAddress } from "./typed-jid.ts";

/** The answer to a command, and the URL of its file. */
type Said = Readonly<{ words: string; url?: string }>;

/** The bot on XMPP, at the JID of the component itself and at one of its accounts: commands as messages, and ad-hoc. */
export function createBot(deps: {
	bridge(): Pick<Bridge, "command" | "commandsFor" | "greeting">;
	/** The domain of the component, and the bare JID of the bot's account. */
	component: string;
	jid: string;
	resource: string;
	/** True for the bare JID of a MUC in which our people are: what comes from there is for an occupant. */
	isMuc(jid: string): boolean;
	/** Returns true if the account at a bare JID is an owner or admin of a MUC in which our people are, as far as it shows that. */
	ownsMuc(muc: string, account: string): boolean;
	/** True while the bridge stops. */
	paused(): boolean;
	now(): { at: number; unique(): string };
	/** Returns the way that files go out; undefined while there is none. */
	files(): Files | undefined;
	log: Log;
}) {
	const { bridge, component, jid, resource, isMuc, paused, now, log } = deps;
	const isAt = (address: string) => bare(address) === component || bare(address) === jid;

	/** Resolves with the URL of an answer's file; undefined if people here cannot get it. */
	async function urlOf(file: Media, id: MessageId, from: string): Promise<string | undefined> {
		const about = { network: xmppNetwork, room: pairRoom(from, jid), id, person: account(from).id };
		try {
			return await deps.files()?.url(file, about, (_, make) => make());
		} catch (error) {
			log.warn({ err: error }, "the file of an answer could not be sent");
			return undefined;
		}
	}

	/** Returns why an account may not give commands about a MUC; undefined if it may. */
	function hindrance(muc: string, from: string): string | undefined {
		if (!isMuc(muc)) return phrases.mucNotServed(muc);
		return deps.ownsMuc(muc, bare(from)) ? undefined : phrases.mucNotYours(muc);
	}

	/**
	 * Runs a command of an account. Resolves with the answer; undefined for one that ran before.
	 * `muc`: its subject, which the account may change.
	 */
	async function run(from: string, id: MessageId, text: string, muc?: string): Promise<Said | undefined> {
		let answer: Said | undefined;
		await bridge().command({
			id,
			network: xmppNetwork,
			...(muc === undefined ? { room: pairRoom(from, jid) } : { room: muc as RoomId, named: true as const }),
			sender: account(from),
			text,
			prefix: "",
			private: true,
			mayChangeRoom: async () => muc !== undefined,
			reply: async (words, file) => {
				const url = file && (await urlOf(file, id, from));
				answer = { words: file && !url ? phrases.answerWithoutFile(words) : words, ...(url && { url }) };
			},
		});
		return answer;
	}

	const says = (from: string, theirs: string, words: string) =>
		to.chat(from, theirs, now().unique(), to.words(words), phrases.title);

	/** Resolves with the answers to a message: none for one without words, such as a chat state. */
	async function answersTo(stanza: Element): Promise<readonly Element[]> {
		const { from = "", to: address = "", id } = stanza.attrs;
		const read = parseMessage(stanza, nowhere);
		if (!read) return [];
		if (local(from) === undefined) return [errorReply(stanza, "cancel", "service-unavailable")];
		// A MUC that the bridge is not in vouches for nobody: its occupant is not the account that it seems to be.
		if (child(stanza, "x", mucUser))
			return [errorReply(stanza, "cancel", "not-acceptable", phrases.xmppNoPrivate)];
		if (read.unreadable) return [errorReply(stanza, "modify", "not-acceptable", phrases.encryptedRefused)];
		if (paused()) return [errorReply(stanza, "wait", "recipient-unavailable", phrases.xmppStopping)];
		const { unique } = now();
		const answer = await run(from, madeUpId(bare(from), id ?? unique(), read.text), read.text);
		const mine = bare(address) === component ? component : `${jid}/${resource}`;
		if (answer === undefined) return [];
		const file = answer.url && to.chat(mine, from, now().unique(), to.fileAt(answer.url), phrases.title);
		return [says(mine, from, answer.words), ...(file ? [file] : [])];
	}

	return {
		jid,
		isAt,
		/** True for a stanza to the bot itself, rather than to its occupant in a MUC. */
		claims: ({ attrs: { from = "", to = "", type } }: Element): boolean =>
			isAt(to) && type !== "error" && type !== "groupchat" && bare(from) !== component && !isMuc(bare(from)),

		/** As {@link answersTo}. Never rejects. */
		message: (stanza: Element): Promise<readonly Element[]> =>
			answersTo(stanza).catch((error: unknown) => {
				log.error({ err: error }, "a message to the bot could not be answered");
				return [errorReply(stanza, "wait", "internal-server-error", phrases.xmppBroken)];
			}),

		/** Resolves with the greeting for an account that subscribes to the bot; undefined if it had one. */
		async greeting(from: string): Promise<Element | undefined> {
			const where = { network: xmppNetwork, room: pairRoom(from, jid) as RoomId, prefix: "" };
			const words = await bridge().greeting(account(from), where);
			return words === undefined ? undefined : says(`${jid}/${resource}`, bare(from), words);
		},

		adHoc: {
			list: (from) => bridge().commandsFor(account(from)),
			run: async (from, text, muc) => {
				const subject = muc === undefined ? undefined : (typedAddress(muc) ?? muc);
				const why = subject === undefined ? undefined : hindrance(subject, from);
				if (why !== undefined) return phrases.commandFailed(why);
				const { words = "", url } = (await run(from, now().unique() as MessageId, text, subject)) ?? {};
				return url === undefined ? words : `${words}\n${url}`;
			},
		} satisfies AdHoc,
	};
}
export type Bot = ReturnType<typeof createBot>;
