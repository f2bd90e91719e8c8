/** The charset that a content type names, such as `text/plain; charset=iso-8859-1`. // RFC 9110 §8.3.2 */
const charsetOf = /^\s*text\/[^;]*;(?:[^;]*;)*?\s*charset\s*=\s*"?([\w.:+-]{1,40})/i;

/**
 * Returns the payload of a publication in UTF-8, if its content type says that it is a text in another charset; else the payload
 * itself, also for a charset that the bridge does not know. Pure.
 */
export function asUtf8(payload: Buffer, contentType = ""): Buffer {
	const [, charset = "utf-8"] = charsetOf.exec(contentType) ?? [];
	if (/^(?:utf-?8|us-ascii)$/i.test(charset)) return payload;
	try {
		return Buffer.from(new TextDecoder(charset).decode(payload));
	} catch (error) {
		if (error instanceof RangeError) return payload;
		throw error;
	}
}
