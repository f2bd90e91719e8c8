import { PermanentError } from "../core/errors.ts";
import * as phrases from "./phrases.ts";
import { isTopic } from "./topics.ts";

export type Publication = Readonly<{ topic: string; payload: string }>;

/** More than any thing takes from a person's hand, and within what every broker does. */
const largest = 64 * 1024;

/** Returns what to publish. @throws PermanentError with the reason where no broker takes that. */
export function toMqtt({ topic, value: payload }: Readonly<{ topic: string; value: string }>): Publication {
	if (!isTopic(topic)) throw new PermanentError("invalid", phrases.notPublishable(topic));
	const bytes = Buffer.byteLength(payload);
	if (bytes > largest) throw new PermanentError("invalid", phrases.valueTooLarge(bytes, largest));
	return { topic, payload };
}
