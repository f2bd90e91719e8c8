import { spend } from "../../core/budget.ts";
import { oneLine } from "../../core/names.ts";
import { topicText } from "../../core/room-info.ts";
import { type Happening, isHappening, treatmentOf } from "../payload-kinds.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, text } from "../stream/xml.ts";
import { type MessageFeature, points, wordsOf } from "./feature.ts";
import { inDefaultLanguage } from "./language.ts";

/** Characters of a title or topic in a sentence. */
const longest = 500;
const line = (words: string | undefined) => oneLine(words ?? "", longest);

/** Reads the acts in messages without a body: a call, a wish for attention, a form, a new topic of a MUC. */
export const happenings: MessageFeature = {
	vars: ["urn:xmpp:attention:0"],
	read(stanza, parsed, where) {
		const { media, location, act, nothing } = parsed;
		if (media || location || act || nothing || wordsOf(parsed) !== "") return parsed;
		const topic = where.room ? undefined : topicIn(stanza);
		const said = happeningIn(stanza) ?? (topic === undefined ? undefined : changed(line(topic)));
		const sets = topic !== undefined && { sets: { topic: topicText(topic) } };
		return said === undefined
			? parsed
			: { ...parsed, ...sets, style: "emote", body: points(said), mentions: [] };
	},
};

function happeningIn(stanza: Element): string | undefined {
	const payload = payloadIn(stanza);
	return payload && inWords(payload.as, payload.element);
}

/** Returns the first payload that says what somebody does. */
export function payloadIn(stanza: Element): Readonly<{ as: Happening; element: Element }> | undefined {
	spend(stanza.children.length);
	for (const element of stanza.getChildElements()) {
		const as = treatmentOf(element);
		if (isHappening(as)) return { as, element };
	}
	return undefined;
}

function inWords(as: Happening, element: Element): string | undefined {
	switch (as) {
		case "call": {
			const video = element.getChildren("description").some(({ attrs }) => attrs.media === "video");
			return phrases.calls(video);
		}
		case "call-invite": {
			const uri = line(element.getChild("external")?.attrs.uri);
			return phrases.invitesToCall(/^https?:\/\/\S+$/i.test(uri) ? uri : undefined);
		}
		case "attention":
			return phrases.wantsAttention;
		case "form":
			return element.attrs.type === "form" ? phrases.sentForm(line(text(element, "title"))) : undefined;
		default:
			return as satisfies never;
	}
}

const changed = (topic: string) => (topic ? phrases.changedTopic(topic) : phrases.removedTopic);

/**
 * Returns the new topic of a MUC. XEP-0045 §8.1: a subject without a body and a thread changes the topic. §7.2.15: at
 * a join the MUC repeats the topic, with the time when it was set, or in its own name.
 */
function topicIn(stanza: Element): string | undefined {
	const subject = inDefaultLanguage(stanza, "subject");
	if (stanza.attrs.type !== "groupchat" || !subject || child(stanza, "body") || child(stanza, "thread"))
		return undefined;
	if (child(stanza, "delay", "urn:xmpp:delay")) return undefined;
	return subject.getText();
}
