/** Returns the charset that the content type of a text names, such as `text/plain; charset=iso-8859-1`. // RFC 9110 §8.3.2 */
function charsetIn(contentType: string): string | undefined {
	const [kind = "", ...parameters] = contentType.split(";");
	if (!/^\s*text\//i.test(kind)) return undefined;
	const found = parameters.map((one) => /^\s*charset\s*=\s*"?([\w.:+-]{1,40})/i.exec(one)?.[1]);
	return found.find((one) => one !== undefined);
}

/**
 * Returns the payload of a publication in UTF-8, if its content type says that it is a text in another charset; else the payload
 * itself, also for a charset that the bridge does not know. Pure.
 */
export function asUtf8(payload: Buffer, contentType = ""): Buffer {
	const charset = charsetIn(contentType) ?? "utf-8";
	if (/^(?:utf-?8|us-ascii)$/i.test(charset)) return payload;
	try {
		return Buffer.from(new TextDecoder(charset).decode(payload));
	} catch (error) {
		if (error instanceof RangeError) return payload;
		throw error;
	}
}
