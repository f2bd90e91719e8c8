import { boundedId } from "../../core/ids.ts";
import { resource } from "../jid.ts";
import { type IdKind, messageId, ownId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, type Node, text, xml } from "../stream/xml.ts";
import { correcting } from "./corrections.ts";
import { fallbackFor } from "./fallback.ts";
import { along, type MessageFeature } from "./feature.ts";
import { store } from "./hints.ts";

const ns = "urn:xmpp:message-retract:1";
const moderation = "urn:xmpp:message-moderate:1";

/** Retraction (XEP-0424), and moderation (XEP-0425) as the MUC announces it. */
export const retractions: MessageFeature = {
	vars: [ns],
	read(stanza, parsed, { author = "", named, room }) {
		const { id, kind, moderated, reason, by } = current(stanza, named) ?? older(stanza) ?? {};
		if (id === undefined) return parsed;
		// XEP-0425 §4: only the MUC itself announces a moderation, so one from an occupant is forged.
		if (id === "" || moderated !== !!room) return { ...parsed, nothing: true };
		const target = room ? messageId(named, id) : ownId(kind ?? named, id, author);
		return {
			...parsed,
			act: {
				kind: "redaction",
				target: { id: target, ...(!room && { own: target }) },
				...(reason && { reason }),
				...(by && { by }),
			},
		};
	},
	write(event, draft, { refs, named, muc }) {
		if (event.kind !== "redaction") return draft;
		const ids = refs[event.target.id];
		const id = pick(ids, "sid") ?? (muc === undefined ? pick(ids, named) : undefined);
		// §4.1: a message without a stanza-id cannot be retracted in a MUC, so a correction replaces its text.
		if (id === undefined) return along({ ...draft, body: phrases.deleted }, correcting(pick(ids, "msg")));
		const words = { ...draft, body: phrases.retraction };
		return along(words, xml("retract", { xmlns: ns, id }), fallbackFor(ns), store());
	},
};

type Retraction = Readonly<{
	id: string;
	kind: IdKind;
	moderated: boolean;
	reason?: string | undefined;
	by?: string | undefined;
}>;

function current(stanza: Element, kind: IdKind): Retraction | undefined {
	const retract = child(stanza, "retract", ns);
	if (!retract) return undefined;
	const moderated = child(retract, "moderated", moderation);
	return {
		id: retract.attrs.id ?? "",
		kind,
		moderated: moderated !== undefined,
		reason: text(retract, "reason"),
		by: moderator(moderated),
	};
}

/**
 * COMPAT XEP-0424 before 0.4, XEP-0425 before 0.3: fastened (XEP-0422) to the sender's id, or (moderated) to the
 * MUC's.
 */
function older(stanza: Element): Retraction | undefined {
	const fastened = child(stanza, "apply-to", "urn:xmpp:fasten:0");
	const moderated = fastened && child(fastened, "moderated", "urn:xmpp:message-moderate:0");
	if (!fastened || !child(moderated ?? fastened, "retract", "urn:xmpp:message-retract:0")) return undefined;
	const reason = moderated && text(moderated, "reason");
	const by = moderator(moderated);
	return { id: fastened.attrs.id ?? "", kind: "msg", moderated: moderated !== undefined, reason, by };
}

/** XEP-0425 §4: returns the moderator's nick. */
function moderator(moderated: Element | undefined): string | undefined {
	const nick = resource(moderated?.attrs.by ?? "");
	return nick === undefined ? undefined : boundedId(nick);
}

/** XEP-0425 §4: returns the IQ that asks the MUC to retract a message. */
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

type Moderator = Readonly<{ jid: string; occupantId: string }>;

const moderatedBy = ({ jid, occupantId }: Moderator): Element =>
	xml(
		"moderated",
		{ xmlns: moderation, by: jid },
		xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: occupantId }),
	);

/** XEP-0425 §4: returns the content of the stanza by which a room announces that a moderator deleted a message. */
export const moderated = (id: string, by: Moderator, reason: string | undefined): readonly Node[] => [
	xml("retract", { xmlns: ns, id }, moderatedBy(by), reason && xml("reason", {}, reason)),
	store(),
];

/**
 * XEP-0424 §5: returns the element that takes the place of a deleted message's
 * content in an archive; `id` is that of the deletion.
 */
export const tombstone = (
	{ stamp, id, reason }: Readonly<{ stamp: string; id?: string | undefined; reason?: string | undefined }>,
	by: Moderator | undefined,
): Element =>
	xml(
		"retracted",
		{ xmlns: ns, stamp, id },
		by && moderatedBy(by),
		by && reason ? xml("reason", {}, reason) : undefined,
	);
