import { textBytes } from "../core/bounded-map.ts";
import type { MessageId } from "../core/ids.ts";
import type { Cursor } from "../core/network.ts";
import type { Response } from "./from-mqtt.ts";

/** Values whose response topics are remembered, and bytes of these. */
const [remembered, mostBytes] = [1_000, 1_048_576];
/** The beginning of the keys under which they are stored. */
const prefix = "mqtt response ";

/**
 * Keeps the response topics that values name, with their correlation data [MQTT-3.3.2.3.5]: a person may answer a value after a
 * restart, too.
 */
export function createResponses() {
	/** By the id of the value, the oldest first. */
	const known = new Map<MessageId, Response>();
	let bytes = 0;
	/** Values whose response topics came or were forgotten since the last call of `changes`. */
	const changed = new Set<MessageId>();
	const bytesOf = (id: MessageId, { topic, correlation }: Response) =>
		textBytes(id, topic) + (correlation?.length ?? 0) + 100;

	function remove(id: MessageId): void {
		const one = known.get(id);
		if (!one) return;
		known.delete(id);
		bytes -= bytesOf(id, one);
		changed.add(id);
	}

	function note(id: MessageId, response: Response): void {
		remove(id);
		known.set(id, response);
		bytes += bytesOf(id, response);
		changed.add(id);
		for (const oldest of known.keys()) {
			if (known.size <= remembered && bytes <= mostBytes) break;
			remove(oldest);
		}
	}

	return {
		prefix,
		/** Takes the response topics that an earlier run has stored. */
		load(cursors: readonly Cursor[]): void {
			for (const { key, value } of cursors) {
				const { topic, correlation } = JSON.parse(value) as { topic: string; correlation?: string };
				const data = correlation !== undefined && { correlation: Buffer.from(correlation, "base64") };
				note(key.slice(prefix.length) as MessageId, { topic, ...data });
			}
			changed.clear();
		},
		note,
		of: (id: MessageId): Response | undefined => known.get(id),
		/** Returns the changes since the last call, to store them; a value of undefined removes a key. */
		changes(): readonly Readonly<{ key: string; value: string | undefined }>[] {
			const all = [...changed].map((id) => {
				const { topic, correlation } = known.get(id) ?? {};
				const data = correlation && { correlation: Buffer.from(correlation).toString("base64") };
				return {
					key: prefix + id,
					value: topic === undefined ? undefined : JSON.stringify({ topic, ...data }),
				};
			});
			changed.clear();
			return all;
		},
	};
}
