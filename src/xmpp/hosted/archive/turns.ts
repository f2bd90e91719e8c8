/** The bounds on the queries for archives: each reads up to a page into memory, and asks the server of its room. */

/** Queries that run at once, in all and of one person. */
const [atOnce, atOnceEach] = [10, 3];
/** Queries that wait, in all and of one person: a client asks for each of its rooms when it comes online. */
const [waitingMost, waitingEach] = [1_000, 200];

type Turn = () => void;

/**
 * Creates the function that runs the queries of people. People take turns, so that nobody waits for all that somebody else
 * asks. The function returns undefined, and runs nothing, past the queries that may wait.
 */
export function createTurns() {
	/** The waiting queries by person, the next person first. */
	const waiting = new Map<string, Turn[]>();
	const running = new Map<string, number>();
	let [active, queued] = [0, 0];

	function next(): void {
		for (const [person, turns] of waiting) {
			if (active >= atOnce) return;
			if ((running.get(person) ?? 0) >= atOnceEach) continue;
			// The person's further queries go behind those of all others.
			waiting.delete(person);
			const turn = turns.shift();
			if (turns.length > 0) waiting.set(person, turns);
			queued--;
			begin(person);
			turn?.();
		}
	}

	function begin(person: string): void {
		active++;
		running.set(person, (running.get(person) ?? 0) + 1);
	}

	function end(person: string): void {
		active--;
		const left = (running.get(person) ?? 1) - 1;
		if (left > 0) running.set(person, left);
		else running.delete(person);
		next();
	}

	return <T>(person: string, work: () => Promise<T>): Promise<T> | undefined => {
		const turns = waiting.get(person) ?? [];
		if (queued >= waitingMost || turns.length >= waitingEach) return undefined;
		const mine = Promise.withResolvers<void>();
		turns.push(mine.resolve);
		waiting.set(person, turns);
		queued++;
		next();
		return mine.promise.then(work).finally(() => end(person));
	};
}
