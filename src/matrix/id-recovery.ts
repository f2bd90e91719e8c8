import type { MessageId, RoomId } from "../core/ids.ts";
import type { Recalled } from "../core/network.ts";
import type { Client } from "./client.ts";
import type { MatrixEvent } from "./event.ts";
import { ownId } from "./from-matrix.ts";
import type { Members } from "./members.ts";
import { copiesIn } from "./message/origin.ts";
import { createPages } from "./pages.ts";

/** How far back a room is read: the number of pages, and of events on a page. */
const [pages, pageSize] = [5, 100];

/** Returns the ids of a room's last messages, the newest first. `as`: the ghost that reads the room; undefined is the bot. */
export async function recoverIds(
	room: RoomId,
	as: string | undefined,
	deps: { client: Pick<Client, "messages">; members: Members; isOurs(mxid: string): boolean },
): Promise<readonly Recalled[]> {
	const { client, members, isOurs } = deps;
	const all: MatrixEvent[] = [];
	const history = createPages(pages, (from) =>
		client.messages(room, { limit: pageSize, ...(as && { as }), from }),
	);
	for await (const page of history) all.push(...page);
	return all.filter(says).flatMap(({ event_id, sender, content }) => {
		const ids = [event_id as MessageId, ownId(event_id, sender)];
		const person = members.inRoom(room, sender);
		if (!isOurs(sender)) return [{ ids, sender: person }];
		const copies = copiesIn(content);
		return copies.length > 0 ? [{ ids, sender: person, copies }] : [];
	});
}

/** Whether an event is a message that was not redacted: a redacted one has no content. */
const says = ({ type, state_key, content }: MatrixEvent) =>
	state_key === undefined &&
	type !== "m.reaction" &&
	type !== "m.room.redaction" &&
	Object.keys(content).length > 0;
