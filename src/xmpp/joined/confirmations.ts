import { createBoundedMap } from "../../core/bounded-map.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import { messageId } from "../message-ids.ts";
import type { OwnOccupant } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/** Time, in ms, that a MUC has to reflect a line (XEP-0045 §7.4). The reflection is its only acknowledgement. */
const reflectWithin = 30_000;
/** Lines whose ids and writers stay known after their reflection. */
const remembered = 20_000;

type Ids = readonly MessageId[];

/** One of our lines as the MUC, or its archive, shows it. */
export type Reflection = Readonly<{
	operation: OperationId;
	/** The stanza id that our occupant sent the line under. */
	id: string | undefined;
	/** The stanza-id (XEP-0359) that the MUC gave the line, if it gives any. */
	known: MessageId | undefined;
	/** The own occupant that wrote the line; undefined once somebody else may have its nick. */
	by: OwnOccupant | undefined;
}>;

type Pending = Readonly<{
	room: Room;
	from: OwnOccupant;
	settled: Promise<unknown>;
	resolve(ids: Ids): void;
	reject(error: Error): void;
}>;

export type Confirmations = ReturnType<typeof createConfirmations>;

/** The MUC did not reflect a line in time: the line is in doubt. */
export class NotReflected extends TemporaryError {}

/**
 * Returns the record of our lines by operation id: lines that wait for their reflection, lines that were reflected, and
 * the own occupant that wrote each. The outbox adds to it; incoming lines and archive pages confirm it.
 */
export function createConfirmations() {
	const pending = new Map<OperationId, Pending>();
	/** A reflection that comes after its line was given up is kept, so that a retry does not send the line again. */
	const reflected = createBoundedMap<OperationId, Ids>(remembered);
	const writers = createBoundedMap<OperationId, string>(remembered);

	return {
		/** Returns the ids of a line that the MUC has reflected; undefined for all others. */
		reflected: (operation: OperationId): Ids | undefined => reflected.get(operation),
		/** Returns the full JID of the own occupant that wrote a line, if that is known. */
		writer: (operation: OperationId): string | undefined => writers.get(operation),

		/**
		 * Resolves with the ids of a line that `from` is about to send, once the MUC reflects it. Calls `failed` before it
		 * rejects. @throws NotReflected after 30 s, or the error that the line was rejected with.
		 */
		expect(
			room: Room,
			from: OwnOccupant,
			operation: OperationId,
			failed: (error: Error) => void,
		): Promise<Ids> {
			const { promise, resolve, reject } = Promise.withResolvers<Ids>();
			const settle = () => {
				clearTimeout(timer);
				pending.delete(operation);
			};
			const line: Pending = {
				room,
				from,
				settled: promise,
				resolve(ids) {
					settle();
					resolve(ids);
				},
				reject(error) {
					settle();
					failed(error);
					reject(error);
				},
			};
			const timer = setTimeout(
				() => line.reject(new NotReflected("the room did not reflect the line")),
				reflectWithin,
			);
			pending.set(operation, line);
			writers.set(operation, from.jid);
			return promise;
		},

		/** Settles once no line of another own occupant than `from` waits for its reflection in this MUC. */
		async othersSettled(room: Room, from: OwnOccupant): Promise<void> {
			const others = [...pending.values()].filter((one) => one.room === room && one.from !== from);
			await Promise.allSettled(others.map((one) => one.settled));
		},

		/** Confirms a line: the MUC, or its archive, shows it. */
		confirm({ operation, id, known, by }: Reflection): void {
			const ids = [
				...(known === undefined ? [] : [messageId("sid", known)]),
				...(id === undefined ? [] : [messageId("msg", id)]),
			];
			if (by && !writers.has(operation)) writers.set(operation, by.jid);
			reflected.set(operation, ids);
			pending.get(operation)?.resolve(ids);
		},

		/** Returns whether a line waits for its reflection in this MUC. */
		waits: (operation: OperationId, room: Room): boolean => pending.get(operation)?.room === room,
		/** Fails a line that waits: it could not be sent, or the MUC refused it. */
		reject: (operation: OperationId, error: Error): void => pending.get(operation)?.reject(error),
		/** Fails all lines that wait, in one MUC or in all: nothing can confirm them any more. */
		rejectAll(cause: string, of?: Room): void {
			for (const line of [...pending.values()])
				if (!of || line.room === of) line.reject(new TemporaryError(cause));
		},
	};
}
