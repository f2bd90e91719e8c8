import type { BridgeEvent, Digest, State, Words } from "./event.ts";

const wordsOf = ({ style, text, rich, media, more, location }: Words): Words => ({
	...{ style, text },
	...(rich && { rich }),
	...(media && { media }),
	...(more && { more }),
	...(location && { location }),
});

/** Returns the digest of two values, each of which may have one already. */
function both(held: State, later: State): Digest {
	const [values = 0, more = 0] = [held, later].map(({ digest }) => digest?.values ?? 1);
	return { values: values + more, since: held.digest?.since ?? held.at };
}

/**
 * Returns `held` with the content of the later event: of an edit for a message or an earlier edit, of a new value for the
 * value of a thing. All else stays that of `held`: its id, its place in the conversation, its reply and its thread.
 */
export function merged(held: BridgeEvent, later: BridgeEvent): BridgeEvent {
	if (held.kind === "state" && later.kind === "state") {
		const { at, label, value, media, until } = later;
		const { media: _media, until: _until, ...left } = held;
		return {
			...left,
			at,
			label,
			value,
			...(media && { media }),
			...(until !== undefined && { until }),
			...(!held.replaces && { digest: both(held, later) }),
		};
	}
	if (later.kind !== "edit" || (held.kind !== "message" && held.kind !== "edit")) return held;
	const { rich: _rich, media: _media, more: _more, location: _location, ...left } = held;
	const words = wordsOf(later);
	if (left.kind === "message") return { ...left, ...words };
	// Each of the two edits may have brought another file than the target's.
	const newMedia = left.newMedia ?? later.newMedia;
	return { ...left, ...words, at: later.at, ...(newMedia && { newMedia }) };
}
