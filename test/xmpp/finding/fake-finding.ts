import { PermanentError } from "../../../src/core/errors.ts";
import type { Finding, FoundPerson } from "../../../src/xmpp/finding/index.ts";
import type { FoundRoom } from "../../../src/xmpp/finding/room-search.ts";

/** Finds these people and rooms, whatever is searched for, and notes what was asked. */
export function fakeFinding(
	known: { people?: readonly FoundPerson[]; rooms?: readonly FoundRoom[] } = {},
): Finding & { asked: string[] } {
	const asked: string[] = [];
	return {
		asked,
		publicRooms: async () => [],
		async rooms(word, from) {
			asked.push(`rooms ${word} ${from}`);
			return known.rooms ?? [];
		},
		async people(words, from) {
			asked.push(`people ${words} ${from}`);
			return known.people ?? [];
		},
		async jid(typed, from) {
			asked.push(`jid ${typed} ${from}`);
			if (typed.includes(" ")) throw new PermanentError("invalid", "no address");
			return `${typed}@bridge.test`;
		},
	};
}
