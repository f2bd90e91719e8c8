import type { MessageId, OperationId } from "./ids.ts";

/**
 * The deliveries that a target server has taken, with the ids of the event there, for a network whose server keeps no
 * record of them. It outlives the death of the process, unlike the time until the journal has confirmed the row.
 */
export interface Taken {
	/** Returns the ids of a delivery that was noted, in this run or in the one before. */
	get(operation: OperationId): readonly MessageId[] | undefined;
	set(operation: OperationId, ids: readonly MessageId[]): void;
	/** Forgets a delivery: the target has refused it after all. */
	delete(operation: OperationId): void;
}
