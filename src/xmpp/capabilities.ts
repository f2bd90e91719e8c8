import type { Capabilities } from "../core/network.ts";

/** In a MUC our people are occupants: their coming, going and renaming is shown by the room itself. */
export const joined = {
	message: "native",
	membership: "native",
	profile: "native",
	state: "text",
} as const satisfies Capabilities;

/** In a chat of two there is nobody to come or go. */
export const direct = {
	message: "native",
	membership: "drop",
	profile: "drop",
	state: "text",
} as const satisfies Capabilities;
