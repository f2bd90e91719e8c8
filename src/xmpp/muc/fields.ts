import { longestPart } from "../jid.ts";

/** Returns the beginning of a name, topic or reason that a MUC states; few are longer. */
export const beginning = (text: string | undefined) => text?.slice(0, longestPart).toWellFormed();

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
	[K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};
/** Returns the object without its undefined fields: `exactOptionalPropertyTypes` tells absent from undefined. */
export function defined<T extends object>(value: T): Defined<T> {
	return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Defined<T>;
}
