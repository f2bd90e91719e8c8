import { PermanentError } from "../core/errors.ts";
import * as phrases from "./phrases.ts";
import { isTopic } from "./topics.ts";

export type Publication = Readonly<{ topic: string; payload: string }>;

/** Largest payload in bytes: more than a typed value needs, and within the limits of every broker. */
const largest = 64 * 1024;

/** Returns the publication of a command's values. @throws PermanentError for a topic or value that no broker accepts. */
export function toMqtt({ topic, value: payload }: Readonly<{ topic: string; value: string }>): Publication {
	if (!isTopic(topic)) throw new PermanentError("invalid", phrases.notPublishable(topic));
	const bytes = Buffer.byteLength(payload);
	if (bytes > largest) throw new PermanentError("invalid", phrases.valueTooLarge(bytes, largest));
	return { topic, payload };
}
