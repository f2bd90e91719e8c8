import { PermanentError } from "../../../core/errors.ts";
import { mayDo } from "../../../core/hosting.ts";
import { createRateLimit } from "../../../core/limits.ts";
import * as phrases from "../../phrases.ts";
import { errorReply, StanzaError } from "../../stanza-error.ts";
import { child, type Element, text, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import * as refusals from "../lines/refusals.ts";
import { roleOf } from "../presences.ts";
import { realJid } from "../real-jid.ts";
import type { HostedRoom, Joined, Occupant } from "../room.ts";
import { carryOut } from "./carry-out.ts";
import { stepsOf } from "./steps.ts";

/** The request for voice (XEP-0045 §7.13 and §8.6). Power levels of the source give voice. */

const request = "http://jabber.org/protocol/muc#request";
/** Requests of one person in one room: each is shown to all moderators. */
const rate = { perMinute: 1, burst: 3 };

/** Returns the fields of a form by their names; undefined for a message without the form of a request for voice. */
function formIn(stanza: Element): ReadonlyMap<string, string> | undefined {
	const fields = child(stanza, "x", "jabber:x:data")?.getChildren("field") ?? [];
	const form = new Map(fields.map((field) => [field.attrs.var ?? "", text(field, "value") ?? ""]));
	return form.get("FORM_TYPE") === request ? form : undefined;
}

export const isVoiceRequest = (stanza: Element): boolean => formIn(stanza) !== undefined;

/** Passes requests of visitors on to the moderators in the room, and carries out what those allow. */
export function createVoice(context: HostedContext) {
	const mayAsk = createRateLimit(rate, () => context.now().at);

	/** Returns the occupants who can give voice, and have a client here to be asked. */
	const moderatorsOf = ({ occupants, facts }: HostedRoom): readonly Occupant[] =>
		[...occupants.values()].filter(
			({ person, sessions }) =>
				sessions.size > 0 &&
				(facts.made
					? roleOf({ facts }, person) === "moderator"
					: facts.levels && mayDo(facts.levels, person, "levels")),
		);

	function ask({ room, occupant }: Joined, stanza: Element): Element | undefined {
		if (roleOf(room, occupant.person) !== "visitor") return undefined;
		const moderators = moderatorsOf(room);
		if (moderators.length === 0)
			return errorReply(stanza, "cancel", "feature-not-implemented", phrases.hostedVoiceByLevel);
		if (!mayAsk(`${room.id} ${occupant.person.id}`)) return refusals.tooFast(stanza);
		const field = (name: string, type: string, value: string, label: string) =>
			xml("field", { var: name, type, label }, xml("value", {}, value));
		const form = xml(
			"x",
			{ xmlns: "jabber:x:data", type: "form" },
			xml("title", {}, phrases.hostedVoiceTitle),
			xml("instructions", {}, phrases.hostedVoiceAsked(occupant.nick)),
			xml("field", { var: "FORM_TYPE", type: "hidden" }, xml("value", {}, request)),
			field("muc#role", "list-single", "participant", phrases.hostedVoiceRole),
			field("muc#jid", "jid-single", occupant.person.id, "JID"),
			field("muc#roomnick", "text-single", occupant.nick, phrases.hostedVoiceNick),
			field("muc#request_allow", "boolean", "false", phrases.hostedVoiceAllow),
		);
		const id = context.now().unique();
		context.out.send(
			moderators.flatMap(({ sessions }) => [...sessions.values()]),
			(address) => xml("message", { from: address, id }, form),
		);
		return undefined;
	}

	async function give({ room, occupant }: Joined, nick: string): Promise<void> {
		const person = room.occupants.get(nick)?.person;
		if (!person) throw new StanzaError("item-not-found", "cancel", phrases.hostedNoSuchOccupant);
		const target = { person, jid: realJid(person, context), isIn: true };
		const steps = stepsOf([{ target, role: "participant", reason: undefined }], occupant.person, room);
		await carryOut(steps, occupant.person, { source: room.source, view: room.id, room }, context);
	}

	function allow(joined: Joined, form: ReadonlyMap<string, string>, stanza: Element): void {
		if (!["true", "1"].includes(form.get("muc#request_allow") ?? "")) return;
		void context.guard.run("request for voice", async () => {
			try {
				await give(joined, form.get("muc#roomnick") ?? "");
			} catch (error) {
				if (error instanceof StanzaError)
					await context.link.send(errorReply(stanza, error.type, error.condition, error.text));
				else if (error instanceof PermanentError)
					await context.link.send(errorReply(stanza, "auth", "forbidden", error.message));
				else throw error;
			}
		});
	}

	/** Takes a request, or the answer to one. Returns the refusal, if there is one at once. */
	return (joined: Joined | undefined, stanza: Element): Element | undefined => {
		const form = formIn(stanza);
		if (!joined || !form) return refusals.notInRoom(stanza);
		if (!form.has("muc#request_allow")) return ask(joined, stanza);
		allow(joined, form, stanza);
		return undefined;
	};
}
