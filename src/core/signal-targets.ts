import type { RoomId } from "./ids.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import type { Person } from "./person.ts";
import type { Portals } from "./portals.ts";
import type { Signal } from "./signal.ts";

/** A room that a signal goes to. */
export type SignalTarget = Readonly<{ portal: Portal; link: Link; room: RoomId }>;

const isIn = ({ between }: Portal, { network, id }: Person): boolean =>
	between?.some((one) => one.network === network && one.id === id) === true;

/** Returns the rooms of a portal that a signal of this link goes to. A view takes no rows, but shows signals. */
const beyond = (portal: Portal, from: Link | undefined): readonly SignalTarget[] =>
	portal.links.flatMap((link) =>
		from?.in && link.id !== from.id && link.room && (link.out || link.role === "hosted")
			? [{ portal, link, room: link.room }]
			: [],
	);

/** Resolves with the rooms that a signal goes to. */
export async function targetsOf(
	signal: Signal,
	mapping: Pick<Mapping, "portalsOf">,
	chatsOf: Portals["chatsOf"],
): Promise<readonly SignalTarget[]> {
	const { room, sender } = signal;
	if (room === undefined)
		return (await chatsOf(sender)).flatMap((portal) =>
			beyond(
				portal,
				portal.links.find((link) => link.network === sender.network && link.role === "direct"),
			),
		);
	const portals = await mapping.portalsOf(sender.network, room);
	return portals
		.filter((portal) => (portal.between ? isIn(portal, sender) : signal.kind !== "received"))
		.flatMap((portal) =>
			beyond(
				portal,
				portal.links.find((link) => link.network === sender.network && link.room === room),
			),
		);
}
