import type { Words } from "../../core/event.ts";
import { asObject, type Content, isContent, isId, type ReadContext, relationOf, text } from "../event.ts";
import { formOf } from "../msgtypes.ts";
import * as phrases from "../phrases.ts";
import { mediaIn } from "./attachments.ts";
import { richIn, withNames } from "./mentions.ts";

const act = (line: string): Words => ({ style: "emote", text: line });

/** Returns the body without the fallback of a reply, and with names in place of MXIDs. */
export function bodyIn(content: Content, person: ReadContext["person"]): string {
	const written = text(content.body);
	const body = relationOf(content).reply ? withoutQuote(written) : written;
	return withNames(body.replace(quotedAuthor, namedBy(person)), content, person);
}

/** Returns the text, file or place of a m.room.message; without its formatting unless `formatted`. */
export function wordsIn(
	content: Content,
	{ person }: Pick<ReadContext, "person">,
	formatted = true,
): Words | undefined {
	const body = bodyIn(content, person);
	const say = (style: Words["style"]): Words | undefined => {
		if (!body) return undefined;
		const rich = formatted ? richIn(content, body, person) : undefined;
		return { style, text: body, ...(rich && { rich }) };
	};
	const form = formOf(content.msgtype);
	switch (form) {
		case "text":
		case "emote":
		case "notice":
			return say(form);
		case "file": {
			const msgtype = text(content.msgtype);
			const file = mediaIn(msgtype, content, body);
			if (file) {
				const rich = file.caption && formatted ? richIn(content, file.caption, person) : undefined;
				return { style: "text", text: file.caption, ...(rich && { rich }), media: file.media };
			}
			const name = text(content.filename) || body;
			const thing = "org.matrix.msc3245.voice" in content ? "voice message" : msgtype.slice(2);
			return act(phrases.sentFile(thing, name, body === name ? undefined : body));
		}
		case "gallery":
			return galleryIn(content, formatted ? richIn(content, body, person) : undefined, body) ?? say("text");
		case "place": {
			const location = placeIn(content);
			return location ? { style: "text", text: "", location } : say("text");
		}
		case "dropped":
			return undefined;
		default:
			return form satisfies never;
	}
}

/** The most files of a gallery that cross. */
const mostFiles = 20;

/** Returns the files of a gallery, with the body as their caption; undefined without a usable file. // MSC4274 */
function galleryIn(content: Content, rich: Words["rich"], caption: string): Words | undefined {
	const items = Array.isArray(content.itemtypes)
		? content.itemtypes.slice(0, mostFiles).filter(isContent)
		: [];
	const [media, ...more] = items.flatMap(
		(item) => mediaIn(text(item.itemtype), item, text(item.body))?.media ?? [],
	);
	if (!media) return undefined;
	return { style: "text", text: caption, ...(rich && { rich }), media, ...(more.length > 0 && { more }) };
}

export function stickerIn(content: Content): Words | undefined {
	const body = text(content.body);
	const file = mediaIn("m.sticker", content, body);
	// The name of a sticker is its caption, because few clients show the alt text of a picture.
	return file ? { style: "text", text: body.trim(), media: file.media } : act(phrases.sentSticker(body));
}

// COMPAT Clients before Matrix v1.13 put a reply fallback above their text: the author's MXID, lines that begin with ">",
// and an empty line. A quote without an MXID is the sender's own text and stays.
const quote = /^> (?:\* )?<([^>\n]+)>([^\n]*\n(?:>(?: [^\n]*|)\n)*)\n/;
const withoutQuote = (body: string) => body.replace(quote, "");

/** The author of a quote, as reply fallbacks name them; also in a forwarded or edited message, which is no reply itself. */
const quotedAuthor = /^((?:> ?){1,10}(?:\* )?)<(@[^:\s<>]+:[^\s<>]+)>/gm;
const namedBy = (person: ReadContext["person"]) => (all: string, start: string, mxid: string) =>
	isId(mxid) ? `${start}${person(mxid).name ?? mxid.slice(1, mxid.indexOf(":"))}:` : all;
/** The most authors of quotes in one message who are looked up. */
const mostQuoted = 20;
/** Returns the MXIDs of the people whom a body quotes by reply fallbacks. */
export const quotedPeople = (content: Content): readonly string[] =>
	[...text(content.body).matchAll(quotedAuthor)]
		.slice(0, mostQuoted)
		.map(([, , mxid = ""]) => mxid)
		.filter(isId);

/** Returns the author and the text in a reply fallback, for a reply whose target cannot be fetched. */
export function quoteIn(content: Content): Readonly<{ author: string; text: string }> | undefined {
	const [, author = "", lines = ""] = quote.exec(text(content.body)) ?? [];
	const words = lines.replace(/^> ?/gm, "").trim();
	return /^@[^:\s]+:\S+$/.test(author) && isId(author) && words ? { author, text: words } : undefined;
}

/** Returns the place of a m.location or m.beacon, undefined without a valid geo: URI. // Matrix spec, "m.location"; MSC3488 */
export function placeIn(content: Content): Words["location"] {
	const place = asObject(content["m.location"] ?? content["org.matrix.msc3488.location"]);
	const geo = text(content.geo_uri) || text(place.uri);
	if (!/^geo:-?\d+(\.\d+)?,-?\d+(\.\d+)?(,-?\d+(\.\d+)?)?(;[\w.=;-]*)?$/i.test(geo)) return undefined;
	const body = text(content.body);
	// A body with the coordinates is the fallback text and no description.
	const description = text(place.description) || (body.includes(geo.split(";")[0] ?? geo) ? "" : body);
	return { geo, ...(description && { description }) };
}

export const location = (geo: string, description: string | undefined): Content => ({
	msgtype: "m.location",
	geo_uri: geo,
	"org.matrix.msc3488.location": { uri: geo, ...(description && { description }) },
});
