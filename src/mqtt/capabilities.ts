import type { Capabilities } from "../core/capabilities.ts";

/** A subscription only speaks, so nothing is shown there; to things people talk by `pub`. */
export const capabilities: Partial<Capabilities> = {};
