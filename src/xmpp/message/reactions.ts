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
/** Elements of one set that are looked at. */
const looked = 100;

/** XEP-0444: always everything its sender shows, nothing for nothing. */
export const reactions: MessageFeature = {
	vars: [ns],
	read(stanza, heard, { named }) {
		const element = child(stanza, "reactions", ns);
		const id = element?.attrs.id;
		if (!element || !id) return heard;
		const all = element.getChildren("reaction").slice(0, looked);
		const emoji = all.map((one) =>
			one
				.getText()
				.slice(0, 2 * longest)
				.trim(),
		);
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
		// The newest, where somebody shows more of them.
		const emoji = event.emoji.slice(-most);
		const element =
			id && xml("reactions", { xmlns: ns, id }, ...emoji.map((one) => xml("reaction", {}, one)));
		const given = newIn(emoji, shown);
		const words = `/me ${phrases.reacted(given.join(" "), event.target.text)}`;
		// What is taken back was never a line of its own.
		const silent = given.length === 0;
		// It came while the room kept no archive.
		if (!element) return silent ? draft : { ...draft, body: words };
		if (silent || how === "native") return along(draft, element, store());
		return along({ ...draft, body: words }, element, fallbackFor(ns), store());
	},
};
