import { isEvent, type MatrixEvent } from "./event.ts";

/** One answer of a paged request; `end` (of messages) or `next_batch` (of relations) is where the next page begins. */
type Page = Readonly<{ chunk: readonly unknown[]; end?: string; next_batch?: string }>;

export type Pages = AsyncIterable<readonly MatrixEvent[]> &
	Readonly<{
		/** Resolves with the events of the next page, undefined after the last one. A page that failed is the next again. */
		next(): Promise<readonly MatrixEvent[] | undefined>;
		/** Whether the homeserver has no further page. False where only the bound on pages ended the reading. */
		complete(): boolean;
	}>;

/**
 * Returns the pages of a room's history or of an event's relations, up to `most` of them. `read` asks the homeserver for
 * the page that begins at `from`, undefined for the first one. Entries that are no valid events are left out.
 */
export function createPages(most: number, read: (from: string | undefined) => Promise<Page>): Pages {
	let from: string | undefined;
	let count = 0;
	let complete = false;

	async function next(): Promise<readonly MatrixEvent[] | undefined> {
		if (complete || count >= most) return undefined;
		const { chunk, end, next_batch } = await read(from);
		count++;
		from = end ?? next_batch;
		complete = from === undefined;
		return chunk.filter(isEvent);
	}

	return {
		next,
		complete: () => complete,
		async *[Symbol.asyncIterator]() {
			for (let page = await next(); page; page = await next()) yield page;
		},
	};
}
