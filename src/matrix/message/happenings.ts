import type { Words } from "../../core/event.ts";
import { oneLine } from "../../core/names.ts";
import {
	asObject,
	type Content,
	fieldOf,
	labelOf,
	type MatrixEvent,
	type ReadContext,
	text,
} from "../event.ts";
import * as phrases from "../phrases.ts";
import type { Happening } from "../treatments.ts";
import { placeIn } from "./words.ts";

const did = (line: string): Words => ({ style: "emote", text: line });
/** Characters of a name or topic in a sentence. */
const longest = 500;
const line = (value: unknown) => oneLine(text(value), longest);

/**
 * Returns what somebody did in the room, in words; undefined if it is nothing to read, such as a repetition. `short`
 * returns the beginning of another event.
 */
export function happeningIn(
	as: Happening,
	event: MatrixEvent,
	around: ReadContext,
	short: (event: MatrixEvent) => string,
): Words | undefined {
	const { content } = event;
	const before = asObject(event.unsigned?.prev_content);
	const { begins = true, last } = around.phase ?? {};
	switch (as) {
		case "live-location":
			if (content.live === true)
				return did(phrases.liveBegins(line(content.description), minutes(content.timeout)));
			return before.live === true || last ? did(phrases.liveEnds(last)) : undefined;
		case "live-position": {
			const location = begins ? placeIn(content) : undefined;
			return location && { style: "text", text: "", location };
		}
		case "call":
			return did(phrases.calls(text(asObject(content.offer).sdp).includes("m=video")));
		case "group-call":
			return begins ? did(phrases.startedCall) : undefined;
		case "pins": {
			const id = pinned(event);
			const target = id ? around.event(id) : undefined;
			return id ? did(phrases.pinned(target && short(target))) : undefined;
		}
		case "topic":
			return changed(content, before, (of) => line(topicOf(of)), phrases.changedTopic, phrases.removedTopic);
		case "name":
			return changed(content, before, (of) => line(of.name), phrases.renamedRoom, phrases.removedName);
		case "picture":
			return text(content.url) === text(before.url) ? undefined : did(phrases.changedPicture);
		case "upgrade":
			return did(phrases.upgradedRoom);
		case "encryption":
			return before.algorithm === undefined ? did(phrases.turnedOnEncryption) : undefined;
		case "widget":
			return widget(content, before);
		case "voice-broadcast":
			return content.state === "started" ? did(phrases.startedBroadcast) : undefined;
		default:
			return as satisfies never;
	}
}

const minutes = (timeout: unknown): number | undefined =>
	typeof timeout === "number" && timeout >= 30_000 && timeout < 1e12
		? Math.round(timeout / 60_000)
		: undefined;

/** Returns the topic in plain text. // Matrix spec, "m.room.topic" */
export const topicOf = (content: Content) => text(content.topic) || labelOf(content["m.topic"]);

function changed(
	content: Content,
	before: Content,
	read: (content: Content) => string,
	said: (now: string) => string,
	removed: string,
): Words | undefined {
	const now = read(content);
	return now === read(before) ? undefined : did(now ? said(now) : removed);
}

/** Returns the id of the message that a change of the pinned messages adds; undefined if it only removes. */
export function pinned({ content, unsigned }: MatrixEvent): string | undefined {
	const list = (of: unknown) => {
		const ids = fieldOf(of, "pinned");
		return Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string") : [];
	};
	const earlier = new Set(list(unsigned?.prev_content));
	return list(content).findLast((id) => !earlier.has(id));
}

/** Returns the words for a widget that came or went. Its own address is no page for readers, a conference's is. */
function widget(content: Content, before: Content): Words | undefined {
	const came = typeof content.type === "string" && before.type === undefined;
	const went = content.type === undefined && isConference(before);
	if (went) return did(phrases.endedConference);
	if (!came) return undefined;
	if (!isConference(content)) {
		const name = line(content.name);
		return did(name ? phrases.addedWidget(name) : phrases.addedSomeWidget);
	}
	const { domain, conferenceId } = asObject(content.data);
	const known = /^[a-z0-9.-]{3,100}$/i.test(text(domain)) && /^[\w-]{1,200}$/.test(text(conferenceId));
	return did(phrases.startedConference(known ? `https://${domain}/${conferenceId}` : undefined));
}

const isConference = ({ type }: Content) => type === "jitsi" || type === "m.jitsi";
