import type { MessageId } from "../../core/ids.ts";
import type { Read } from "./cursor.ts";

type State = {
	/** The position up to which the MUC was read; undefined until it is known. */
	read: Read | undefined;
	/** The position that is on disk, or on its way there. */
	saved: Read | undefined;
};

/** The position up to which one MUC was read. This file alone changes it. */
export type ReadPosition = Readonly<State>;

export const createReadPosition = (): ReadPosition => ({ read: undefined, saved: undefined });

/** Begins with the position of an earlier run. */
export function restore(state: State, read: Read): void {
	state.read = read;
}

/** Moves to a line read just now. `id` and `heard` stay as they are where the line has none. */
export function advance(state: State, at: number, id: string | undefined, heard: number | undefined): void {
	state.read = {
		...state.read,
		...(id !== undefined && { id }),
		at,
		from: state.read?.from ?? at,
		...(heard !== undefined && { heard }),
	};
}

/** Notes the event of the last line, where the MUC has no archive for us. */
export function noteLastEvent(state: State, last: MessageId): void {
	if (state.read) state.read = { ...state.read, last };
}

/** Notes the newest line of an archive that the MUC has from now on. */
export function noteArchiveEnd(state: State, id: string): void {
	if (state.read && state.read.id === undefined) state.read = { ...state.read, id };
}

/** Notes that nothing is missing any more at `at`, ms since 1970. */
export function noteComplete(state: State, at: number): void {
	if (state.read) state.read = { ...state.read, heard: at };
}

/** Moves the time of the position, where times alone tell what was read. */
export function moveTime(state: State, at: number): void {
	if (state.read) state.read = { ...state.read, at };
}

/** Notes that the position is on its way to the disk. */
export function markSaved(state: State): void {
	state.saved = state.read;
}
