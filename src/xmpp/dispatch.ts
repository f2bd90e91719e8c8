import { PermanentError } from "../core/errors.ts";
import type { RoomId } from "../core/ids.ts";
import type { Network } from "../core/network.ts";
import type { Conversation } from "./conversation.ts";
import * as phrases from "./phrases.ts";

/** Returns the lookup of the conversation that owns a room, and the methods of core's Network that it answers. */
export function createDispatch(conversations: readonly Conversation[]) {
	const owner = (room: RoomId) => conversations.find((one) => one.owns(room));
	function conversationOf(room: RoomId): Conversation {
		const found = owner(room);
		if (!found) throw new PermanentError("not-found", phrases.notMuc(room));
		return found;
	}
	const methods = {
		signal: async (out) => conversationOf(out.room).signal?.(out),
		hears: (kind, room) => owner(room)?.hears?.(kind, room) ?? false,
		delivered: async (event) => conversationOf(event.room).confirm?.(event),
		idsOfDeliveries: async (room, all) => conversationOf(room).delivered(room, all),
		refuse: async (event, error, target) => conversationOf(event.room).refuse(event, error, target),
		async attach(portal, one, members = [], isNew = false) {
			if (one.room !== undefined) await conversationOf(one.room).attach?.(portal, one, members, isNew);
		},
		async detach(_portal, one) {
			if (one.room !== undefined) await conversationOf(one.room).detach?.(one);
		},
		label: async ({ room }) => (room && conversationOf(room).label?.(room)) || (room ?? ""),
		hindrance: ({ room }) => (room === undefined ? undefined : conversationOf(room).hindrance?.(room)),
		isPublic: (room) => {
			const found = owner(room);
			return found?.isPublic ? found.isPublic(room) : false;
		},
		show: ({ room }) => (room === undefined ? "" : conversationOf(room).show(room)),
		members: async (room) => conversationOf(room).members(room),
	} satisfies Partial<Network>;
	return { owner, conversationOf, methods };
}
