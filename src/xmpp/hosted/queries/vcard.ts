import { photoOf } from "../../photo.ts";
import { StanzaError } from "../../stanza-error.ts";
import { xml } from "../../stream/xml.ts";
import type { RoomQuery } from "./query.ts";
import { nameOf } from "./room-info.ts";

const ns = "vcard-temp";

/** Gives the picture of a room (XEP-0486 §3.4). */
export const vcard: RoomQuery = {
	type: "get",
	name: "vCard",
	ns,
	features: [ns],
	async answer({ place: { facts } }, { pictures }) {
		const picture = facts.picture ? await pictures.get(facts.picture) : undefined;
		const name = nameOf(facts);
		// XEP-0054 §3.1
		if (!picture && name === undefined) throw new StanzaError("item-not-found", "cancel");
		return xml(
			"vCard",
			{ xmlns: ns },
			name === undefined ? undefined : xml("FN", {}, name),
			picture && photoOf(picture),
		);
	},
};
