import type { Element } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";
import type { Joined } from "./room.ts";

/**
 * Resolves with the lines that a session gets for its join (XEP-0045 §7.2.13), the oldest first, without `to`. `join`: the
 * presence with its wishes.
 */
export async function joinHistory(
	_joined: Joined,
	_join: Element,
	_context: HostedContext,
): Promise<readonly Element[]> {
	return [];
}
