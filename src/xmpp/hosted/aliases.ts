import type { Bridge } from "../../core/network.ts";

const prefix = "xmpp alias ";
/** Aliases that are remembered. Past that, one that moves leads to its new room without a word. */
const most = 20_000;

/**
 * Remembers the room that people joined by each alias. Clients keep bookmarks and archives by the address of a room, so an
 * alias never leads them to another room under the same address.
 */
export function createAliases(deps: { bridge(): Pick<Bridge, "cursor" | "cursors" | "saveCursor"> }) {
	let known: number | undefined;

	return {
		/** Resolves with the id of the room that the alias led to first; undefined for a new one. */
		roomOf: (address: string): Promise<string | undefined> => deps.bridge().cursor(prefix + address),
		/** Notes the room of a new alias. */
		async note(address: string, id: string): Promise<void> {
			known ??= (await deps.bridge().cursors(prefix)).length;
			if (known >= most) return;
			known++;
			await deps.bridge().saveCursor({ key: prefix + address, value: id });
		},
	};
}
export type Aliases = ReturnType<typeof createAliases>;
