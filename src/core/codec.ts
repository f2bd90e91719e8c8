/**
 * Returns foreign text spelled as a part of an address: the bytes `[a-z0-9._-]` stay as they are, and every other byte of
 * the UTF-8 form, upper case and `=` included, becomes `=hh`. The spelling survives each server's case folding and
 * normalisation.
 */
export function encode(text: string): string {
	let out = "";
	for (const byte of new TextEncoder().encode(text))
		out += plain(byte) ? String.fromCharCode(byte) : escaped(byte);
	return out;
}

/** Returns the text that {@link encode} spells exactly so; undefined for any other spelling, since one identity has one address. */
export function decode(spelt: string): string | undefined {
	if (!/^(?:[a-z0-9._-]|=[0-9a-f]{2})*$/.test(spelt)) return undefined;
	const bytes = spelt.replace(/=(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
	const text = Buffer.from(bytes, "latin1").toString("utf8");
	// The comparison also rejects bytes that are not UTF-8, and unneeded escapes.
	return encode(text) === spelt ? text : undefined;
}

const plain = (byte: number) =>
	(byte >= 0x61 && byte <= 0x7a) ||
	(byte >= 0x30 && byte <= 0x39) ||
	byte === 0x2e ||
	byte === 0x5f ||
	byte === 0x2d;
const escaped = (byte: number) => `=${byte.toString(16).padStart(2, "0")}`;
