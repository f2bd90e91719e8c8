import { randomUUID } from "node:crypto";
import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../../core/errors.ts";
import type { RoomInfo } from "../../core/network.ts";
import { findMuc, NeedsPassword } from "../address-lookup.ts";
import { within } from "../deadline.ts";
import * as muc from "../muc/presence.ts";
import { statusCodes } from "../muc/status-codes.ts";
import * as phrases from "../phrases.ts";
import { stanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { joinRefusal } from "./join-refusals.ts";
import { keepPassword } from "./kept-password.ts";
import { keepJoined } from "./listener.ts";
import { isIn, unbar } from "./own-occupants.ts";
import { type Room, setPassword } from "./room.ts";

/** The passwords of MUCs (XEP-0045 §7.2.6), which people tell the bot, and which the bridge keeps sealed. */

/** Time, in ms, that a MUC has to answer the trial of a password. */
const answerWithin = 20_000;
/** Trials that are remembered, for stanzas that come late. */
const remembered = 1_000;
/** Characters of the longest password. */
const longest = 1_000;

/** Returns the parts of the joined MUCs that try passwords. `bot`: the bare JID that also members-only MUCs let in. */
export function createPasswords(
	rooms: ReadonlyMap<string, Room>,
	bot: string,
	nick: string,
	context: Context,
) {
	const trials = createBoundedMap<string, (answer: Element) => void>(remembered, {
		bytes: 262_144,
		of: (jid) => textBytes(jid),
	});

	/** Resolves when the MUC has let a short-lived occupant in with the password. @throws PermanentError with the refusal */
	async function attempt(jid: string, password: string): Promise<void> {
		const name = randomUUID().slice(0, 8);
		const own = { jid: `${bot}/password-${name}`, name: undefined, comesFrom: [] };
		const asked = `${nick} ${name}`;
		try {
			await within(
				answerWithin,
				new Promise<void>((resolve, reject) => {
					trials.set(own.jid, (answer) => {
						if (answer.attrs.type === "error") reject(refusal(jid, answer));
						else if (muc.occupantPresence(answer).codes.has(statusCodes.selfPresence)) resolve();
					});
					context.link.send(muc.enter(own, jid, asked, { password })).catch(reject);
				}),
			);
		} catch (error) {
			if (!(error instanceof TemporaryError)) throw error;
			// A person waits for the answer, so nothing is repeated.
			throw new PermanentError("failed", phrases.mucNotAnswering(jid), { cause: error });
		} finally {
			trials.set(own.jid, () => undefined);
			await context.link.send(muc.leave(own.jid, jid, asked)).catch(() => undefined);
		}
	}

	const refusal = (jid: string, answer: Element) => {
		const error = stanzaError(answer);
		return error.condition === "not-authorized"
			? new PermanentError("forbidden", phrases.mucWrongPassword(jid), { cause: error })
			: joinRefusal(jid, error, bot);
	};

	return {
		/** Returns true for a stanza to an occupant that tries a password, which takes it. */
		take(stanza: Element): boolean {
			const trial = trials.get(stanza.attrs.to ?? "");
			if (stanza.name === "presence") trial?.(stanza);
			return trial !== undefined;
		},
		isTrial: (jid: string) => trials.has(jid),

		/** As `unlock` of core's Network, for the MUC at a JID. */
		async unlock(jid: string, password: string): Promise<RoomInfo> {
			const { sealer } = context;
			if (!sealer) throw new PermanentError("failed", phrases.noSecretsKey);
			if (password.length > longest) throw new PermanentError("forbidden", phrases.mucWrongPassword(jid));
			let info: RoomInfo;
			try {
				// A MUC that asks for none is open to all, and no password makes its Matrix room a closed one.
				return await findMuc(jid, context.link, context.component);
			} catch (error) {
				if (!(error instanceof NeedsPassword)) throw error;
				info = error.info;
			}
			const room = rooms.get(jid);
			const isKnown = room?.password !== undefined && isIn(room.listening.active);
			if (isKnown && room.password !== password)
				throw new PermanentError("forbidden", phrases.mucWrongPassword(jid));
			if (!isKnown) await attempt(jid, password);
			keepPassword(jid, password, sealer, context);
			if (room && !isKnown) {
				setPassword(room, password);
				unbar(room.listener);
				keepJoined(room, context);
			}
			return { ...info, invites: [] };
		},
	};
}
