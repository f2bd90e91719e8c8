import type { Capabilities } from "../core/capabilities.ts";

/** No event can be sent to a subscription; people publish with the command `pub`. */
export const capabilities: Partial<Capabilities> = {};
