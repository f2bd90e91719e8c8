import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Person } from "../core/person.ts";

/** For how long an answer counts, in ms. Nobody yet may be somebody soon. */
const knownFor = { somebody: 5 * 60_000, nobody: 30_000, failure: 5_000 };

/** Who may wait for answers at once: each may be a stanza of a flood. */
const mostWaiting = 1_000;

/** `until`: ms since 1970; absent while the question is under way. */
type Answer = { person: Promise<Person | undefined>; until?: number; bytes: number };
/** Answers that are kept, and bytes of them. */
const [remembered, rememberedBytes] = [10_000, 8 * 1_048_576];

/**
 * Who stood behind a ghost a moment ago: a lookup on the other network for every line would slow each down. Who asks
 * while one is under way shares its answer, and one that failed is given to those behind it too: each would have taken
 * as long to fail.
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

	/** @throws what `find` throws, and TemporaryError when too many wait already. */
	return async function who(jid: string): Promise<Person | undefined> {
		// ejabberd hands an address on as it was typed.
		const ghost = jid.toLowerCase();
		const last = known.get(ghost);
		if (last?.until !== undefined && last.until > Date.now()) return last.person;
		if (waiting >= mostWaiting) throw new TemporaryError("too many questions about people at once");
		const asked = last && last.until === undefined ? last : ask(ghost);
		waiting++;
		try {
			return await asked.person;
		} finally {
			waiting--;
		}
	};
}
