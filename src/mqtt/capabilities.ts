import type { Capabilities } from "../core/network.ts";

/** A subscription only speaks; to things people talk by `pub`. */
export const capabilities: Capabilities = {
	message: "drop",
	membership: "drop",
	profile: "drop",
	state: "drop",
};
