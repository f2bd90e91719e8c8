import type { Picture } from "./pictures.ts";
import { child, type Element, xml } from "./stream/xml.ts";

/** The picture of a person in presences (XEP-0153), in vCards (XEP-0054) and in the nodes of an account (XEP-0084). Pure. */

const ns = "vcard-temp:x:update";

/** Returns the element that names a picture by its hash; without one it says that there is none. */
export const photoUpdate = (sha1: string | undefined): Element =>
	xml("x", { xmlns: ns }, xml("photo", {}, sha1));

/** Returns the hash of the picture that a presence names, in hex; "" if it says that there is none, undefined if it says nothing. */
export function photoIn(presence: Element): string | undefined {
	const photo = child(presence, "x", ns)?.getChild("photo");
	if (!photo) return undefined;
	const hash = photo.getText().trim().toLowerCase();
	return hash === "" || /^[0-9a-f]{40}$/.test(hash) ? hash : undefined;
}

/** Returns the element of a vCard with the picture. */
export const photoOf = ({ mime, base64 }: Picture): Element =>
	xml("PHOTO", {}, xml("TYPE", {}, mime), xml("BINVAL", {}, base64));

/** The nodes of an account with its picture (XEP-0084 §4). */
export const [avatarData, avatarMetadata] = ["urn:xmpp:avatar:data", "urn:xmpp:avatar:metadata"];

/** Returns what a node tells of a picture (XEP-0084 §4.2). */
export const metadataOf = ({ mime: type, sha1: id, size: bytes, width, height }: Picture): Element =>
	xml(
		"metadata",
		{ xmlns: avatarMetadata },
		xml("info", { id, type, bytes: `${bytes}`, width: `${width}`, height: `${height}` }),
	);
