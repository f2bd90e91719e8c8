import type { NetworkName, UserId } from "../../src/core/ids.ts";
import type { Person } from "../../src/core/person.ts";
import type { MatrixEvent } from "../../src/matrix/event.ts";

/** A message of alice in the room `!r`; `over` replaces fields. */
export const sampleEvent = (over: Partial<MatrixEvent> = {}): MatrixEvent => ({
	type: "m.room.message",
	event_id: "$e",
	room_id: "!r",
	sender: "@alice:hs.test",
	origin_server_ts: 1_700_000_000_000,
	content: {},
	...over,
});

/** A Matrix person, called by the localpart. */
export function samplePerson(mxid: string): Person {
	const [localpart = "", domain = ""] = mxid.slice(1).split(":");
	return {
		network: "matrix" as NetworkName,
		id: mxid as UserId,
		address: [localpart],
		name: localpart,
		handles: [mxid],
		domain,
	};
}
