import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { RoomFacts } from "../../core/hosting.ts";
import type { Aliases } from "../hosted/aliases.ts";
import { nameOf } from "../hosted/queries/room-info.ts";
import { StanzaError } from "../stanza-error.ts";
import type { ReadPage } from "./public-rooms.ts";

/** Rooms of one page, and the most that one search reads. */
const [ofPage, mostRead] = [100, 2_000];
/** Characters of a description in a list of rooms. */
const longestDescription = 300;
/** Answers that are kept for the next pages of a client, their bytes, and the time in ms for which they are. */
const [kept, bytes, fresh] = [50, 8 * 1_048_576, 20_000];

/** A public room, as a search shows it. */
export type FoundRoom = Readonly<{
	jid: string;
	name?: string;
	description?: string;
	/** People in the room. */
	users: number;
	/** Everybody may come in by the address alone. */
	open: boolean;
}>;

/**
 * Returns the function that reads all public rooms with a word in their name, address or topic. The source decides what
 * has the word. An answer is kept for a while, and those who ask for the same at once share it.
 */
export function createRoomSearch({
	listed,
	aliases,
	now = Date.now,
}: {
	listed: ReadPage;
	aliases: Pick<Aliases, "of">;
	now?: () => number;
}) {
	type Answer = { readonly rooms: Promise<readonly FoundRoom[]>; until: number; bytes: number };
	const answers = createBoundedMap<string, Answer>(kept, {
		bytes,
		of: (word, answer) => textBytes(word) + answer.bytes,
	});

	function shown(facts: RoomFacts): FoundRoom {
		const name = nameOf(facts);
		const description = facts.topic?.slice(0, longestDescription).toWellFormed();
		return {
			jid: aliases.of(facts),
			...(name && { name }),
			...(description && { description }),
			users: facts.count,
			open: facts.entry === "everybody",
		};
	}

	async function read(word: string | undefined, from: string): Promise<readonly FoundRoom[]> {
		const found: FoundRoom[] = [];
		let next: string | undefined;
		for (let n = 0; n < mostRead / ofPage; n++) {
			const page = await listed(from, ofPage, next, word);
			found.push(...page.rooms.map(shown));
			next = page.next;
			if (next === undefined) break;
		}
		return found;
	}

	return async function search(word: string | undefined, from: string): Promise<readonly FoundRoom[]> {
		const key = word ?? "";
		const known = answers.get(key);
		if (known && known.until > now())
			return known.rooms.catch((error: unknown) => {
				// The rate of another domain is exceeded: this account asks by its own.
				if (error instanceof StanzaError) return search(word, from);
				throw error;
			});
		const rooms = read(word, from);
		const answer: Answer = { rooms, until: now() + fresh, bytes: 500 };
		answers.set(key, answer);
		rooms.then(
			(all) => {
				if (answers.get(key) !== answer) return;
				for (const one of all) answer.bytes += textBytes(one.jid, one.name, one.description) + 100;
				answers.set(key, answer);
			},
			() => {
				if (answers.get(key) === answer) answers.delete(key);
			},
		);
		return rooms;
	};
}
