import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

/** Bytes of a key, of the nonce and of the tag of AES-256-GCM. */
export const keyBytes = 32;
const [nonceBytes, tagBytes] = [12, 16];
const algorithm = "aes-256-gcm";

/** Seals texts with a key that is kept outside the stores, so that neither they nor a backup can tell the texts. */
export type Sealer = Readonly<{
	/** Returns the text as only {@link open} reads it, for the same `about`. */
	seal(text: string, about: string): string;
	/** Returns the text; undefined where it was sealed with another key or about something else, or is damaged. */
	open(sealed: string, about: string): string | undefined;
}>;

/** Returns the sealer of a key of {@link keyBytes} bytes in base64. @throws Error for a key of another length */
export function createSealer(key: string): Sealer {
	const secret = Buffer.from(key, "base64");
	return {
		seal(text, about) {
			const nonce = randomBytes(nonceBytes);
			const cipher = createCipheriv(algorithm, secret, nonce).setAAD(Buffer.from(about));
			const sealed = Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
			return sealed.toString("base64url");
		},
		open(sealed, about) {
			const bytes = Buffer.from(sealed, "base64url");
			if (bytes.length < nonceBytes + tagBytes) return undefined;
			const cipher = createDecipheriv(algorithm, secret, bytes.subarray(0, nonceBytes))
				.setAAD(Buffer.from(about))
				.setAuthTag(bytes.subarray(-tagBytes));
			try {
				const text = cipher.update(bytes.subarray(nonceBytes, -tagBytes));
				return Buffer.concat([text, cipher.final()]).toString("utf8");
			} catch {
				return undefined;
			}
		},
	};
}
