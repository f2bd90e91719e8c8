import { photoOf } from "../photo.ts";
import type { Picture } from "../pictures.ts";
import { type Element, xml } from "../stream/xml.ts";
import { type Ghost, pictureOf, type Query } from "./query.ts";

const ns = "vcard-temp";

/** Tells the full name, of which a nick may hold a part only, the address, the profile and the picture of a person (XEP-0054). */
export const vcard: Query = {
	type: "get",
	name: "vCard",
	ns,
	// A MUC passes the query about an occupant on to the bare JID, some MUCs to the session.
	where: ["host", "account", "session"],
	features: [ns],
	answer: async ({ ghost }, context) => vcardOf(ghost, await pictureOf(ghost, context)),
};

/** Returns the vCard of a person. Pure. */
export const vcardOf = ({ name, jid, url }: Ghost, picture: Picture | undefined): Element =>
	xml(
		"vCard",
		{ xmlns: ns },
		xml("FN", {}, name),
		xml("NICKNAME", {}, name),
		jid && xml("JABBERID", {}, jid),
		url && xml("URL", {}, url),
		picture && photoOf(picture),
	);
