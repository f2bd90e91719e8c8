import type { PermanentError } from "../../core/errors.ts";
import type { OwnOccupant } from "./own-occupants.ts";

/** The least time, in ms, between two attempts to join, however many lines wait for the MUC. */
const hurryAfter = 5_000;

type State = {
	/** The own occupant whose copy of the traffic counts: the listener, or a ghost where the MUC refuses the listener. */
	active: OwnOccupant;
	/** Why the MUC lets none of our occupants listen. */
	barred: PermanentError | undefined;
	/** The refusal that the portal was last told of. */
	refusalTold: string | undefined;
	/** True once we were in: the MUC is known to be real, so that a join may make it anew. */
	wasIn: boolean;
	/** The active listener has just joined: until the subject, the MUC tells it the history (XEP-0045 §7.2.14). */
	inHistory: boolean;
	/** When the active listener joined, ms since 1970. */
	joinedAt: number;
	/** When the last attempt to join began, ms since 1970. */
	triedAt: number;
	/** When a line last waited for the MUC, ms since 1970. */
	askedForAt: number;
	/** When the MUC last sent a line, or was last self-pinged for its silence, ms since 1970. */
	heardAt: number;
	/** The run that brings the listener in, while there is one. */
	keeping: Promise<void> | undefined;
	/** Ends the pause before that run's next attempt. */
	wake: (() => void) | undefined;
};

/** The state of listening in one MUC. This file alone changes it. */
export type Listening = Readonly<State>;

export const createListening = (listener: OwnOccupant): Listening => ({
	active: listener,
	barred: undefined,
	refusalTold: undefined,
	wasIn: false,
	inHistory: false,
	joinedAt: 0,
	triedAt: 0,
	askedForAt: 0,
	heardAt: 0,
	keeping: undefined,
	wake: undefined,
});

/** Runs `run` unless one is under way, and calls `ended` after it; returns the one that is under way. */
export function keepOnce(state: State, run: () => Promise<void>, ended: () => void): Promise<void> {
	state.keeping ??= run().finally(() => {
		state.keeping = undefined;
		ended();
	});
	return state.keeping;
}

/** Resolves after `ms`, or when {@link wake} is called. */
export function pause(state: State, ms: number): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		state.wake = () => {
			clearTimeout(timer);
			resolve();
		};
	});
}

/** Ends the pause before the next attempt to join. */
export const wake = ({ wake: end }: Listening): void => end?.();

/** Notes that a line waits for the MUC, which shortens the pause before the next attempt. */
export function hurry(state: State, at: number): void {
	state.askedForAt = at;
	if (at - state.triedAt >= hurryAfter) wake(state);
}

/** Notes that an attempt to join begins. */
export function beginAttempt(state: State, at: number): void {
	state.triedAt = at;
	state.barred = undefined;
}

/** Notes that the MUC refuses the listener, and each own occupant that could replace it. `at`: when it did, ms since 1970. */
export function barListening(state: State, why: PermanentError, at = state.triedAt): void {
	state.barred = why;
	state.triedAt = at;
}

/** Notes that the portal is told of a refusal. */
export function noteRefusalTold(state: State, why: string): void {
	state.refusalTold = why;
}

/** Makes `one` the active listener. */
export function listenThrough(state: State, one: OwnOccupant): void {
	state.active = one;
}

/** Makes `one`, which is in the MUC already, the active listener in place of a lost one: it is told no history. */
export function takeOver(state: State, one: OwnOccupant): void {
	state.active = one;
	state.inHistory = false;
}

/** Notes that the active listener is in, and that the MUC tells it the history next. */
export function beginHistory(state: State): void {
	state.inHistory = true;
}

export function endHistory(state: State): void {
	state.inHistory = false;
}

/** Notes that we were in the MUC once, in this run or an earlier one. */
export function noteWasIn(state: State): void {
	state.wasIn = true;
}

/** Notes that the active listener is in, and the roster complete. */
export function noteJoined(state: State, at: number): void {
	state.joinedAt = at;
	state.refusalTold = undefined;
	state.heardAt = at;
}

/** Notes that the MUC sent a line, or is asked for a sign of life. */
export function noteHeard(state: State, at: number): void {
	state.heardAt = at;
}
