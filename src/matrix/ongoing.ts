import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { asObject, isContent, type MatrixEvent, type Phase, relationOf, text } from "./event.ts";
import { treatmentOf } from "./event-kinds.ts";
import { placeIn } from "./message/words.ts";

/** Calls and live locations that are remembered, and bytes of each. */
const [remembered, bytes] = [1_000, 1_048_576];
/** Members of one call that are remembered: enough to know that it goes on. */
const mostMembers = 20;
/** Time in ms for which a membership counts if it names none. // MSC4143 */
const usualExpiry = 4 * 3_600_000;

/** `first`: the event that began the call. `members`: when each membership expires, in ms since 1970. */
type Call = Readonly<{ first: string; members: ReadonlyMap<string, number> }>;
/** `first`: the event with the first position. `last`: the last position, a geo URI. */
type Live = Readonly<{ first: string; last: string }>;

/**
 * Remembers the calls and live locations that go on, so that each is told at its start and its end alone. A restart
 * forgets them: then one that goes on is told once more.
 */
export function createOngoing() {
	const calls = createBoundedMap<string, Call>(remembered, {
		bytes,
		of: (room, { members }) =>
			textBytes(room) + [...members.keys()].reduce((sum, key) => sum + textBytes(key) + 100, 300),
	});
	/** By the event of the start. */
	const lives = createBoundedMap<string, Live>(remembered, {
		bytes,
		of: (id, { first, last }) => textBytes(id) + textBytes(first) + textBytes(last),
	});
	/** The event of the start, by room and person. */
	const starts = createBoundedMap<string, string>(remembered, {
		bytes,
		of: (key, id) => textBytes(key) + textBytes(id),
	});

	/** Notes a change of a membership of a call. */
	function member(event: MatrixEvent): Phase {
		const { room_id: room, event_id: id, content, sender, origin_server_ts: at, unsigned } = event;
		const known = calls.get(room);
		const key =
			event.state_key || `${sender} ${text(content.sticky_key) || text(content.msc4354_sticky_key)}`;
		const others = [...(known?.members ?? [])].filter(([one, until]) => one !== key && until > at);
		if (!isInCall(content)) {
			if (others.length > 0) calls.set(room, { first: known?.first ?? "", members: new Map(others) });
			else calls.delete(room);
			return { begins: false };
		}
		const goesOn =
			others.length > 0 || known?.members.has(key) === true || isInCall(asObject(unsigned?.prev_content));
		// A homeserver may hand the same event over again.
		const begins = known?.first === id || !goesOn;
		const expires = typeof content.expires === "number" ? content.expires : usualExpiry;
		const members = new Map([...others.slice(-mostMembers), [key, at + expires] as const]);
		calls.set(room, { first: begins ? id : (known?.first ?? ""), members });
		return { begins };
	}

	/** Notes the start or the end of a live location; returns the last position at its end. */
	function live({ room_id: room, state_key: of = "", event_id: id, content }: MatrixEvent): Phase {
		const key = `${room} ${of}`;
		if (content.live === true) {
			starts.set(key, id);
			return { begins: true };
		}
		const last = lives.get(starts.get(key) ?? "")?.last;
		return { begins: false, ...(last && { last }) };
	}

	function position({ event_id: id, content }: MatrixEvent): Phase {
		const start = relationOf(content).to;
		const place = placeIn(content)?.geo;
		if (!start || !place) return { begins: false };
		const first = lives.get(start)?.first ?? id;
		lives.set(start, { first, last: place });
		return { begins: first === id };
	}

	return {
		/** Notes an event; returns what it is in the course of a call or live location, undefined for any other event. */
		note(event: MatrixEvent): Phase | undefined {
			switch (treatmentOf(event)) {
				case "group-call":
					return member(event);
				case "live-location":
					return live(event);
				case "live-position":
					return position(event);
				default:
					return undefined;
			}
		},
	};
}

/** True for the content of somebody who is in a call; a member who leaves empties it. // MSC3401, MSC4143 */
function isInCall(content: object): boolean {
	const { memberships, application } = content as Record<string, unknown>;
	if (Array.isArray(memberships)) return memberships.length > 0;
	return isContent(application) || text(application) !== "";
}
