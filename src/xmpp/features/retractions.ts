import * as phrases from "../../core/phrases.ts";
import { messageId, ownId, pick } from "../message-ids.ts";
import { child, type Element, text, xml } from "../xml.ts";
import { correcting } from "./corrections.ts";
import { fallbackFor } from "./fallback.ts";
import { store } from "./hints.ts";
import { along, type MessageFeature } from "./message.ts";

const ns = "urn:xmpp:message-retract:1";
const moderation = "urn:xmpp:message-moderate:1";

/** XEP-0424, and XEP-0425 as a room tells of it. */
export const retractions: MessageFeature = {
	vars: [ns],
	read(stanza, heard, { author = "", named, room }) {
		const retract = child(stanza, "retract", ns);
		if (!retract) return heard;
		const id = retract.attrs.id;
		const moderated = child(retract, "moderated", moderation);
		// XEP-0425 §4: only the room itself says what its moderators did.
		if (!id || !!moderated !== !!room) return { ...heard, nothing: true };
		const reason = text(retract, "reason");
		const target = room ? messageId(named, id) : ownId(named, id, author);
		return {
			...heard,
			act: {
				kind: "redaction",
				target: { id: target, ...(!room && { own: target }) },
				...(reason && { reason }),
			},
		};
	},
	write(event, draft, { refs, named, muc }) {
		if (event.kind !== "redaction") return draft;
		const ids = refs[event.target.id];
		const id = pick(ids, "sid") ?? (muc === undefined ? pick(ids, named) : undefined);
		// §4.1: what a room gave no id has no retraction, so the words go and leave a mark.
		if (id === undefined) return along({ ...draft, body: phrases.deleted }, correcting(pick(ids, "msg")));
		const words = { ...draft, body: phrases.retraction };
		return along(words, xml("retract", { xmlns: ns, id }), fallbackFor(ns), store());
	},
};

/** XEP-0425 §4: asks the room to take a message back. */
export const moderate = (from: string, room: string, id: string, reason: string | undefined): Element =>
	xml(
		"iq",
		{ type: "set", from, to: room },
		xml(
			"moderate",
			{ xmlns: moderation, id },
			xml("retract", { xmlns: ns }),
			reason && xml("reason", {}, reason),
		),
	);
