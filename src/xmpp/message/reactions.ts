import { newIn } from "../../core/reactions.ts";
import { messageId, pick } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { child, xml } from "../stream/xml.ts";
import { fallbackFor } from "./fallback.ts";
import { along, type MessageFeature } from "./feature.ts";
import { store } from "./hints.ts";

const ns = "urn:xmpp:reactions:0";
/** What one person can show on one message, and characters of each: bounds what a stranger makes us keep and send. */
const [most, longest] = [20, 64];

/** XEP-0444: always everything its sender shows, nothing for nothing. */
export const reactions: MessageFeature = {
	vars: [ns],
	read(stanza, heard, { named }) {
		const element = child(stanza, "reactions", ns);
		const id = element?.attrs.id;
		if (!element || !id) return heard;
		const emoji = element.getChildren("reaction").map((one) => one.getText().trim());
		return {
			...heard,
			act: {
				kind: "reaction",
				target: { id: messageId(named, id) },
				mode: "set",
				emoji: emoji.filter((one) => one !== "" && one.length <= longest).slice(0, most),
			},
		};
	},
	write(event, draft, { refs, named, shown, reactions: how }) {
		if (event.kind !== "reaction") return draft;
		const id = pick(refs[event.target.id], named);
		const element =
			id && xml("reactions", { xmlns: ns, id }, ...event.emoji.map((one) => xml("reaction", {}, one)));
		const given = newIn(event.emoji, shown);
		const words = `/me ${phrases.reacted(given.join(" "), event.target.text)}`;
		// What is taken back was never a line of its own.
		const silent = given.length === 0;
		// It came while the room kept no archive.
		if (!element) return silent ? draft : { ...draft, body: words };
		if (silent || how === "native") return along(draft, element, store());
		return along({ ...draft, body: words }, element, fallbackFor(ns), store());
	},
};
