import { bare, resource } from "../../jid.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { type Changes, type Now, noChanges } from "../owner/field.ts";
import { changesIn, formOf, mucOwner, submitted } from "../owner/form.ts";
import { whomAt } from "../owner/ranked.ts";
import { pingNs } from "../queries/ping.ts";
import { roomInfo } from "../queries/room-info.ts";
import { broken, failed, type Refusal, refusedWith, unknownRoom } from "../refusals.ts";
import { factsOf, type LockedRoom } from "./locked-rooms.ts";

const info = "http://jabber.org/protocol/disco#info";

/** Answers the IQs to locked rooms. Nobody but the person who makes a room knows of it. */
export function createLockedQueries(
	context: HostedContext,
	act: Readonly<{
		/** Resolves with the refusal, if the room could not be made. @throws core's errors */
		finish(room: LockedRoom, changes: Changes): Promise<Refusal | undefined>;
		/** Gives the room up. */
		cancel(room: LockedRoom): void;
	}>,
) {
	const nowOf = (room: LockedRoom): Now => ({
		facts: factsOf(room),
		own: {},
		ranked: new Map([[room.person.id, room.person]]),
		at: (jid) => whomAt(jid, context),
	});

	async function configure(room: LockedRoom, payload: Element): Promise<Refusal | undefined> {
		if (room.state !== "open") throw new StanzaError("conflict", "wait", phrases.hostedBeingMade);
		if (child(payload, "destroy")) {
			act.cancel(room);
			return undefined;
		}
		const form = submitted(payload);
		switch (form.kind) {
			case "cancel":
				// XEP-0045 §10.1.3
				act.cancel(room);
				return undefined;
			case "instant":
				return act.finish(room, noChanges);
			case "form":
				return act.finish(room, changesIn(form.values, nowOf(room)));
			default:
				return form satisfies never;
		}
	}

	/** Resolves with the payload of the result, or with the refusal. @throws StanzaError and core's errors */
	async function answer(room: LockedRoom, stanza: Element): Promise<Element | Refusal | undefined> {
		const { type, from = "", to = "" } = stanza.attrs;
		const [payload] = stanza.getChildElements();
		if (!payload || bare(from) !== room.person.id) return unknownRoom;
		const nick = resource(to);
		if (payload.is("ping", pingNs) && (nick === undefined || nick === room.nick)) return undefined;
		if (nick !== undefined) return unknownRoom;
		if (payload.is("query", mucOwner))
			return type === "set"
				? configure(room, payload)
				: xml("query", { xmlns: mucOwner }, formOf(nowOf(room)));
		if (payload.is("query", info) && payload.attrs.node === undefined)
			return roomInfo(factsOf(room), [info, pingNs], {
				...{ name: room.alias, occupants: 1, own: {}, picture: undefined, mark: undefined },
			});
		return unknownRoom;
	}

	/** Resolves with the answer to an IQ. Never rejects. */
	return async (room: LockedRoom, stanza: Element): Promise<Element | undefined> => {
		const { type, from, to, id } = stanza.attrs;
		// RFC 6120 §8.2.3
		if (type === "result" || type === "error") return undefined;
		try {
			const found = await answer(room, stanza);
			if (found && "condition" in found) return refusedWith(stanza, found);
			return xml("iq", { type: "result", from: to, to: from, id }, found);
		} catch (error) {
			const refusal = failed(error);
			if (!refusal) context.log.error({ err: error }, "a room could not be made");
			return refusedWith(stanza, refusal ?? broken);
		}
	};
}
