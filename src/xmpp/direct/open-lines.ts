import { createMemory } from "./memory.ts";

/** A line of ours that an error can still come for. unconfirmed: the error fails the delivery. sent: it is news to the room. */
export type OpenLine = Readonly<
	{ room: string } & ({ state: "unconfirmed"; reject(error: Error): void } | { state: "sent" })
>;

/** Remembers lines to accounts by the id of their stanza, which is the operation id. */
export function createOpenLines() {
	const lines = createMemory<OpenLine>(({ room }) => [room]);
	return {
		/** Begins a line. The promise rejects with the error that comes for it, and never resolves. */
		begin(id: string, room: string): Promise<never> {
			const { promise, reject } = Promise.withResolvers<never>();
			promise.catch(() => undefined);
			lines.set(id, { state: "unconfirmed", room, reject });
			return promise;
		},
		confirm: (id: string, room: string) => lines.set(id, { state: "sent", room }),
		get: (id: string): OpenLine | undefined => lines.get(id),
		end: (id: string) => void lines.delete(id),
	};
}
export type OpenLines = ReturnType<typeof createOpenLines>;
