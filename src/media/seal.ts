import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

const block = 16;

/**
 * Creates a seal, which signs and encrypts texts in tokens for URLs: the holder of a token can neither change nor read
 * its text. The same text gives the same token, so that a retry sends the same message. Each `purpose` has keys of its
 * own. This is the construction of RFC 5297: the HMAC of the text is both its signature and the start of the counter. The
 * signature has `tagLength` bytes, 16 at most.
 */
export function createSeal(secret: string, purpose: string, tagLength = block) {
	const key = (part: string) =>
		Buffer.from(hkdfSync("sha256", Buffer.from(secret, "base64url"), "", `trivium ${purpose} ${part}`, 32));
	const [signing, hiding] = [key("signing"), key("hiding")];
	const sign = (text: Buffer) => createHmac("sha256", signing).update(text).digest().subarray(0, tagLength);

	const counter = (tag: Buffer) => Buffer.concat([tag, Buffer.alloc(block - tagLength)]);

	return {
		close(text: string | Buffer): string {
			const bytes = Buffer.from(text);
			const tag = sign(bytes);
			const hidden = createCipheriv("aes-256-ctr", hiding, counter(tag)).update(bytes);
			return Buffer.concat([tag, hidden]).toString("base64url");
		},
		/** Returns the bytes in a token; undefined for a token that this seal did not make. */
		open(token: string): Buffer | undefined {
			const bytes = Buffer.from(token, "base64url");
			// A token has one spelling only, and at least the length of a tag.
			if (bytes.length < tagLength || bytes.toString("base64url") !== token) return undefined;
			const tag = bytes.subarray(0, tagLength);
			const text = createDecipheriv("aes-256-ctr", hiding, counter(tag)).update(bytes.subarray(tagLength));
			return timingSafeEqual(sign(text), tag) ? text : undefined;
		},
	};
}
