import type { RoomId } from "../../core/ids.ts";
import type { Portal } from "../../core/mapping.ts";
import { isChanged, type Person } from "../../core/person.ts";
import { pairOf } from "../direct/pair.ts";
import { xmppNetwork } from "../from-xmpp.ts";

/** A chat of two: the person of the ghost, and whether this person opened it rather than the account. */
export type Chat = Readonly<{ person: Person; opened: boolean }>;

/** The chats of two that are served, by their rooms, and by account. Core holds a link for each. */
export function createChats() {
	const chats = new Map<RoomId, Chat>();
	const ofAccount = new Map<string, Set<RoomId>>();

	return {
		/** Notes the chat of a portal. Returns false if it is none between people, or is known already. */
		begin(pair: RoomId, { between }: Pick<Portal, "between">): boolean {
			const person = between?.find(({ network }) => network !== xmppNetwork);
			if (!between || !person) return false;
			const isNew = !chats.has(pair);
			chats.set(pair, { person, opened: between[0] === person });
			const [account] = pairOf(pair);
			const all = ofAccount.get(account) ?? new Set();
			ofAccount.set(account, all.add(pair));
			return isNew;
		},
		end(pair: RoomId): void {
			const [account] = pairOf(pair);
			chats.delete(pair);
			const all = ofAccount.get(account);
			all?.delete(pair);
			if (all?.size === 0) ofAccount.delete(account);
		},
		/** Notes the name and the picture of the person of a ghost, as far as they are known. Returns true if one is new. */
		meet(pair: RoomId, { name, avatar }: Pick<Person, "name" | "avatar">): boolean {
			const chat = chats.get(pair);
			if (!chat) return false;
			const known = { ...(name !== undefined && { name }), ...(avatar !== undefined && { avatar }) };
			const person = { ...chat.person, ...known };
			if (!isChanged(chat.person, person)) return false;
			chats.set(pair, { ...chat, person });
			return true;
		},
		get: (pair: RoomId): Chat | undefined => chats.get(pair),
		has: (pair: RoomId): boolean => chats.has(pair),
		of: (account: string): Iterable<RoomId> => ofAccount.get(account) ?? [],
		rooms: (): Iterable<RoomId> => chats.keys(),
		accounts: (): Iterable<string> => ofAccount.keys(),
	};
}
export type Chats = ReturnType<typeof createChats>;
