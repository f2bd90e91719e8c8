import type { Picture } from "../pictures.ts";
import { type Element, xml } from "../stream/xml.ts";
import { type Ghost, pictureOf, type Query } from "./query.ts";

const ns = "urn:ietf:params:xml:ns:vcard-4.0";

/** Tells the same of a person as the older vCard does, in the form of XEP-0292. */
export const vcard4: Query = {
	type: "get",
	name: "vcard",
	ns,
	where: ["account", "session"],
	features: [ns],
	answer: async ({ ghost }, context) => vcard4Of(ghost, await pictureOf(ghost, context)),
};

/** Returns the vCard of a person. Pure. */
export const vcard4Of = ({ name, jid, url }: Ghost, picture: Picture | undefined): Element =>
	xml(
		"vcard",
		{ xmlns: ns },
		xml("fn", {}, xml("text", {}, name)),
		xml("nickname", {}, xml("text", {}, name)),
		jid && xml("impp", {}, xml("uri", {}, `xmpp:${jid}`)),
		url && xml("url", {}, xml("uri", {}, url)),
		// RFC 6350 §6.2.4
		picture && xml("photo", {}, xml("uri", {}, `data:${picture.mime};base64,${picture.base64}`)),
	);
