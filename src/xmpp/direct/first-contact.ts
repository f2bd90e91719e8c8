import { mayFollow, unsent } from "../../core/errors.ts";
import { createMemory } from "./memory.ts";

/** How long the first line of a pair waits for an error from the other server, in ms; later lines do not wait. */
export const graceMs = 3_000;

/**
 * The state of a pair; absent before the first line. reached: lines get through. waiting: a line was sent,
 * and is confirmed if no error comes; `done` confirms it at once.
 */
type Contact = Readonly<{ state: "reached" } | { state: "waiting"; done(): void }>;
const reached: Contact = { state: "reached" };

/**
 * Orders the lines to accounts. XMPP confirms no message, so the first line of a pair shows whether the account is
 * reached: no other line of the pair is sent before that, so that none else is in doubt.
 */
export function createFirstContact() {
	const contacts = createMemory<Contact>(() => []);
	/** The promise that the next line waits for, by pair. */
	const tails = new Map<string, Promise<unknown>>();

	const isReached = (room: string) => contacts.get(room)?.state === "reached";

	return {
		isReached,
		/** Writes a line when its turn has come. */
		async inTurn<T>(room: string, write: () => Promise<T>): Promise<T> {
			const before = tails.get(room);
			if (!before && isReached(room)) return write();
			// A line that waits keeps its place, also when the account has written meanwhile.
			const turn = Promise.resolve(before).then(
				() => {
					const sent = write();
					return { sent, shown: isReached(room) ? undefined : mayFollow(sent) };
				},
				(error: unknown) => {
					throw unsent(error);
				},
			);
			const tail = turn.then(({ shown }) => shown);
			tails.set(room, tail);
			const settled = () => {
				if (tails.get(room) === tail) tails.delete(room);
			};
			tail.then(settled, settled);
			return (await turn).sent;
		},
		/** Resolves when a line counts as confirmed: no error came for a moment, or the account wrote. */
		silence(room: string): Promise<void> {
			return new Promise((resolve) => {
				const done = () => {
					clearTimeout(timer);
					if (contacts.get(room) === contact) contacts.delete(room);
					resolve();
				};
				const timer = setTimeout(done, graceMs);
				const contact: Contact = { state: "waiting", done };
				contacts.set(room, contact);
			});
		},
		/** A line got through, or the account wrote. */
		reach(room: string): void {
			const contact = contacts.get(room);
			contacts.set(room, reached);
			if (contact?.state === "waiting") contact.done();
		},
		/** A line came back: the next one waits for an error again. */
		lose(room: string): void {
			if (isReached(room)) contacts.delete(room);
		},
	};
}
export type FirstContact = ReturnType<typeof createFirstContact>;
