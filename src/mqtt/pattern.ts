import { RE2JS } from "re2js";

/**
 * Returns the test whether a regular expression finds something in a text. Its syntax is that of RE2, whose work is linear
 * in the text, whatever the pattern: a person may write one, and a device sends the text. @throws Error for a mistake in it
 */
export function compilePattern(source: string): (text: string) => boolean {
	const pattern = RE2JS.compile(source);
	return (text) => pattern.matcher(text).find();
}

/** Returns true for a regular expression that {@link compilePattern} takes. */
export function isPattern(source: string): boolean {
	try {
		RE2JS.compile(source);
		return true;
	} catch {
		return false;
	}
}
