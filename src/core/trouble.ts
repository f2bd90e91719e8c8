import type { Status } from "./network.ts";

/** Keeps the state of a connection: the cause of its trouble, and when that began. It begins in trouble: with `first`. */
export function createTrouble(first: string, now: () => number = Date.now) {
	let trouble: { cause: string; since: number } | undefined = { cause: first, since: now() };
	return {
		/** The connection fails. A further cause of the same trouble replaces the earlier one. */
		begin(cause: string): void {
			trouble = { cause, since: trouble?.since ?? now() };
		},
		/** The connection works again. */
		end(): void {
			trouble = undefined;
		},
		status: (): Status => (trouble ? { up: false, ...trouble } : { up: true }),
	};
}
