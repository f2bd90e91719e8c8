import type { Place } from "../core/hosting.ts";
import type { NetworkName, RoomId } from "../core/ids.ts";
import type { Places } from "../core/places.ts";
import { bounds, shareOf } from "./bounds.ts";
import { placeKey } from "./keys.ts";

/** The archives without a disk. */
export function createMemoryPlaces(): Places & { prune(): void } {
	const archives = new Map<string, { places: Place[]; begun: boolean }>();
	const of = (network: NetworkName, room: RoomId) => {
		const key = placeKey(network, room);
		const archive = archives.get(key) ?? { places: [], begun: false };
		archives.set(key, archive);
		return archive;
	};
	/** Returns those of the places that the archive does not have, each once: the first or the last of its id. */
	const fresh = (known: readonly Place[], places: readonly Place[]) => {
		const ids = new Set(known.map(({ id }) => id));
		return places.filter(({ id }) => !ids.has(id) && ids.add(id)).map(({ id, at }): Place => ({ id, at }));
	};

	return {
		async append(network, room, places) {
			const archive = of(network, room);
			archive.places.push(...fresh(archive.places, places));
		},
		async prepend(network, room, places, before, begun) {
			const archive = of(network, room);
			if (before !== undefined && !archive.places.some(({ id }) => id === before)) return;
			archive.begun ||= begun;
			archive.places.unshift(...fresh(archive.places, places.toReversed()).reverse());
		},
		async match(network, room, { after, before, start = -Infinity, end = Infinity, limit, last }) {
			const { places, begun } = of(network, room);
			const at = (id: string) => places.findIndex((one) => one.id === id);
			const [from, to] = [after ? at(after) : -1, before ? at(before) : places.length];
			const unknown = (after && from < 0) || (before && to < 0);
			const all = unknown
				? []
				: places.slice(from + 1, Math.max(from + 1, to)).filter((one) => one.at >= start && one.at <= end);
			const found = last ? all.slice(Math.max(0, all.length - limit)) : all.slice(0, limit);
			const [first] = places;
			const more = all.length > found.length;
			return { places: found, more, total: all.length, ...(first && { first }), begun };
		},
		find: async (network, room, ids) => of(network, room).places.filter(({ id }) => ids.includes(id)),
		async forget(network, room) {
			archives.delete(placeKey(network, room));
		},
		prune() {
			const most = shareOf(
				[...archives.values()].map(({ places }) => places.length),
				bounds.places,
			);
			for (const archive of archives.values()) {
				if (archive.places.length <= most) continue;
				archive.places.splice(0, archive.places.length - most);
				archive.begun = false;
			}
		},
	};
}
