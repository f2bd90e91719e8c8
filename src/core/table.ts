/**
 * Returns the entries as a table without a prototype: a name that a stranger chose finds what was put in, and never
 * `constructor` or `__proto__`. Every table that is looked up by text is made here; a test finds those that are not.
 */
export const table = <T>(entries: Readonly<Record<string, T>> = {}): Record<string, T> =>
	Object.assign(Object.create(null), entries);
