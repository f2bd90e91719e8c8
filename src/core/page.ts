/** Entries of one page of a list. */
const size = 15;

/** Returns the entries of a page, counted from 1; of the last one where `asked` is past it. */
export function pageOf<T>(
	all: readonly T[],
	asked: number | undefined,
): Readonly<{ entries: readonly T[]; page: number; pages: number }> {
	const pages = Math.max(1, Math.ceil(all.length / size));
	const page = Math.min(pages, Math.max(1, Math.floor(asked ?? 1)));
	return { entries: all.slice((page - 1) * size, page * size), page, pages };
}
