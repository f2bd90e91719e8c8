import { announce } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { showFace } from "./faces.ts";
import { unhide } from "./occupants.ts";
import type { HostedRoom, Occupant, Session } from "./room.ts";

/**
 * Shows a hidden member to all sessions but `except`, before the first stanza from their nick (XEP-0045 §7.2.2). Returns
 * false for an occupant who was shown before.
 */
export function reveal(
	room: HostedRoom,
	occupant: Occupant,
	context: HostedContext,
	except?: Session,
): boolean {
	if (!unhide(room, occupant)) return false;
	announce(room, occupant, context, {}, except);
	showFace(room, occupant, context);
	return true;
}
