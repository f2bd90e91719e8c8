import type { MessageId, RoomId } from "../../../core/ids.ts";
import { stanzaMemory } from "../../stanza-memory.ts";
import type { Element } from "../../stream/xml.ts";
import type { Session } from "../room.ts";
import type { Refused } from "./refusals.ts";

/** Lines that wait for the homeserver at once, and the bytes of their stanzas as trees. */
const [most, mostBytes] = [10_000, 64 * 1_048_576];
/** How long a line can be refused, or shown as its sender wrote it, in ms. */
const longest = 15 * 60_000;

/** The act of a line whose event does not name the line it came from. */
export type PendingAct = Readonly<
	| { kind: "reaction"; target: MessageId; emoji: readonly string[] }
	| { kind: "redaction"; target: MessageId }
	| { kind: "message" | "edit" }
>;

/** A line of a session that core has and the room does not show yet. */
export type Pending = Readonly<{
	/** The id that core got. */
	id: MessageId;
	room: RoomId;
	/** The client that sent it. */
	session: Session;
	/** The key of the sender (personKey). */
	person: string;
	act: PendingAct;
	/** The stanza that is shown to everybody. Absent for a request, which is answered. */
	original?: Element;
	/** Tells the client of the sender that the line is refused; without a reason, that it is in the room. */
	settle(refused?: Refused): void;
	/** When the line came in, ms since 1970. */
	at: number;
}>;

/**
 * Creates the memory of the lines that people of hosted rooms sent and that the source has not taken yet. Past its bounds
 * the oldest are forgotten: these are shown as Matrix has them.
 */
export function createPendingLines(now: () => number) {
	/** The oldest first. */
	const lines = new Map<MessageId, Pending>();
	let bytes = 0;
	/** The lines of each person in a room, the oldest first. */
	const ofPerson = new Map<string, Set<Pending>>();
	/** Those who wait until a person has no line here. */
	const waiting = new Map<string, (() => void)[]>();
	const key = (room: RoomId, person: string) => `${room} ${person}`;

	function forget(line: Pending): void {
		if (!lines.delete(line.id)) return;
		bytes -= sizeOf(line);
		const at = key(line.room, line.person);
		const others = ofPerson.get(at);
		others?.delete(line);
		if (!others || others.size > 0) return;
		ofPerson.delete(at);
		for (const go of waiting.get(at) ?? []) go();
		waiting.delete(at);
	}

	function forgetOldest(): void {
		for (const line of lines.values()) {
			if (lines.size <= most && bytes <= mostBytes && line.at > now() - longest) return;
			forget(line);
		}
	}

	return {
		add(line: Pending): void {
			lines.set(line.id, line);
			bytes += sizeOf(line);
			const at = key(line.room, line.person);
			ofPerson.set(at, (ofPerson.get(at) ?? new Set()).add(line));
			forgetOldest();
		},
		get: (id: MessageId): Pending | undefined => lines.get(id),
		/** Returns the oldest reaction or deletion of a person that aims at this message. */
		aimedAt(
			room: RoomId,
			person: string,
			kind: "reaction" | "redaction",
			target: MessageId,
		): Pending | undefined {
			const all = ofPerson.get(key(room, person)) ?? [];
			return [...all].find(({ act }) => act.kind === kind && act.target === target);
		},
		forget,
		/** Resolves when no line of the person waits in this room, at the latest after `ms`. */
		async idle(room: RoomId, person: string, ms: number): Promise<void> {
			const at = key(room, person);
			if (!ofPerson.has(at)) return;
			const { promise, resolve } = Promise.withResolvers<void>();
			waiting.set(at, [...(waiting.get(at) ?? []), resolve]);
			const timer = setTimeout(resolve, ms);
			await promise;
			clearTimeout(timer);
		},
	};
}
export type PendingLines = ReturnType<typeof createPendingLines>;

const sizeOf = ({ id, original }: Pending): number =>
	500 + id.length + (original ? stanzaMemory(original) : 0);
