import { PermanentError } from "../../core/errors.ts";
import type { RoomAddress } from "../../core/hosting.ts";
import { isId } from "../event.ts";
import { personMxid } from "../mxid.ts";
import * as phrases from "../phrases.ts";
import { typedId } from "../typed-id.ts";

/** The addresses of Matrix rooms and people, between their Matrix spelling and the parts that other networks exchange. */

/** Returns an address as people of Matrix write it. */
export function spell(address: RoomAddress, domain: string): string {
	if (address.kind === "id") return `!${address.id}`;
	const [localpart = "", server = domain] = address.parts;
	return `#${localpart}:${server}`;
}

/** Returns true if an address can be that of a room: no request may carry arbitrary text into a path. */
export function isAddress(address: RoomAddress, domain: string): boolean {
	const spelled = spell(address, domain);
	if (!isId(spelled)) return false;
	if (address.kind === "id") return /^![^\s\0]+$/.test(spelled);
	const [localpart = "", ...servers] = address.parts;
	return servers.length < 2 && !localpart.includes(":") && /^#[^\s\0:]+:[^\s/?#\0]+$/.test(spelled);
}

/** Returns the address in a text that a person typed or pasted, also without our own server; undefined for no room's. */
export function typedRoom(typed: string, domain: string): RoomAddress | undefined {
	const id = typedId(typed.trim());
	if (!/^[#!]./.test(id)) return undefined;
	const parts = aliasParts(id.includes(":") ? id : `${id}:${domain}`, domain);
	const address: RoomAddress | undefined =
		id[0] === "!" ? { kind: "id", id: idOf(id) } : parts && { kind: "alias", parts };
	return address && isAddress(address, domain) ? address : undefined;
}

/** Returns the MXID at the address of a person. @throws PermanentError if there can be none. */
export function mxidAt(address: readonly string[], domain: string): string {
	const mxid = personMxid(address, domain);
	if (!mxid) throw new PermanentError("invalid", phrases.noMatrixAddress(address.join(":")));
	return mxid;
}

/** Returns the id of a room without its sigil. */
export const idOf = (room: string): string => room.replace(/^!/, "");

/** Returns the parts of an alias, without the server for our own one; undefined for anything else. */
export function aliasParts(alias: string, domain: string): readonly string[] | undefined {
	const [, localpart, server] = /^#([^:]+):(.+)$/s.exec(alias) ?? [];
	if (localpart === undefined || server === undefined || !isId(alias)) return undefined;
	return server === domain ? [localpart] : [localpart, server];
}

/** Returns the server that a room id names; undefined from room version 12 on, whose ids name none. */
export const serverIn = (room: string): string | undefined => /^![^:]+:(.+)$/s.exec(room)?.[1];
