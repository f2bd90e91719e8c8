/** A JSON pointer (RFC 6901): the way to a value within a JSON document. Pure. */

/** Returns the keys of a pointer; undefined if the text is none. `/a/b` and, for people who write it so, `a.b`. */
export function pointerKeys(text: string): readonly string[] | undefined {
	if (text === "") return [];
	if (!text.startsWith("/")) return text.split(".").every((key) => key !== "") ? text.split(".") : undefined;
	// RFC 6901 §3: a tilde stands before 0 or 1 only.
	if (/~(?![01])/.test(text)) return undefined;
	return text
		.slice(1)
		.split("/")
		.map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Returns the value at these keys; undefined where there is none. Only own properties count, never those of a prototype. */
export function valueAt(document: unknown, keys: readonly string[]): unknown {
	let value = document;
	for (const key of keys) {
		if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
		// RFC 6901 §4: an index has no leading zero, and an array has no other members.
		if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
		value = (value as Record<string, unknown>)[key];
	}
	return value;
}

/** Returns the JSON document in a text; undefined if it is none. */
export function jsonIn(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** Returns a value as JSON; "" for one that has none, or whose levels are too many to be written, though they can be read. */
export function written(value: unknown): string {
	try {
		return JSON.stringify(value) ?? "";
	} catch {
		return "";
	}
}

/** Returns a value as people read it: a text as it is, everything else as JSON. */
export const shown = (value: unknown): string => (typeof value === "string" ? value : written(value));
