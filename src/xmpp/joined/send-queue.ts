import { mayFollow, TemporaryError } from "../../core/errors.ts";

type State = {
	/** The last line written or refused; the next line waits for it. */
	tail: Promise<void>;
	/** How many lines failed after they were written: a line that waited behind one of them must not pass it. */
	failures: number;
	/** No line was confirmed since the last failure, or since the start. */
	unproven: boolean;
	/** A check of all own occupants that is under way; nobody speaks until it is through. */
	checking: Promise<void> | undefined;
};

/** The order in which our occupants write into one MUC. This file alone changes it. */
export type SendQueue = Readonly<State>;

export const createSendQueue = (): SendQueue => ({
	tail: Promise.resolve(),
	failures: 0,
	unproven: true,
	checking: undefined,
});

/** Runs `work` in its turn: calls for one MUC run in call order. A temporary error fails all turns that wait behind it. */
export function inTurn(queue: SendQueue, work: () => Promise<void>): Promise<void> {
	const state: State = queue;
	const mine = state.tail.then(work);
	const tail = mayFollow(mine);
	state.tail = tail;
	tail.catch(() => {
		if (state.tail === tail) state.tail = Promise.resolve();
	});
	return mine;
}

/** Notes that a written line failed. After a temporary failure, lines go out one at a time until one is confirmed. */
export function noteFailure(queue: SendQueue, error: Error): void {
	if (!(error instanceof TemporaryError)) return;
	const state: State = queue;
	state.failures++;
	state.unproven = true;
}

/** Notes that the MUC confirmed a line: later lines need not wait for one another. */
export function noteConfirmed(queue: SendQueue): void {
	const state: State = queue;
	state.unproven = false;
}

/** Starts `check`, which never rejects, unless one is under way. Speakers wait until it is through. */
export function holdForCheck(queue: SendQueue, check: () => Promise<void>): void {
	const state: State = queue;
	state.checking ??= check().finally(() => {
		state.checking = undefined;
	});
}
