/**
 * Returns the entries as an object without a prototype, so that a lookup by a foreign name finds own entries alone and
 * never `constructor` or `__proto__`. Every object that is looked up by foreign text is made here; a test finds others.
 */
export const table = <T>(entries: Readonly<Record<string, T>> = {}): Record<string, T> =>
	Object.assign(Object.create(null), entries);
