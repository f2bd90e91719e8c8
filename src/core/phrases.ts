/** Every sentence a person can be shown, in one place: plain words, the cause, and the cure where there is one. */

/** A line said by somebody who has no account of their own where it is shown. */
export const relayed = (name: string, text: string) => `${name}: ${text}`;
/** A thing's value where things have no display of their own. */
export const value = (label: string, text: string | null) =>
	text === null ? `${label}: (cleared)` : `${label}: ${text}`;
