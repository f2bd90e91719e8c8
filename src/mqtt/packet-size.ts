/**
 * Returns a function that reads the packet lengths of an MQTT stream, chunk by chunk. From the first packet on whose length is
 * more than `most` bytes it returns that length, before the library collects them; until then undefined. // MQTT 5 §2.1.4
 */
export function createSizeCheck(most: number): (chunk: Uint8Array) => number | undefined {
	/** Bytes of the packet that are still to come; undefined while its length is being read. */
	let rest: number | undefined;
	/** Bytes of the fixed header so far, and the length they give. */
	let header = 0;
	let length = 0;
	let excess: number | undefined;

	return (chunk) => {
		for (let at = 0; excess === undefined && at < chunk.length; ) {
			if (rest !== undefined) {
				const taken = Math.min(rest, chunk.length - at);
				at += taken;
				rest -= taken;
			} else {
				const byte = chunk[at++] ?? 0;
				if (header > 0) length += (byte & 0x7f) * 128 ** (header - 1);
				// A fifth byte of the length is none of MQTT's, and the library ends the connection over it.
				if (header === 0 || (byte & 0x80 && header < 4)) {
					header++;
					continue;
				}
				if (length > most) excess = length;
				rest = length;
			}
			if (rest === 0) [rest, header, length] = [undefined, 0, 0];
		}
		return excess;
	};
}
