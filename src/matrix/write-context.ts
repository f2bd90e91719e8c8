import type { BridgeEvent } from "../core/event.ts";
import type { Refs } from "../core/network.ts";
import { references } from "../core/references.ts";
import { mentions } from "../core/rich.ts";
import type { MatrixEvent } from "./event.ts";
import type { EventCache } from "./event-cache.ts";
import type { Ghosts } from "./ghosts.ts";
import { matrixNetwork } from "./mxid.ts";
import type { Rooms } from "./rooms.ts";
import type { WriteContext } from "./to-matrix.ts";

/** Returns the function that gathers the people and events that an outbound event names, so that it can be written. */
export function createWriteContext(deps: { ghosts: Ghosts; rooms: Rooms; eventCache: EventCache }) {
	const { ghosts, rooms, eventCache } = deps;
	return async (event: BridgeEvent, refs: Refs, room: string, ghost: string): Promise<WriteContext> => {
		const known = new Map<string, string>();
		const people = "rich" in event && event.rich ? mentions(event.rich).people : [];
		const answered = event.kind === "message" && event.replyTo?.author ? [event.replyTo.author] : [];
		for (const person of [...people, ...answered]) {
			const mxid = person.network === matrixNetwork ? person.id : await ghosts.known(person);
			if (mxid) known.set(`${person.network} ${person.id}`, mxid);
		}
		const events = new Map<string, MatrixEvent>();
		for (const { id, own } of references(event)) {
			const [there] = refs[own ?? id] ?? refs[id] ?? [];
			const as = rooms.withBot.has(room) ? undefined : ghost;
			const found = there && (await eventCache.find(room, there, as));
			if (found) events.set(found.event_id, found);
		}
		return {
			mxid: (person) => known.get(`${person.network} ${person.id}`),
			event: (id) => events.get(id),
		};
	};
}
