import type { MessageId, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
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

/** The bot on XMPP, at the JID of the component itself and at one of its accounts: commands as messages, and ad-hoc. */
export function createBot(deps: {
	bridge(): Pick<Bridge, "command" | "commandsFor" | "greeting">;
	/** The domain of the component, and the bare JID of the bot's account. */
	component: string;
	jid: string;
	resource: string;
	/** True for the bare JID of a MUC in which our people are: what comes from there is for an occupant. */
	isMuc(jid: string): boolean;
	/** True while the bridge stops. */
	paused(): boolean;
	now(): { at: number; unique(): string };
	log: Log;
}) {
	const { bridge, component, jid, resource, isMuc, paused, now, log } = deps;
	const isAt = (address: string) => bare(address) === component || bare(address) === jid;

	/** Runs a command of an account. Resolves with the answer; undefined for one that ran before. */
	async function run(from: string, id: MessageId, text: string): Promise<string | undefined> {
		let answer: string | undefined;
		await bridge().command({
			id,
			network: xmppNetwork,
			room: pairRoom(from, jid),
			sender: account(from),
			text,
			prefix: "",
			private: true,
			mayChangeRoom: async () => false,
			reply: async (words) => {
				answer = words;
			},
		});
		return answer;
	}

	const says = (from: string, theirs: string, words: string) =>
		to.chat(from, theirs, now().unique(), to.words(words), phrases.title);

	/** Resolves with the answer to a message; undefined for one without words, such as a chat state. */
	async function answerTo(stanza: Element): Promise<Element | undefined> {
		const { from = "", to: address = "", id } = stanza.attrs;
		const read = parseMessage(stanza, nowhere);
		if (!read) return undefined;
		if (local(from) === undefined) return errorReply(stanza, "cancel", "service-unavailable");
		// A MUC that the bridge is not in vouches for nobody: its occupant is not the account that it seems to be.
		if (child(stanza, "x", mucUser))
			return errorReply(stanza, "cancel", "not-acceptable", phrases.xmppNoPrivate);
		if (read.unreadable) return errorReply(stanza, "modify", "not-acceptable", phrases.encryptedRefused);
		if (paused()) return errorReply(stanza, "wait", "recipient-unavailable", phrases.xmppStopping);
		const { unique } = now();
		const answer = await run(from, madeUpId(bare(from), id ?? unique(), read.text), read.text);
		const mine = bare(address) === component ? component : `${jid}/${resource}`;
		return answer === undefined ? undefined : says(mine, from, answer);
	}

	return {
		jid,
		isAt,
		/** True for a stanza to the bot itself, rather than to its occupant in a MUC. */
		claims: ({ attrs: { from = "", to = "", type } }: Element): boolean =>
			isAt(to) && type !== "error" && type !== "groupchat" && bare(from) !== component && !isMuc(bare(from)),

		/** As {@link answerTo}. Never rejects. */
		message: (stanza: Element): Promise<Element | undefined> =>
			answerTo(stanza).catch((error: unknown) => {
				log.error({ err: error }, "a message to the bot could not be answered");
				return errorReply(stanza, "wait", "internal-server-error", phrases.xmppBroken);
			}),

		/** Resolves with the greeting for an account that subscribes to the bot; undefined if it had one. */
		async greeting(from: string): Promise<Element | undefined> {
			const where = { network: xmppNetwork, room: pairRoom(from, jid) as RoomId, prefix: "" };
			const words = await bridge().greeting(account(from), where);
			return words === undefined ? undefined : says(`${jid}/${resource}`, bare(from), words);
		},

		adHoc: {
			list: (from) => bridge().commandsFor(account(from)),
			run: async (from, text) => (await run(from, now().unique() as MessageId, text)) ?? "",
		} satisfies AdHoc,
	};
}
export type Bot = ReturnType<typeof createBot>;
