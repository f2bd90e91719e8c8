import { withinBudget } from "../../core/budget.ts";
import { plain } from "../../core/rich.ts";
import type { Element } from "../stream/xml.ts";
import { chatStates } from "./chat-states.ts";
import { corrections } from "./corrections.ts";
import { delays } from "./delay.ts";
import { emotes } from "./emotes.ts";
import { encryption } from "./encryption.ts";
import { fallbacks } from "./fallback.ts";
import {
	type Draft,
	type MessageFeature,
	type ParsedMessage,
	points,
	type ReadContext,
	type Sayable,
	type WriteContext,
	wordsOf,
} from "./feature.ts";
import { files } from "./files.ts";
import { formatting } from "./formatting/index.ts";
import { happenings } from "./happenings.ts";
import { bodyOf } from "./language.ts";
import { places } from "./location.ts";
import { markers } from "./markers.ts";
import { mentions } from "./mentions.ts";
import { passedRooms } from "./passed-rooms.ts";
import { reactions } from "./reactions.ts";
import { replies } from "./replies.ts";
import { retractions } from "./retractions.ts";
import { deepest, fits, largest, sizeOfEvent, sizeOfStanza, withoutFormatting } from "./size.ts";
import { bits } from "./stickers.ts";
import { subjects } from "./subjects.ts";
import { threads } from "./threads.ts";

const acts = [corrections, retractions, reactions];
// Removes fallback bodies for these features. (`files` removes its own.)
const understood = fallbacks([...acts, replies].flatMap(({ vars }) => vars));

/** In reading order: parts that are no text, then references to other messages, then the text, then its readability. */
const readers: readonly MessageFeature[] = [
	understood,
	files,
	bits,
	emotes,
	places,
	...acts,
	replies,
	threads,
	mentions,
	formatting,
	subjects,
	happenings,
	encryption,
	passedRooms,
];
/** In writing order: the body, then prefixes of it, then elements that describe it. */
const writers: readonly MessageFeature[] = [
	formatting,
	files,
	places,
	emotes,
	replies,
	mentions,
	...acts,
	threads,
	delays,
	passedRooms,
];
/** The features that carry core's signals, see signals.ts. */
const passing: readonly MessageFeature[] = [chatStates, markers];

/** The message features that ghosts announce by disco#info (XEP-0030). */
export const vars: readonly string[] = [
	...new Set([...readers, ...writers, ...passing].flatMap((feature) => feature.vars)),
];

/**
 * Reads a stanza with all features, and returns the result and its text without formatting. Each feature has a budget of
 * steps that grows with the stanza (the loops call `spend`). A feature that exceeds its budget is left out; the text
 * still crosses. Only this function runs the readers.
 */
export function readMessage(
	stanza: Element,
	where: ReadContext,
): Readonly<{ parsed: ParsedMessage; words: string }> {
	const body = points(bodyOf(stanza) ?? "");
	const blank: ParsedMessage = { style: "text", body, mentions: [], aka: [] };
	const { size, depth } = sizeOfStanza(stanza);
	if (depth > deepest) return { parsed: blank, words: wordsOf(blank) };
	const parsed = readers.reduce<ParsedMessage>(
		(before, feature) =>
			withinBudget(
				size,
				() => feature.read?.(stanza, before, where) ?? before,
				() => before,
			),
		blank,
	);
	const { rich, ...unformatted } = parsed;
	if (rich && fits(rich, size)) {
		// Quotes keep their "> ", so that plain text does not attribute quoted words to the sender.
		const words = plain(rich, "> ");
		if (words.length <= largest(size)) return { parsed, words };
	}
	return { parsed: unformatted, words: wordsOf(unformatted) };
}

/**
 * Writes an event with all features, each within a budget as in {@link readMessage}; past it the text goes
 * unformatted.
 */
export function writeMessage(event: Sayable, where: WriteContext): Draft {
	const size = sizeOfEvent(event);
	const unformatted = "rich" in event ? withoutFormatting(event) : event;
	const given = "rich" in event && event.rich && !fits(event.rich, size) ? unformatted : event;
	const known = new Map<string, ReturnType<WriteContext["of"]>>();
	const place: WriteContext = {
		...where,
		of(person) {
			const key = `${person.network} ${person.id}`;
			const found = known.get(key) ?? where.of(person);
			known.set(key, found);
			return found;
		},
	};
	const write = (one: Sayable) =>
		writers.reduce<Draft>(
			(draft, feature) =>
				withinBudget(
					size,
					() => feature.write?.(one, draft, place) ?? draft,
					() => feature.write?.(unformatted, draft, place) ?? draft,
				),
			{ mentions: [], parts: [] },
		);
	const draft = write(given);
	return (draft.body?.length ?? 0) <= largest(size) ? draft : write(unformatted);
}
