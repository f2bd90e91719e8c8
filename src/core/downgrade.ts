import type { BridgeEvent } from "./event.ts";
import type { Capabilities } from "./network.ts";
import * as phrases from "./phrases.ts";

/** The event as a room with these capabilities can show it: itself, words in its place, or nothing. */
export function downgrade(event: BridgeEvent, capabilities: Capabilities): BridgeEvent | undefined {
	switch (capabilities[event.kind]) {
		case "native":
		case "mixed":
			return event;
		case "text":
			return words(event);
		case "drop":
			return undefined;
	}
}

function words(event: BridgeEvent): BridgeEvent | undefined {
	switch (event.kind) {
		case "message":
			return event;
		case "state": {
			const { key: _key, label, value, ...base } = event;
			return { ...base, kind: "message", style: "notice", text: phrases.value(label, value) };
		}
		// Who is there is shown by being there; in words it would be noise.
		case "membership":
		case "profile":
			return undefined;
		default:
			return event satisfies never;
	}
}
