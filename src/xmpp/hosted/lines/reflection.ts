import { createBoundedMap, textBytes } from "../../../core/bounded-map.ts";
import { personKey, type Seen } from "../../../core/hosting.ts";
import type { MessageId } from "../../../core/ids.ts";
import { roomMark } from "../../../core/passed-rooms.ts";
import { sameSet } from "../../../core/reactions.ts";
import { xmppNetwork } from "../../from-xmpp.ts";
import { type Element, xml } from "../../stream/xml.ts";
import { announce } from "../announce.ts";
import { sessionsWithout } from "../archive/history.ts";
import type { HostedContext } from "../context.ts";
import { addOccupant } from "../occupants.ts";
import { type HostedRoom, occupantOf } from "../room.ts";
import { isSmall } from "../signals.ts";
import type { FileLinks } from "./file-links.ts";
import { linesOf, type Place, signed } from "./line.ts";
import type { Pending, PendingLines } from "./pending.ts";
import { placeIn } from "./place.ts";

/** Messages whose ids, and whose numbers of stanzas, are remembered. */
const remembered = { most: 20_000, bytes: 8 * 1_048_576 };

export type Line = Parameters<typeof linesOf>[0];
type Said = Seen & Readonly<{ what: Extract<Seen["what"], { kind: "said" }> }>;

/** Shows the lines of a source in its hosted room: each once, to each session, in the order of the source. */
export function createReflection(context: HostedContext, deps: { pending: PendingLines; files: FileLinks }) {
	const { pending, files } = deps;
	/** By message: the number of its stanzas. */
	const lengths = createBoundedMap<string, number>(remembered.most, {
		bytes: remembered.bytes,
		of: (key) => textBytes(key),
	});
	const keyOf = ({ id }: Pick<HostedRoom, "id">, message: MessageId) => `${id} ${message}`;
	/** Stanzas of people that were shown whole: the further events of one, such as those of its other files, show no more. */
	const whole = createBoundedMap<MessageId, true>(1_000, { bytes: 262_144, of: (id) => textBytes(id) });
	/** The sets of reactions on the way to the one that a pending line wants. */
	const passed = new WeakMap<Pending, Said>();

	const place = (room: HostedRoom, address: string): Place => ({
		...placeIn(room, address, context),
		files: files.able(),
		markable: isSmall(room, context),
		lengthOf: (id) => lengths.get(keyOf(room, id)) ?? 1,
		mark: markOf(room),
	});
	const markOf = ({ source }: HostedRoom) => roomMark(context.of, source);

	/** Returns the line of a person that this event is, if the bridge remembers it. */
	function lineOf(room: HostedRoom, { sender, what: { event, origin } }: Said): Pending | undefined {
		const person = personKey(sender);
		const named = origin
			.map(({ id }) => pending.get(id))
			.find((one) => one?.room === room.id && one.person === person);
		if (named || (event.kind !== "reaction" && event.kind !== "redaction")) return named;
		return pending.aimedAt(room.id, person, event.kind, event.target.id);
	}

	/** Returns how an event of a person's line is shown. own: as the person sent it. passed: not, since more of it follows. */
	function formOf(line: Pending, { event }: Said["what"]): "own" | "as Matrix has it" | "passed" {
		const { act, original } = line;
		if (act.kind === "reaction" && event.kind === "reaction")
			return sameSet(act.emoji, event.emoji) ? "own" : "passed";
		if (!original) return "as Matrix has it";
		// The source has no such message of this person: the correction became a line of its own.
		if (act.kind === "edit" && event.kind !== "edit") return "as Matrix has it";
		// XEP-0425 §4: the room alone deletes what somebody else wrote.
		if (event.kind === "redaction" && event.target.own === undefined) return "as Matrix has it";
		return "own";
	}

	function written(room: HostedRoom, seen: Said): void {
		const lines = new Map<string, readonly Element[]>();
		const at = (address: string): readonly Element[] => {
			const known = lines.get(address) ?? linesOf(seen, place(room, address));
			lines.set(address, known);
			return known;
		};
		const count = at(room.id).length;
		lengths.set(keyOf(room, seen.id), count);
		const sessions = waiting(room, seen);
		for (let n = 0; n < count; n++) context.out.send(sessions, (address) => at(address)[n] as Element);
	}

	/** Returns the sessions that do not have an event yet. */
	const waiting = (room: HostedRoom, { id }: Said) => [...sessionsWithout(room, id, context.now().at)];

	function reflected(room: HostedRoom, seen: Said, original: Element): void {
		lengths.set(keyOf(room, seen.id), 1);
		const { nick, occupantId } = place(room, room.id).of(seen.sender);
		context.out.send(waiting(room, seen), (address) =>
			xml(
				"message",
				{ id: seen.id, ...original.attrs, from: `${address}/${nick}` },
				...original.children,
				...signed(seen, seen.id, occupantId, { address, mark: markOf(room) }),
			),
		);
	}

	function shown(room: HostedRoom, seen: Said): void | Promise<void> {
		const line = lineOf(room, seen);
		const { origin, event } = seen.what;
		if (!line && event.kind === "message" && origin.some(({ id }) => whole.has(id))) return undefined;
		const form = line ? formOf(line, seen.what) : "as Matrix has it";
		if (line && form === "passed") {
			passed.set(line, seen);
			return undefined;
		}
		const done = () => {
			if (!line) return;
			pending.forget(line);
			line.settle();
		};
		if (line?.original && form === "own") {
			whole.set(line.id, true);
			reflected(room, seen, line.original);
			return done();
		}
		const complete = files.withLinks(seen, origin.length === 0);
		if (!(complete instanceof Promise)) {
			written(room, complete as Said);
			return done();
		}
		return complete.then((one) => {
			written(room, one as Said);
			done();
		});
	}

	return {
		/** Shows an event. Returns a promise where its files have to be looked at first; the events behind it have to wait. */
		show(room: HostedRoom, seen: Line): void | Promise<void> {
			// A message that was deleted before anybody saw it has its place in the archive alone.
			if (seen.what.kind === "deleted") return undefined;
			const { sender } = seen;
			// XEP-0045 §7.1: clients know a nick by its presence before its first line.
			if (sender.network !== xmppNetwork && !occupantOf(room, sender))
				announce(room, addOccupant(room, sender, context.occupantId(room, sender)), context);
			return shown(room, seen as Said);
		},
		/** Shows what a line that is refused has changed so far. */
		refused(room: HostedRoom, line: Pending): void {
			const seen = passed.get(line);
			if (seen) written(room, seen);
		},
		/** Returns true for a message that the room has shown, as far as the bridge remembers. */
		knows: (room: HostedRoom, id: MessageId): boolean => lengths.has(keyOf(room, id)),
		/** Returns the room as the stanzas of one address name it. */
		place,
	};
}
export type Reflection = ReturnType<typeof createReflection>;
