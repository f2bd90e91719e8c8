import type { Capabilities } from "../core/capabilities.ts";

/** Of what core hands over, an answer to a thing's message is published as it is (`takes` in index.ts). */
export const capabilities: Partial<Capabilities> = { message: "native", reply: "native", reaction: "native" };
