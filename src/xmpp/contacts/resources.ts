import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Shown } from "../../core/signal.ts";
import { pairOf } from "../direct/pair.ts";
import { combined, type Resource } from "./stanzas.ts";

/** Clients of an account that are remembered in one chat. */
const mostClients = 20;
/** Chats in which an account is online, and their bytes. */
const [most, mostBytes] = [10_000, 8 * 1_048_576];

/** The clients of accounts that are online, by the chat in which a ghost got their presence. */
export function createResources() {
	const nobody = () =>
		createBoundedMap<RoomId, ReadonlyMap<string, Resource>>(most, {
			bytes: mostBytes,
			of: (pair, clients) =>
				[...clients].reduce((sum, [jid, { status }]) => sum + textBytes(jid, status) + 100, textBytes(pair)),
		});
	let online = nobody();
	/** The presence that was told last of each account that is online. */
	const told = createBoundedMap<string, Shown>(most, {
		bytes: mostBytes,
		of: (account, { status }) => textBytes(account, status) + 100,
	});

	return {
		/** Notes the presence of a client, or of a whole account that is not there. */
		note(pair: RoomId, client: string, resource: Resource): void {
			const [account] = pairOf(pair);
			const clients = new Map(online.get(pair));
			if (resource.show !== "offline") clients.set(client, resource);
			else if (client === account) clients.clear();
			else clients.delete(client);
			if (clients.size > mostClients) clients.delete(clients.keys().next().value as string);
			if (clients.size > 0) online.set(pair, clients);
			else online.delete(pair);
		},
		/** True if a client of the account is known to be there. */
		has: (pair: RoomId): boolean => online.has(pair),
		/** Forgets the clients in a chat, which no ghost sees any more. */
		forget: (pair: RoomId): void => void online.delete(pair),
		/** Forgets all clients, but not what was told of them: the servers tell anew who is there. */
		clear(): void {
			online = nobody();
		},
		/** Returns the presence of an account with these chats, if it is another one than was told last. */
		news(account: string, pairs: Iterable<RoomId>): Shown | undefined {
			const now = combined([...pairs].flatMap((pair) => [...(online.get(pair)?.values() ?? [])]));
			const before = told.get(account) ?? { show: "offline" };
			if (now.show === before.show && now.status === before.status) return undefined;
			if (now.show === "offline") told.delete(account);
			else told.set(account, now);
			return now;
		},
	};
}
export type Resources = ReturnType<typeof createResources>;
