import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

const tagLength = 16;

/**
 * Signs and hides texts in tokens fit for a URL: who holds one can neither change it nor read what is in it. The same
 * text gives the same token, so that a message sent again is the same message. Keys of its own are derived for each
 * `purpose`. This is the construction of RFC 5297: the HMAC of the text is both its signature and its counter's start.
 */
export function createSeal(secret: string, purpose: string) {
	const key = (part: string) =>
		Buffer.from(hkdfSync("sha256", Buffer.from(secret, "base64url"), "", `trivium ${purpose} ${part}`, 32));
	const [signing, hiding] = [key("signing"), key("hiding")];
	const sign = (text: Buffer) => createHmac("sha256", signing).update(text).digest().subarray(0, tagLength);

	return {
		close(text: string): string {
			const bytes = Buffer.from(text);
			const tag = sign(bytes);
			return Buffer.concat([tag, createCipheriv("aes-256-ctr", hiding, tag).update(bytes)]).toString(
				"base64url",
			);
		},
		/** Undefined for what we did not close. */
		open(token: string): string | undefined {
			const bytes = Buffer.from(token, "base64url");
			// One spelling only, and as long as a tag at least.
			if (bytes.length < tagLength || bytes.toString("base64url") !== token) return undefined;
			const tag = bytes.subarray(0, tagLength);
			const text = createDecipheriv("aes-256-ctr", hiding, tag).update(bytes.subarray(tagLength));
			return timingSafeEqual(sign(text), tag) ? text.toString() : undefined;
		},
	};
}
