import { nameOf } from "../core/names.ts";
import type { Person } from "../core/person.ts";
import type { Picture, Pictures } from "./pictures.ts";
import { child, type Element, text, xml } from "./stream/xml.ts";

/** The picture of a person in presences (XEP-0153), in vCards (XEP-0054) and in the nodes of an account (XEP-0084). Pure. */

const ns = "vcard-temp:x:update";

/** Returns the element that names a picture by its hash; without one it says that there is none. */
export const photoUpdate = (sha1: string | undefined): Element =>
	xml("x", { xmlns: ns }, xml("photo", {}, sha1));

/**
 * Returns the element that tells the picture of a person; none if the picture is unknown, or was not read yet. `hash` returns
 * the hash of a picture that was read.
 */
export function photoFor({ avatar }: Pick<Person, "avatar">, hash: Pictures["hash"]): readonly Element[] {
	if (avatar === undefined) return [];
	const sha1 = avatar ? hash(avatar) : undefined;
	// XEP-0153 §4.2: an empty photo says that there is none.
	return avatar === null || sha1 !== undefined ? [photoUpdate(sha1)] : [];
}

/**
 * Returns the hash of the picture that a presence names, in hex; "" if it
 * says that there is none, undefined if it says nothing.
 */
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

/** Characters of the longest picture in Base64: servers take no larger stanza. */
const longest = 512 * 1024;

/** Returns the bytes of a picture in Base64, as strangers write it; undefined for an empty one, and for one that is too long. */
export function decoded(base64: string): Buffer | undefined {
	if (base64.length > longest) return undefined;
	const bytes = Buffer.from(base64.replace(/\s+/g, ""), "base64");
	return bytes.length > 0 ? bytes : undefined;
}

/** Returns the bytes of the picture in a vCard (XEP-0054). A picture at a URL is left out: no stranger has us fetch one. */
export function photoBytes(card: Element): Buffer | undefined {
	const photo = card.getChild("PHOTO");
	const base64 = photo && text(photo, "BINVAL");
	return base64 === undefined ? undefined : decoded(base64);
}

/** Returns the full name in a vCard; undefined where it has none. */
export const fullNameIn = (card: Element): string | undefined => nameOf(text(card, "FN") ?? "") || undefined;

/** Returns the name that a person gives themselves in their vCard; undefined where it has none. */
export const nameIn = (card: Element): string | undefined =>
	fullNameIn(card) ?? (nameOf(text(card, "NICKNAME") ?? "") || undefined);

/** Returns the news of a ghost's picture for an account (XEP-0084 §4.1); without a picture it says that there is none. */
export const pictureEvent = (ghost: string, account: string, picture: Picture | undefined): Element =>
	xml(
		"message",
		{ type: "headline", from: ghost, to: account },
		xml(
			"event",
			{ xmlns: "http://jabber.org/protocol/pubsub#event" },
			xml(
				"items",
				{ node: avatarMetadata },
				xml(
					"item",
					{ id: picture?.sha1 ?? "none" },
					picture ? metadataOf(picture) : xml("metadata", { xmlns: avatarMetadata }),
				),
			),
		),
	);
