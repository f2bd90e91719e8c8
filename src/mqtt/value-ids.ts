import type { MessageId } from "../core/ids.ts";

/** Most characters of an id, within the bound of core (`boundedId`). */
const longest = 240;
/** The beginning of the id of the message that shows the latest value, beside one for each value. */
const latest = "latest ";

/** Returns the id of a value in its room. It names the topic, unless that is too long, so that an answer finds the thing. */
export const valueId = (id: string, topic: string) =>
	(Buffer.byteLength(id + topic) < longest ? `${id} ${topic}` : id) as MessageId;
export const latestId = (id: MessageId) => `${latest}${id}` as MessageId;

/** Returns the topic of a value, by its id; undefined if the id names none, as in releases up to 0.1.0. */
export function topicOf(id: MessageId): string | undefined {
	const value = id.startsWith(latest) ? id.slice(latest.length) : id;
	const at = value.indexOf(" ");
	return at < 0 ? undefined : value.slice(at + 1);
}
