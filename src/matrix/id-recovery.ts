import type { MessageId, RoomId } from "../core/ids.ts";
import type { Recalled } from "../core/network.ts";
import type { Client } from "./client.ts";
import { isEvent, type MatrixEvent } from "./event.ts";
import { ownId } from "./from-matrix.ts";
import type { Members } from "./members.ts";
import { copiesIn } from "./message/origin.ts";

/** How far back a room is read: so many pages of so many events. */
const [pages, pageSize] = [5, 100];

/** What was said in a room of late, the newest first. `as`: who of us is there. */
export async function recoverIds(
	room: RoomId,
	as: string | undefined,
	deps: { client: Pick<Client, "messages">; members: Members; isOurs(mxid: string): boolean },
): Promise<readonly Recalled[]> {
	const { client, members, isOurs } = deps;
	const all: MatrixEvent[] = [];
	let from: string | undefined;
	for (let page = 0; page < pages; page++) {
		const { chunk, end } = await client.messages(room, { limit: pageSize, ...(as && { as }), from });
		all.push(...chunk.filter(isEvent));
		if (end === undefined) break;
		from = end;
	}
	return all.filter(says).flatMap(({ event_id, sender, content }) => {
		const ids = [event_id as MessageId, ownId(event_id, sender)];
		const person = members.person(sender, members.of(room).get(sender));
		if (!isOurs(sender)) return [{ ids, sender: person }];
		const copies = copiesIn(content);
		return copies.length > 0 ? [{ ids, sender: person, copies }] : [];
	});
}

/** Redacted ones say nothing any more. */
const says = ({ type, state_key, content }: MatrixEvent) =>
	state_key === undefined &&
	type !== "m.reaction" &&
	type !== "m.room.redaction" &&
	Object.keys(content).length > 0;
