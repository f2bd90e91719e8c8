import type { PortalId } from "./ids.ts";
import type { Portal } from "./mapping.ts";
import type { Person } from "./person.ts";

const keyOf = ({ network, id }: Pick<Person, "network" | "id">) => `${network} ${id}`;

/**
 * The chats of two of each person. A presence comes as often as somebody moves, and most people have no chat: no store is read
 * for them.
 */
export function createChatIndex() {
	const chats = new Map<string, Set<PortalId>>();

	return {
		note({ id, between }: Pick<Portal, "id" | "between">): void {
			for (const one of between ?? []) {
				const mine = chats.get(keyOf(one));
				if (mine) mine.add(id);
				else chats.set(keyOf(one), new Set([id]));
			}
		},
		remove({ id, between }: Pick<Portal, "id" | "between">): void {
			for (const one of between ?? []) {
				const mine = chats.get(keyOf(one));
				mine?.delete(id);
				if (mine?.size === 0) chats.delete(keyOf(one));
			}
		},
		of: (person: Pick<Person, "network" | "id">): Iterable<PortalId> => chats.get(keyOf(person)) ?? [],
	};
}
