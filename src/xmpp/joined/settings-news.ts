import type { RoomFeatures } from "../muc/discovery.ts";
import * as phrases from "../phrases.ts";
import type { Context } from "./context.ts";
import { notice } from "./notice.ts";
import type { Room } from "./room.ts";

/** The settings of a MUC whose changes its portal reads of (XEP-0045 §10.2.1). */
const settings = ["membersOnly", "moderated", "password", "archive"] as const;
type Settings = Readonly<Record<(typeof settings)[number], boolean>>;

/** The settings that each portal knows. */
const known = new WeakMap<Room, Settings>();

/** Tells the portal which settings of the MUC have changed since it was last told; at first nothing is news. */
export function tellSettings(room: Room, features: RoomFeatures, context: Context): void {
	const before = known.get(room);
	const { membersOnly, moderated, password, archive } = features;
	const now: Settings = { membersOnly, moderated, password, archive };
	known.set(room, now);
	if (!before) return;
	const news = settings
		.filter((one) => before[one] !== now[one])
		.map((one) => phrases.mucSettings[one][now[one] ? "on" : "off"]);
	if (news.length > 0) context.tell([notice(room, phrases.mucChanged(room.jid, news), context.now())]);
}
