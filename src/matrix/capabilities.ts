import type { Capabilities } from "../core/network.ts";

/** What every Matrix room can show. A device's value has no display there, so it comes as words. */
export const capabilities = {
	message: "native",
	membership: "native",
	profile: "native",
	state: "text",
} as const satisfies Capabilities;
