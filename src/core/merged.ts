import type { BridgeEvent, Words } from "./event.ts";

const wordsOf = ({ style, text, rich, media, more, location }: Words): Words => ({
	...{ style, text },
	...(rich && { rich }),
	...(media && { media }),
	...(more && { more }),
	...(location && { location }),
});

/**
 * Returns `held` with the content of the later event: of an edit for a message or an earlier edit, of a new value for the
 * value of a thing. All else stays that of `held`: its id, its place in the conversation, its reply and its thread.
 */
export function merged(held: BridgeEvent, later: BridgeEvent): BridgeEvent {
	if (held.kind === "state" && later.kind === "state") {
		const { at, label, value } = later;
		return { ...held, at, label, value };
	}
	if (later.kind !== "edit" || (held.kind !== "message" && held.kind !== "edit")) return held;
	const { rich: _rich, media: _media, more: _more, location: _location, ...left } = held;
	const words = wordsOf(later);
	if (left.kind === "message") return { ...left, ...words };
	// Each of the two edits may have brought another file than the target's.
	const newMedia = left.newMedia ?? later.newMedia;
	return { ...left, ...words, at: later.at, ...(newMedia && { newMedia }) };
}
