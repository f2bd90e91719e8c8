import { downgrade } from "../../../core/downgrade.ts";
import type { Seen } from "../../../core/hosting.ts";
import type { MessageId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import { hosted } from "../../capabilities.ts";
import type { Sayable, WriteContext } from "../../message/feature.ts";
import { markable } from "../../message/markers.ts";
import { passedThrough } from "../../message/passed-rooms.ts";
import { moderated, tombstone } from "../../message/retractions.ts";
import { type Element, type Node, xml } from "../../stream/xml.ts";
import { draft } from "../../to-xmpp.ts";
import { type Part, partsOf } from "./parts.ts";
import { partId, refsOf, sentId } from "./references.ts";

/** The stanzas that show an event of the source in a hosted room. Pure. */

/** The room as the stanzas of one address name it. */
export type Place = Readonly<{
	/** The bare JID by which the recipients know the room. */
	address: string;
	/** Returns the nick and the occupant-id (XEP-0421) of a person, also of one who has left. */
	of(person: Person): Readonly<{ nick: string; occupantId: string }>;
	/** Files cross as files, each with its URL as the `link` of its media; else as words. */
	files: boolean;
	/** The room is small enough for read positions. */
	markable: boolean;
	/** Returns how many stanzas showed a message. */
	lengthOf(id: MessageId): number;
	/** The mark of the source, for other bridges: their people who read here may be in it, too. */
	mark: string;
}>;

type Line = Seen & Readonly<{ what: Extract<Seen["what"], { kind: "said" | "deleted" }> }>;

/**
 * Returns the stanzas of a message, or of a change of one, without `to`; the first has the event's id as its stanza-id.
 * Empty for an event that the room does not show. A reaction must have the whole set of its sender (`mode` set).
 */
export function linesOf(seen: Line, place: Place): readonly Element[] {
	const { what } = seen;
	if (what.kind === "deleted") return [deleted(seen, what, place)];
	const refs = refsOf(what.event);
	const able = place.files ? hosted : { ...hosted, media: "text" as const };
	const event = downgrade(what.event, able, refs);
	if (!event || !isSayable(event)) return [];
	// A deletion by somebody else than the author is the room's. // XEP-0425 §4
	if (event.kind === "redaction" && event.target.own === undefined) {
		const by = { jid: jidOf(seen.sender, place), occupantId: place.of(seen.sender).occupantId };
		const count = place.lengthOf(event.target.id);
		return Array.from({ length: count }, (_, n) => {
			const id = partId(event.target.id, n);
			return message(seen, n, place, place.address, undefined, moderated(id, by, event.reason));
		});
	}
	const own = what.origin.length > 0;
	const count = event.kind === "redaction" ? place.lengthOf(event.target.id) : 1;
	return partsOf(event, refs, { own, count }).map((part) => written(seen, part, place));
}

function isSayable(event: ReturnType<typeof downgrade>): event is Sayable {
	const kind = event?.kind;
	return kind === "message" || kind === "edit" || kind === "redaction" || kind === "reaction";
}

const jidOf = (person: Person, { address, of }: Place): string => `${address}/${of(person).nick}`;

function written(seen: Line, { event, refs, n }: Part, place: Place): Element {
	const { address } = place;
	const where: WriteContext = {
		muc: address,
		named: "sid",
		at: () => undefined,
		known: () => undefined,
		of: (person) => ({ ...place.of(person), jid: jidOf(person, place) }),
		refs,
		shown: [],
		reactions: "native",
		// XEP-0203: in a MUC the room itself says when it got a late line.
		component: address,
	};
	const { body, parts } = draft(event, where);
	return message(seen, n, place, jidOf(seen.sender, place), body, parts);
}

function message(
	seen: Line,
	n: number,
	place: Place,
	from: string,
	body: string | undefined,
	parts: Node,
): Element {
	const id = partId(seen.id, n);
	const sent = n === 0 ? (sentId(seen.what.origin) ?? id) : id;
	const room = from === place.address;
	return xml(
		"message",
		{ type: "groupchat", from, id: sent },
		body === undefined ? undefined : xml("body", {}, body),
		parts,
		body !== undefined && !room && place.markable ? markable() : undefined,
		room ? undefined : xml("origin-id", { xmlns: sid, id: sent }),
		...signed(seen, id, room ? undefined : place.of(seen.sender).occupantId, place),
	);
}

const sid = "urn:xmpp:sid:0";

/** Returns the elements by which the room vouches for a stanza: its id in the archive, its sender, and the way it came. */
export const signed = (
	{ what }: Line,
	id: MessageId,
	occupantId: string | undefined,
	{ address, mark }: Pick<Place, "address" | "mark">,
): readonly Node[] => [
	// XEP-0359 §3
	xml("stanza-id", { xmlns: sid, by: address, id }),
	occupantId === undefined
		? undefined
		: xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: occupantId }),
	passedThrough([...((what.kind === "said" && what.event.passed) || []), mark]),
];

/** XEP-0424 §5: the place of a deleted message in the archive. */
function deleted(seen: Line, what: Extract<Line["what"], { kind: "deleted" }>, place: Place): Element {
	const moderator = what.by && (what.by.network !== seen.sender.network || what.by.id !== seen.sender.id);
	const by = moderator && what.by && { jid: jidOf(what.by, place), occupantId: place.of(what.by).occupantId };
	const stamp = new Date(what.at ?? seen.at).toISOString();
	const id = what.deletion && (sentId(what.deletion.origin) ?? what.deletion.id);
	const left = tombstone({ stamp, id, reason: what.reason }, by || undefined);
	return message(seen, 0, place, jidOf(seen.sender, place), undefined, left);
}
