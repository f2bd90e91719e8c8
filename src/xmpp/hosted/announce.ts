import { personKey } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { availabilityOf } from "../muc/availability.ts";
import { mucUser, statusCodes } from "../muc/status-codes.ts";
import { photoFor } from "../photo.ts";
import { type Element, xml } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";
import { hatOf, hatsPayload } from "./hats.ts";
import { type Affiliation, type Happening, presence, type Shown, shown } from "./presences.ts";
import type { HostedRoom, Occupant, Session } from "./room.ts";

/** Returns an occupant as its presences show it now. */
export function shownNow(room: HostedRoom, occupant: Occupant, context: HostedContext): Shown {
	const { person } = occupant;
	const ghost =
		person.network === xmppNetwork
			? undefined
			: { jid: `${context.ghost(person)}/${context.resource}`, payloads: payloadsFor(person, context) };
	const hat = hatOf(room.facts, person);
	return { ...shown(occupant, room, ghost), hats: hat && hatsPayload(hat, context.component) };
}

/** Returns the payloads of a ghost's presence; the picture is among them once it was read. */
const payloadsFor = (
	person: Person,
	{ faces, ghostPayloads, availability }: HostedContext,
): readonly Element[] => [
	...availabilityOf(availability.get(personKey(person)) ?? { show: "online" }),
	...ghostPayloads(),
	...photoFor(person, faces.hash),
];

/**
 * Tells all sessions but `except` of an occupant, and nobody of a hidden one. Those of the
 * occupant know it for their own (XEP-0045 §7.2.2).
 */
export function announce(
	room: HostedRoom,
	occupant: Occupant,
	context: HostedContext,
	what: Happening & { as?: Shown } = {},
	except?: Session,
): void {
	if (room.hidden.has(occupant)) return;
	const one = what.as ?? shownNow(room, occupant, context);
	const own = new Set(occupant.sessions.values());
	const others = [...room.sessions.values()].filter((session) => !own.has(session) && session !== except);
	context.out.send(others, (address) => presence(address, one, what));
	if (except) own.delete(except);
	const codes = [...(what.codes ?? []), statusCodes.selfPresence];
	context.out.send(own, (address) => presence(address, one, { ...what, codes }));
}

/** Tells all sessions of the affiliation of somebody who is not in the room (XEP-0045 §9.3). */
export function announceAbsent(
	room: HostedRoom,
	one: Readonly<{ jid: string; affiliation: Affiliation; reason?: string | undefined }>,
	context: HostedContext,
): void {
	const { jid, affiliation, reason } = one;
	const id = context.now().unique();
	const item = xml(
		"item",
		{ affiliation, role: "none", jid },
		reason ? xml("reason", {}, reason) : undefined,
	);
	context.out.send(room.sessions.values(), (from) =>
		xml("message", { from, id }, xml("x", { xmlns: mucUser }, item)),
	);
}
