import { PermanentError } from "../core/errors.ts";
import * as phrases from "./phrases.ts";
import { isTopic } from "./topics.ts";

export type Publication = Readonly<{ topic: string; payload: string }>;

/** More than any thing takes from a person's hand, and within what every broker does. */
const largest = 64 * 1024;

/** "TOPIC VALUE", the value being all after the first space. @throws PermanentError with the reason. */
export function toMqtt(args: string): Publication {
	const [, topic = "", payload = ""] = /^(\S+)\s(.*)$/s.exec(args) ?? [];
	if (topic === "") throw new PermanentError("invalid", phrases.commandUsage("pub", "TOPIC VALUE"));
	if (!isTopic(topic)) throw new PermanentError("invalid", phrases.notPublishable(topic));
	const bytes = Buffer.byteLength(payload);
	if (bytes > largest) throw new PermanentError("invalid", phrases.valueTooLarge(bytes, largest));
	return { topic, payload };
}
