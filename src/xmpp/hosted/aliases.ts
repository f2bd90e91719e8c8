import type { RoomAddress, RoomFacts } from "../../core/hosting.ts";
import type { Bridge } from "../../core/network.ts";
import { bare, split } from "../jid.ts";
import { addressOf, isRoomJid, roomAt } from "./addresses.ts";

const prefix = "xmpp alias ";
/**
 * Aliases that are remembered. Past that, an alias that moves leads to its new room without a redirection, and only the aliases
 * of made rooms are added, since nobody would reach these rooms without them. A person makes few rooms.
 */
const most = 20_000;

/**
 * Remembers the room that people joined by each alias. Clients keep bookmarks and archives by the address of a room, so an
 * alias never leads them to another room under the same address. A room that was made at a plain address, `lobby@component`,
 * has that address, too: to all other addresses, this spelling is that of a person.
 */
export function createAliases(deps: {
	bridge(): Pick<Bridge, "cursor" | "cursors" | "saveCursor">;
	component: string;
}) {
	const { bridge, component } = deps;
	/** The ids of the rooms at plain addresses. */
	const plain = new Map<string, string>();
	let known: number | undefined;

	/** Returns the alias that a plain bare JID stands for; undefined for the JID of anything else. */
	function aliasAt(jid: string): string | undefined {
		const { local = "", domain } = split(jid);
		return domain === component && /^[a-z0-9.-][a-z0-9._-]*$/.test(local) ? local : undefined;
	}

	return {
		aliasAt,
		/** Reads the plain addresses. */
		async start(): Promise<void> {
			for (const { key, value } of await bridge().cursors(prefix)) {
				const address = key.slice(prefix.length);
				if (aliasAt(address) !== undefined) plain.set(address, value);
			}
		},
		/** Returns true for a JID, bare or full, that is spelled like one of a room, or that a room was made at. */
		isRoom: (jid: string): boolean => isRoomJid(jid, component) || plain.has(bare(jid)),
		/** Returns the room at a JID, bare or full; undefined if the JID spells no room. */
		at(jid: string): RoomAddress | undefined {
			const id = plain.get(bare(jid));
			return id === undefined ? roomAt(jid, component) : { kind: "id", id };
		},
		/** Returns the bare JID by which people find a room: the plain one if it has one. */
		of(facts: Pick<RoomFacts, "alias" | "id">): string {
			const [alias, server] = facts.alias ?? [];
			const mine = alias !== undefined && server === undefined ? `${alias}@${component}` : "";
			return plain.get(mine) === facts.id ? mine : addressOf(facts, component);
		},
		/** Resolves with the id of the room that the alias led to first; undefined for a new one. */
		roomOf: (address: string): Promise<string | undefined> => bridge().cursor(prefix + address),
		/** Notes the room of a new alias. */
		async note(address: string, id: string): Promise<void> {
			known ??= (await bridge().cursors(prefix)).length;
			const isPlain = aliasAt(address) !== undefined;
			if (known >= most && !isPlain) return;
			known++;
			if (isPlain) plain.set(address, id);
			await bridge().saveCursor({ key: prefix + address, value: id });
		},
		/** Forgets the aliases of a room that is no more, so that each may lead to another room. Resolves with them. */
		async forget(id: string): Promise<readonly string[]> {
			const forgotten: string[] = [];
			for (const { key, value } of await bridge().cursors(prefix)) {
				if (value !== id) continue;
				plain.delete(key.slice(prefix.length));
				await bridge().saveCursor({ key, value: undefined });
				forgotten.push(key.slice(prefix.length));
				if (known !== undefined) known--;
			}
			return forgotten;
		},
	};
}
export type Aliases = ReturnType<typeof createAliases>;
