import { decode, encode } from "../../core/codec.ts";
import type { RoomAddress, RoomFacts } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import { join, split } from "../jid.ts";

/** The addresses of hosted rooms: `#alias@component`, `#alias%server@component` and `!id@component`. Pure. */

/**
 * True for a JID, bare or full, that is spelled like one of a hosted room. No ghost's
 * localpart begins so: `encode` escapes both signs.
 */
export const isRoomJid = (jid: string, component: string): boolean => {
	const { local = "", domain } = split(jid);
	return domain === component && (local.startsWith("#") || local.startsWith("!"));
};

/** Returns the room at a JID, bare or full; undefined if the JID spells no room. */
export function roomAt(jid: string, component: string): RoomAddress | undefined {
	const { local = "", domain } = split(jid);
	if (domain !== component) return undefined;
	const spelt = local.slice(1);
	if (local.startsWith("!")) {
		const id = decode(spelt);
		return id ? { kind: "id", id } : undefined;
	}
	if (!local.startsWith("#")) return undefined;
	const parts = spelt.includes("#") ? ofBifrost(spelt) : spelt.split("%").map(decode);
	if (parts.length > 2 || !parts.every((part) => !!part)) return undefined;
	return { kind: "alias", parts: parts as string[] };
}

/**
 * Returns the parts of an alias as Bifrost spells it, `alias#server`: people have such addresses in their bookmarks. Bifrost
 * escapes nothing, so the last sign ends the alias.
 */
function ofBifrost(spelt: string): readonly string[] {
	const end = spelt.lastIndexOf("#");
	return [spelt.slice(0, end), spelt.slice(end + 1)];
}

/** Returns the bare JID of a room by its address. */
export const roomJid = (address: RoomAddress, component: string): string =>
	join({
		local: address.kind === "id" ? `!${encode(address.id)}` : `#${address.parts.map(encode).join("%")}`,
		domain: component,
	});

/** Returns the bare JID by which people find a room: its main alias, or else its id. */
export const addressOf = ({ alias, id }: Pick<RoomFacts, "alias" | "id">, component: string): string =>
	roomJid(alias ? { kind: "alias", parts: alias } : { kind: "id", id }, component);

/** Returns the id of the view of a Matrix room, the one that people's addresses lead to; `id` is {@link RoomFacts.id}. */
export const viewOf = (id: string, component: string): RoomId =>
	roomJid({ kind: "id", id }, component) as RoomId;
