import { emojiForm } from "../../core/emoji.ts";
import { newIn } from "../../core/reactions.ts";
import { messageId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, xml } from "../stream/xml.ts";
import { fallbackFor } from "./fallback.ts";
import { along, type MessageFeature } from "./feature.ts";
import { store } from "./hints.ts";

const ns = "urn:xmpp:reactions:0";
/**
 * The most reactions of one person to one message, and the longest of each in characters: bounds what we store and
 * send.
 */
const [most, longest] = [20, 64];
/** The most `reaction` elements of one stanza that are read. */
const looked = 100;

/** XEP-0444: each stanza lists all current reactions of its sender; an empty list removes them. */
export const reactions: MessageFeature = {
	vars: [ns],
	read(stanza, parsed, { named }) {
		const element = child(stanza, "reactions", ns);
		const id = element?.attrs.id;
		if (!element || !id) return parsed;
		const all = element.getChildren("reaction").slice(0, looked);
		const emoji = all.map((one) =>
			one
				.getText()
				.slice(0, 2 * longest)
				.trim(),
		);
		return {
			...parsed,
			act: {
				kind: "reaction",
				target: { id: messageId(named, id) },
				mode: "set",
				emoji: emoji
					.filter((one) => one !== "" && one.length <= longest)
					.slice(0, most)
					.map(emojiForm),
			},
		};
	},
	write(event, draft, { refs, named, shown, reactions: how }) {
		if (event.kind !== "reaction") return draft;
		const id = pick(refs[event.target.id], named);
		// Past the limit, the newest reactions are sent.
		const emoji = event.emoji.slice(-most).map(emojiForm);
		const element =
			id && xml("reactions", { xmlns: ns, id }, ...emoji.map((one) => xml("reaction", {}, one)));
		const given = newIn(emoji, shown);
		const words = `/me ${phrases.reacted(given.join(" "), event.target.text)}`;
		// A removed reaction needs no text.
		const silent = given.length === 0;
		// Without an id (the message came while the MUC had no archive) only text can say it.
		if (!element) return silent ? draft : { ...draft, body: words };
		if (silent || how === "native") return along(draft, element, store());
		return along({ ...draft, body: words }, element, fallbackFor(ns), store());
	},
};
