import { ownId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, type Node, xml } from "../stream/xml.ts";
import { along, type MessageFeature, prefixed } from "./feature.ts";

const ns = "urn:xmpp:message-correct:0";

/** XEP-0308: a correction refers to the original message by the id its sender chose, never by the MUC's stanza-id. */
export const corrections: MessageFeature = {
	vars: [ns],
	read(stanza, parsed, { author = "" }) {
		const id = child(stanza, "replace", ns)?.attrs.id;
		if (!id) return parsed;
		// §4: only the author may correct a message. An id without an author matches nothing, so core shows the text as
		// a new message that is marked as a correction.
		const target = ownId("msg", id, author);
		return { ...parsed, act: { kind: "edit", target: { id: target, own: target } } };
	},
	write(event, draft, { refs }) {
		if (event.kind !== "edit") return draft;
		const id = pick(refs[event.target.own ?? event.target.id], "msg");
		// Core has checked that the target is known; only its id of the kind `msg` can be used here.
		return id === undefined ? prefixed(draft, phrases.correction("")) : along(draft, correcting(id));
	},
};

export const correcting = (id: string | undefined): Node => id && xml("replace", { xmlns: ns, id });
