import type { Seen } from "../../../core/hosting.ts";
import type { MessageId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import { bare } from "../../jid.ts";
import { bytes, type Element } from "../../stream/xml.ts";
import { linesOf, type Place } from "../lines/line.ts";
import { wholeId } from "../lines/references.ts";
import { realJid } from "../real-jid.ts";
import type { HostedRoom } from "../room.ts";
import type { World } from "../world.ts";
import type { Archive, Entry } from "./entries.ts";
import { idIn } from "./history-request.ts";

/** A line of an archive as people at an address of the room get it live, and the person who wrote it. */
export type ArchivedLine = Entry & Readonly<{ stanza: Element; sender: Person }>;

/** The functions by which an archive shows lines as they were shown live. */
export type Shown = Readonly<{
	/** Returns the room as the stanzas of one address name it. */
	place(room: HostedRoom, address: string): Place;
	/** Returns the event with the URLs of its files. */
	complete(seen: Seen): Seen | Promise<Seen>;
}>;

/** Returns the archive of a room with the lines that one of its people may read, as those at `address` get them. */
export function archiveOf(
	room: HostedRoom,
	address: string,
	reader: Person,
	context: Pick<World, "of" | "bridge" | "ghost">,
	shown: Shown,
): Archive<ArchivedLine> {
	const { of } = context;
	const { views } = context.bridge();

	async function linesAt(seen: Seen | undefined): Promise<readonly ArchivedLine[]> {
		const { what, ...event } = seen ? await shown.complete(seen) : { what: undefined };
		if (what?.kind !== "said" && what?.kind !== "deleted") return [];
		const { at, sender } = event as Seen;
		return linesOf({ ...(event as Seen), what }, shown.place(room, address)).map((stanza) => {
			const id = idIn(stanza, address) ?? "";
			return { id, at, bytes: bytes(stanza), stanza, sender };
		});
	}

	return {
		places: (range) => views.places(of, room.source, range, reader),
		find: (ids) => views.find(of, room.source, ids, reader),
		async entries(ids) {
			if (ids.length === 0) return [];
			const events = await views.source(of).events(room.source, ids, reader);
			return (await Promise.all(ids.map((id) => linesAt(events.get(id))))).flat();
		},
		partOf(id) {
			const place: MessageId = wholeId(id);
			return { place, n: Number(id.slice(place.length + 1)) };
		},
		// XEP-0313 §4.1.1. The room is open about its people's JIDs.
		isFrom: ({ stanza, sender }, jid) =>
			jid === address || jid === stanza.attrs.from || bare(jid) === realJid(sender, context),
	};
}
