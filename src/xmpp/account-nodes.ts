import { nameOf } from "../core/names.ts";
import { avatarMetadata, decoded } from "./photo.ts";
import { child, type Element, text, xml } from "./stream/xml.ts";
import { nickNs } from "./to-xmpp.ts";

/** The nodes in which accounts keep their name and picture (XEP-0163): requests, answers and news of them. Pure. */

const ns = "http://jabber.org/protocol/pubsub";
const vcardNs = "urn:ietf:params:xml:ns:vcard-4.0";
/** The node with the newer vCard of an account (XEP-0292). */
export const vcard4Node = "urn:xmpp:vcard4";

/** Returns the request for the item of a node: the one with this id, or else all of them. */
export const nodeRequest = (node: string, id?: string): Element =>
	xml("pubsub", { xmlns: ns }, xml("items", { node }, id === undefined ? undefined : xml("item", { id })));

/** Returns the first item in the answer to {@link nodeRequest}; undefined where the node is empty. */
export const itemIn = (answer: Element): Element | undefined =>
	child(answer, "pubsub", ns)?.getChild("items")?.getChild("item");

/** Returns the hash of the picture that an item names (XEP-0084 §4.2), in hex; "" for no picture, undefined for another item. */
export function pictureIn(item: Element | undefined): string | undefined {
	const metadata = item && child(item, "metadata", avatarMetadata);
	if (!metadata) return undefined;
	const all = metadata.getChildren("info");
	// A picture at a URL is left out: no stranger has us fetch one.
	const info = all.find(({ attrs: { id = "", url } }) => url === undefined && /^[0-9a-f]{40}$/i.test(id));
	if (info) return (info.attrs.id ?? "").toLowerCase();
	return all.length === 0 ? "" : undefined;
}

/** Returns the name in an item (XEP-0172); undefined in another item. */
export const nickIn = (item: Element | undefined): string | undefined =>
	(item && nameOf(text(item, "nick", nickNs) ?? "")) || undefined;

/** Returns the parts of a newer vCard that the bridge shows: the full name, or else the nickname, and the bytes of the picture. */
export function vcard4In(item: Element | undefined): Readonly<{ name?: string; picture?: Buffer }> {
	const card = item && child(item, "vcard", vcardNs);
	const named = (property: string) => {
		const found = card?.getChild(property);
		return found ? nameOf(text(found, "text") ?? "") : "";
	};
	const name = named("fn") || named("nickname");
	const uri = card?.getChild("photo")?.getChild("uri")?.getText().trim() ?? "";
	// RFC 6350 §6.2.4. A picture at any other URI is left out, as above.
	const [, base64] = /^data:image\/[^,]{1,100};base64,(.*)$/s.exec(uri) ?? [];
	const picture = base64 === undefined ? undefined : decoded(base64);
	return { ...(name && { name }), ...(picture && { picture }) };
}

/** Returns the news of an account in a message from it: the hash of its picture, "" for none, and its name. */
export function newsIn(message: Element): Readonly<{ photo?: string; name?: string }> {
	const items = child(message, "event", `${ns}#event`)?.getChild("items");
	const item = items?.getChild("item");
	const [name, photo] = [nickIn(item), pictureIn(item)];
	return { ...(name !== undefined && { name }), ...(photo !== undefined && { photo }) };
}
