import type { Moderation, ModerationAct } from "../../core/event.ts";
import { asObject, type MatrixEvent, type ReadContext, text } from "../event.ts";
import { matrixNetwork } from "../mxid.ts";

/**
 * Returns what a moderator of the room did to a ghost by a member event; undefined where the event is no such act, or the
 * ghost stands for nobody yet.
 */
export function moderationIn(
	event: MatrixEvent,
	base: Pick<Moderation, "id" | "room" | "at">,
	around: Pick<ReadContext, "person" | "before">,
): Moderation | undefined {
	const { state_key: mxid = "", sender, content } = event;
	const act = actIn(event, around.before(mxid) !== undefined);
	const whom = around.person(mxid);
	if (!act || whom.network === matrixNetwork) return undefined;
	const reason = text(content.reason);
	return {
		...base,
		kind: "moderation",
		sender: around.person(sender),
		act,
		whom,
		...(reason && { reason }),
	};
}

// Matrix spec, "m.room.member": the table of membership transitions.
function actIn({ content, unsigned }: MatrixEvent, wasIn: boolean): ModerationAct | undefined {
	if (content.membership === "ban") return "ban";
	if (content.membership !== "leave") return undefined;
	if (asObject(unsigned?.prev_content).membership === "ban") return "unban";
	return wasIn ? "kick" : undefined;
}
