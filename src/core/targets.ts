import type { BridgeEvent } from "./event.ts";
import type { RoomId } from "./ids.ts";
import type { Link, Portal } from "./mapping.ts";

/** Returns true if the portal has a link to one of the rooms that this event is rather taken from. */
export const takesElsewhere = ({ sender }: BridgeEvent, { links }: Portal, preferred: readonly RoomId[]) =>
	links.some(
		(link) => link.network === sender.network && link.room !== undefined && preferred.includes(link.room),
	);

/** A third person has no account in a 1:1 chat, and a chat without its second room has nobody to see a profile. */
const isPartner = ({ sender }: BridgeEvent, { between, links }: Portal): boolean =>
	between?.some(({ network, id }) => network === sender.network && id === sender.id) === true &&
	links.every(({ room }) => room !== undefined);

/** Returns the links of a portal that an event goes to. */
export const targets = (event: BridgeEvent, portal: Portal): readonly Link[] => {
	// The other person of a 1:1 chat needs no joins and leaves: the chat outlives both.
	if (portal.between && event.kind === "membership") return [];
	if (portal.between && event.kind === "profile" && !isPartner(event, portal)) return [];
	const from = portal.links.find((link) => link.network === event.sender.network && link.room === event.room);
	return from?.in ? portal.links.filter((link) => link.id !== from.id && link.out) : [];
};
