import { withinBudget } from "../../core/budget.ts";
import { plain } from "../../core/rich.ts";
import { type Element, text } from "../stream/xml.ts";
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
import { places } from "./location.ts";
import { mentions } from "./mentions.ts";
import { reactions } from "./reactions.ts";
import { replies } from "./replies.ts";
import { retractions } from "./retractions.ts";
import { deepest, fits, largest, sizeOfEvent, sizeOfStanza, withoutFormatting } from "./size.ts";
import { bits } from "./stickers.ts";
import { subjects } from "./subjects.ts";
import { threads } from "./threads.ts";

const acts = [corrections, retractions, reactions];
// A body that is there for clients without these is not said. (Files see to theirs themselves.)
const understood = fallbacks([...acts, replies].flatMap(({ vars }) => vars));

/** From the outside in: what is not the words, what the words are about, the words, and whether they are any. */
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
	encryption,
];
/** From the inside out: the words, what stands before them, what is told of them. */
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
];

/** What disco says of all who speak. // XEP-0030 */
export const vars: readonly string[] = [
	...new Set([...readers, ...writers].flatMap((feature) => feature.vars)),
];

/**
 * Returns what the features read in a stanza, and its words without formatting. Nothing else runs them, so each works within a budget that grows with the
 * stanza; the loops and tree builders that they share call `spend`. Where a feature goes past its budget, the
 * message crosses without it, and the words stay.
 */
export function readMessage(
	stanza: Element,
	where: ReadContext,
): Readonly<{ heard: ParsedMessage; words: string }> {
	const body = points(text(stanza, "body") ?? "");
	const blank: ParsedMessage = { style: "text", body, mentions: [], aka: [] };
	const { size, depth } = sizeOfStanza(stanza);
	if (depth > deepest) return { heard: blank, words: wordsOf(blank) };
	const heard = readers.reduce<ParsedMessage>(
		(before, feature) =>
			withinBudget(
				size,
				() => feature.read?.(stanza, before, where) ?? before,
				() => before,
			),
		blank,
	);
	const { rich, ...unformatted } = heard;
	if (rich && fits(rich, size)) {
		// Where no formatting is shown, what is quoted must not pass for its sender's words.
		const words = plain(rich, "> ");
		if (words.length <= largest(size)) return { heard, words };
	}
	return { heard: unformatted, words: wordsOf(unformatted) };
}

/** Returns what a stanza says of an event, within a budget as {@link readMessage} has it; past it the words go unformatted. */
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
	const write = (said: Sayable) =>
		writers.reduce<Draft>(
			(draft, feature) =>
				withinBudget(
					size,
					() => feature.write?.(said, draft, place) ?? draft,
					() => feature.write?.(unformatted, draft, place) ?? draft,
				),
			{ mentions: [], parts: [] },
		);
	const draft = write(given);
	return (draft.body?.length ?? 0) <= largest(size) ? draft : write(unformatted);
}
