import type { Guard } from "../../core/guard.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";

/**
 * The chats that are to be looked after, one by one with a pause of `pace` ms: servers and homeserver take part in each, and
 * all chats are due when the link comes up.
 */
export function createDue(deps: {
	/** @throws any error, which is logged */
	work(pair: RoomId): Promise<void>;
	/** All that were due have been looked after. */
	drained(): void;
	pace: number;
	guard: Guard;
	log: Log;
}) {
	const due = new Set<RoomId>();
	let open = false;
	let running = false;

	async function run(): Promise<void> {
		running = true;
		try {
			for (const pair of due) {
				if (!open) return;
				due.delete(pair);
				await deps
					.work(pair)
					.catch((error: unknown) =>
						deps.log.warn({ err: error }, "the contact of a chat could not be looked after"),
					);
				await wait(deps.pace);
			}
		} finally {
			running = false;
		}
		deps.drained();
	}

	return {
		add(pair: RoomId): void {
			due.add(pair);
			if (open && !running) void deps.guard.run("contacts of chats", run);
		},
		delete: (pair: RoomId): void => void due.delete(pair),
		open(): void {
			open = true;
		},
		close(): void {
			open = false;
		},
		isOpen: () => open,
	};
}

const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms).unref());
