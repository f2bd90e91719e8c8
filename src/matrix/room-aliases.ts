import type { Mapping } from "../core/mapping.ts";

export type RoomAliases = ReturnType<typeof createRoomAliases>;

/** Keeps the alias under which a person named a room, for messages to people, also across restarts. */
export function createRoomAliases(mapping: Mapping) {
	const aliases = new Map<string, string>();
	const settingOf = (room: string) => `matrix alias ${room}`;
	return {
		/** The room as people write it: its alias, else its id. */
		show: (room: string): string => aliases.get(room) ?? room,
		async save(room: string, alias: string): Promise<void> {
			if (aliases.get(room) === alias) return;
			aliases.set(room, alias);
			await mapping.saveSetting(settingOf(room), alias);
		},
		/** Reads what an earlier run saved of a room. */
		async load(room: string): Promise<void> {
			const alias = aliases.get(room) ?? (await mapping.setting(settingOf(room)));
			if (alias) aliases.set(room, alias);
		},
	};
}
