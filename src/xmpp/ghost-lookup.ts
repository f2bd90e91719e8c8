import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Person } from "../core/person.ts";

/** How long an answer is kept, in ms. A missing account may be made soon. */
const knownFor = { somebody: 5 * 60_000, nobody: 30_000, failure: 5_000 };

/** Callers that may wait for answers at the same time: each may be a stanza of a flood. */
const mostWaiting = 1_000;

/** `until`: ms since 1970; absent while the lookup is under way. */
type Answer = { person: Promise<Person | undefined>; until?: number; bytes: number };
/** Answers that are kept, and bytes of them. */
const [remembered, rememberedBytes] = [10_000, 8 * 1_048_576];

/**
 * Returns the cached lookup of a ghost's person: a request to the other network for each line would slow every line down.
 * Callers share a lookup that is under way, and its failure too, as each lookup would take as long to fail.
 */
export function createGhostLookup(find: (ghost: string) => Promise<Person | undefined>) {
	const known = createBoundedMap<string, Answer>(remembered, {
		bytes: rememberedBytes,
		of: (ghost, { bytes }) => textBytes(ghost) + bytes,
	});

	function ask(ghost: string): Answer {
		const answer: Answer = { person: find(ghost), bytes: 500 };
		const keep = (ms: number, person?: Person) => {
			answer.until = Date.now() + ms;
			if (!person || known.get(ghost) !== answer) return;
			answer.bytes += textBytes(person.id, person.name, ...person.address, ...person.handles);
			known.set(ghost, answer);
		};
		answer.person.then(
			(person) => keep(person ? knownFor.somebody : knownFor.nobody, person),
			() => keep(knownFor.failure),
		);
		known.set(ghost, answer);
		return answer;
	}

	let waiting = 0;

	/** @throws the errors of `find`, and TemporaryError when too many callers wait. */
	async function who(jid: string): Promise<Person | undefined> {
		// ejabberd does not fold the letter case of addresses.
		const ghost = jid.toLowerCase();
		const last = known.get(ghost);
		if (last?.until !== undefined && last.until > Date.now()) return last.person;
		if (waiting >= mostWaiting) throw new TemporaryError("too many lookups of ghosts at once");
		const asked = last && last.until === undefined ? last : ask(ghost);
		waiting++;
		try {
			return await asked.person;
		} finally {
			waiting--;
		}
	}

	return Object.assign(who, {
		/** Forgets a ghost: its person has another name or picture. */
		forget: (jid: string): void => void known.delete(jid),
	});
}
export type GhostLookup = ReturnType<typeof createGhostLookup>;
