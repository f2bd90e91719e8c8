import { corrections } from "./corrections.ts";
import { delays } from "./delay.ts";
import { emotes } from "./emotes.ts";
import { encryption } from "./encryption.ts";
import { fallbacks } from "./fallback.ts";
import type { MessageFeature } from "./feature.ts";
import { files } from "./files.ts";
import { formatting } from "./formatting/index.ts";
import { places } from "./location.ts";
import { mentions } from "./mentions.ts";
import { reactions } from "./reactions.ts";
import { replies } from "./replies.ts";
import { retractions } from "./retractions.ts";
import { bits } from "./stickers.ts";
import { subjects } from "./subjects.ts";
import { threads } from "./threads.ts";

const acts = [corrections, retractions, reactions];
// A body that is there for clients without these is not said. (Files see to theirs themselves.)
const understood = fallbacks([...acts, replies].flatMap(({ vars }) => vars));

/** From the outside in: what is not the words, what the words are about, the words, and whether they are any. */
export const readers: readonly MessageFeature[] = [
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
export const writers: readonly MessageFeature[] = [
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
