import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { PermanentError } from "../../core/errors.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Received } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import { isByNick } from "../from-xmpp.ts";
import * as phrases from "../phrases.ts";
import { placeOf } from "./place.ts";

/** Chats that are remembered. */
const most = 10_000;

/** Ends private chats: their Matrix side reads when the other person leaves the MUC, and whom a nick belongs to is not guessed. */
export function createEnds(deps: {
	tell(events: readonly Received[]): void;
	now(): { at: number; unique(): string };
}) {
	const weight = { bytes: 4 * 1_048_576, of: (key: string) => textBytes(key) + 600 };
	/** The other person of each chat that has a portal. */
	const chats = createBoundedMap<string, Person>(most, weight);
	/** The chats of each person in a MUC. */
	const rooms = createBoundedMap<string, readonly RoomId[]>(most, {
		bytes: 4 * 1_048_576,
		of: (key, of) => textBytes(key, ...of) + 100,
	});
	/** The chats whose other person is known by the nick alone, and has written since that nick was taken. */
	const sure = createBoundedMap<string, true>(most, { bytes: 1_048_576, of: (key) => textBytes(key) + 100 });
	/** The chats that were told of the end since the last message. */
	const told = createBoundedMap<string, true>(most, { bytes: 1_048_576, of: (key) => textBytes(key) + 100 });
	const keyOf = (muc: string, { id }: Pick<Person, "id">) => `${muc} ${id}`;

	function tell(room: RoomId, text: string): void {
		const sender = chats.get(room);
		if (!sender) return;
		const { at, unique } = deps.now();
		const id = `notice ${unique()}` as MessageId;
		deps.tell([{ kind: "message", style: "notice", id, room, sender, at, text }]);
	}

	/** Returns false if another person may have the nick by now. */
	const isSure = (room: RoomId, theirs: Person, muc: string): boolean =>
		!isByNick(theirs, muc) || sure.has(room);

	return {
		tell: async (room: RoomId, text: string): Promise<void> => tell(room, text),
		/** Notes that a chat has a portal. */
		follow(room: RoomId, theirs: Person): void {
			const place = placeOf(room);
			if (!place) return;
			chats.set(room, theirs);
			const key = keyOf(place.muc, theirs);
			const others = (rooms.get(key) ?? []).filter((one) => one !== room);
			rooms.set(key, [...others, room]);
		},
		forget(room: RoomId): void {
			chats.delete(room);
			sure.delete(room);
			told.delete(room);
		},
		/** Notes that the other person wrote, or was chosen by their nick. */
		wrote(room: RoomId): void {
			sure.set(room, true);
			told.delete(room);
		},
		isSure,
		/** @throws PermanentError if another person may have the nick by now */
		check(room: RoomId, theirs: Person, muc: string): void {
			if (!isSure(room, theirs, muc))
				throw new PermanentError("not-found", phrases.privateUnsure(theirs.name ?? "", theirs.within ?? muc));
		},
		/** Tells the chats of a person who has left a MUC, once. */
		left(muc: string, person: Person): void {
			for (const room of rooms.get(keyOf(muc, person)) ?? []) {
				const theirs = chats.get(room);
				if (!theirs || told.has(room)) continue;
				told.set(room, true);
				sure.delete(room);
				tell(room, phrases.privateEnded(person.name ?? theirs.name ?? "", theirs.within ?? muc));
			}
		},
	};
}
