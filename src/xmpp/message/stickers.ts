import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { PermanentError } from "../../core/errors.ts";
import type { Media } from "../../core/event.ts";
import type { NetworkName } from "../../core/ids.ts";
import type { Opened } from "../../core/media.ts";
import { bareType } from "../../media/types.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import type { MessageFeature } from "./feature.ts";
import { bodyOf, inDefaultLanguage } from "./language.ts";

const ns = "urn:xmpp:bob";
const network = "xmpp" as NetworkName;
/** The largest picture within a stanza that is kept, in base64 characters; XEP-0231 §5 recommends at most 8 KiB. */
const largest = 64 * 1024;
/** How long the sender has to answer a request for a picture, in ms. Their message waits meanwhile. */
const patience = 10_000;
// RFC 2397
const dataForm = /^data:(image\/[\w.+-]+);base64,([A-Za-z0-9+/]+=*)$/;
const cidForm = /^(sha1|sha-256|sha256)\+([0-9a-f]+)@bob\.xmpp\.org$/;

/** XEP-0231: a message that contains one picture and no text, as clients without uploads send stickers. */
export const bits: MessageFeature = {
	vars: [],
	read(stanza, parsed) {
		const html = child(stanza, "html", "http://jabber.org/protocol/xhtml-im");
		const rich = html && inDefaultLanguage(html, "body");
		const only = rich && onlyImage(rich);
		const picture = only && bitsAt(stanza, only.attrs.src ?? "");
		if (!picture) return parsed;
		const alt = only.attrs.alt || bodyOf(stanza) || "";
		const media = {
			...picture,
			kind: "sticker" as const,
			name: "sticker",
			...(alt && { alt }),
		};
		return { ...parsed, media, body: [] };
	},
};

/**
 * Returns the picture of a `cid:` URI (its bytes are in the stanza, or can be requested from the sender) or of a `data:`
 * URI. Undefined for any other URI.
 */
export function bitsAt(stanza: Element, address: string): Pick<Media, "source" | "mime"> | undefined {
	const [, type = "", held = ""] = dataForm.exec(address) ?? [];
	if (held !== "" && held.length <= largest) {
		const hash = createHash("sha1").update(Buffer.from(held, "base64")).digest("hex");
		return { source: { network, ref: `data sha1+${hash}@bob.xmpp.org ${held}` }, mime: type };
	}
	const cid = address.startsWith("cid:") ? address.slice("cid:".length) : "";
	if (!cidForm.test(cid)) return undefined;
	const data = stanza.getChildren("data", ns).find((one) => one.attrs.cid === cid);
	const mime = bareType(data?.attrs.type);
	const { from = "", to = "" } = stanza.attrs;
	const bytes = data?.getText().replace(/\s/g, "") ?? "";
	const ref = bytes !== "" && bytes.length <= largest ? `data ${cid} ${bytes}` : `cid ${cid} ${to} ${from}`;
	return { source: { network, ref }, ...(mime && { mime }) };
}

/** Returns the image of a body that contains one image and no text. */
function onlyImage(body: Element): Element | undefined {
	const images: Element[] = [];
	const words = (element: Element): boolean =>
		element.children.some((node) => {
			if (typeof node === "string") return node.trim() !== "";
			if (node.getName() === "img") images.push(node);
			return words(node);
		});
	return !words(body) && images.length === 1 ? images[0] : undefined;
}

export const isBits = (ref: string): boolean => /^(data|cid) /.test(ref);

/**
 * Opens a picture of {@link bitsAt}: from the stanza, or by a request to the sender.
 * @throws PermanentError when the sender refuses or the hash differs, TemporaryError without an answer.
 */
export async function openBits(ref: string, link: Pick<Component, "iq">): Promise<Opened> {
	const [how, cid = "", of = "", ...rest] = ref.split(" ");
	// The sender's JID comes last, because a resource may contain blanks.
	const data = how === "data" ? { bytes: of, mime: undefined } : await ask(link, cid, of, rest.join(" "));
	const [, algorithm = "", hash] = cidForm.exec(cid) ?? [];
	const file = Buffer.from(data.bytes, "base64");
	const digest = createHash(algorithm.replace("sha-", "sha")).update(file).digest("hex");
	if (digest !== hash) throw new PermanentError("failed", phrases.fileDamaged);
	const { mime } = data;
	return { body: Readable.from([file], { objectMode: false }), size: file.length, ...(mime && { mime }) };
}

async function ask(link: Pick<Component, "iq">, cid: string, from: string, to: string) {
	try {
		const answer = await link.iq(
			xml("iq", { type: "get", from, to }, xml("data", { xmlns: ns, cid })),
			patience,
		);
		const data = child(answer, "data", ns);
		return { bytes: data?.getText() ?? "", mime: bareType(data?.attrs.type) };
	} catch (error) {
		if (error instanceof StanzaError)
			throw new PermanentError("not-found", phrases.fileGone, { cause: error });
		throw error;
	}
}
