import { ownId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, type Node, xml } from "../stream/xml.ts";
import { along, type MessageFeature, prefixed } from "./feature.ts";

const ns = "urn:xmpp:message-correct:0";

/** XEP-0308: names the first version by the id its sender gave it, never by the room's. */
export const corrections: MessageFeature = {
	vars: [ns],
	read(stanza, heard, { author = "" }) {
		const id = child(stanza, "replace", ns)?.attrs.id;
		if (!id) return heard;
		// §4: only who wrote a message may correct it. Without an author nothing is found, and it says that it corrects.
		const target = ownId("msg", id, author);
		return { ...heard, act: { kind: "edit", target: { id: target, own: target } } };
	},
	write(event, draft, { refs }) {
		if (event.kind !== "edit") return draft;
		const id = pick(refs[event.target.own ?? event.target.id], "msg");
		// Core asked before; an id of another kind is of no use here.
		return id === undefined ? prefixed(draft, phrases.correction("")) : along(draft, correcting(id));
	},
};

export const correcting = (id: string | undefined): Node => id && xml("replace", { xmlns: ns, id });
