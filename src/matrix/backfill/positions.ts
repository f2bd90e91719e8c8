import type { Bridge } from "../../core/network.ts";
import type { TrackedRoom } from "./loss-detection.ts";
import type { Position } from "./position.ts";

/** Keeps on disk how far the homeserver handed each room over. A room that is in no portal is not kept. */
export function createPositions(deps: {
	bridge: Pick<Bridge, "cursor" | "saveCursor">;
	/** The link of the room in its portal, if it is in one. */
	linkOf(room: string): Promise<string | undefined>;
}) {
	const { bridge, linkOf } = deps;
	/** By room: the key of its cursor, and what is on disk. */
	const keys = new Map<string, string>();
	const saved = new Map<string, Position>();

	async function save({ name, position }: TrackedRoom): Promise<void> {
		const key = keys.get(name);
		if (!key || !position || position === saved.get(name)) return;
		saved.set(name, position);
		await bridge.saveCursor({ key, value: JSON.stringify(position) });
	}

	return {
		/** The position that an earlier run saved. */
		async load(room: string): Promise<Position | undefined> {
			const link = await linkOf(room);
			if (link === undefined) return undefined;
			const key = `matrix ${link}`;
			const stored = await bridge.cursor(key);
			if (!keys.has(room)) keys.set(room, key);
			if (!stored) return undefined;
			const position = JSON.parse(stored) as Position;
			if (!saved.has(room)) saved.set(room, position);
			return position;
		},
		/** The room is in a portal by this link from now on. */
		follow: (room: string, link: string) => void keys.set(room, `matrix ${link}`),
		save,
		/** Forgets the position of a room that begins anew. */
		async forget(room: string): Promise<void> {
			const key = keys.get(room);
			saved.delete(room);
			if (key) await bridge.saveCursor({ key, value: undefined });
		},
		/** Saves the first position of a room in a portal: until then, a kill would have no lost event of it read. */
		async saveFirst(room: TrackedRoom): Promise<void> {
			if (!saved.has(room.name)) await save(room);
		},
	};
}
