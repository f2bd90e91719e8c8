import type { MemberChange } from "../../core/hosting.ts";
import { nameOf } from "../../core/names.ts";
import { isChanged } from "../../core/person.ts";
import { asObject, type MatrixEvent, type ReadContext, text } from "../event.ts";
import { avatarAt, memberBefore } from "../message/attachments.ts";

/** Returns the change that a member event makes; undefined for one that changes neither membership nor profile. */
export function memberChangeIn(
	event: MatrixEvent,
	around: Pick<ReadContext, "person" | "before">,
): MemberChange | undefined {
	const { state_key: mxid = "", sender, content, unsigned } = event;
	const known = around.person(mxid);
	const before = around.before(mxid);
	const reason = text(content.reason);
	const acted = {
		...(sender !== mxid && { by: around.person(sender) }),
		...(reason && { reason }),
	};
	/** The person under the name that they had until now. */
	const former = { ...known, ...(before && { name: before }) };
	switch (content.membership) {
		case "join": {
			// The name in the list of members may be later than this event.
			const name = nameOf(text(content.displayname)) || localpartOf(mxid);
			const person = { ...known, name, avatar: avatarAt(content.avatar_url) };
			if (before === undefined) return { kind: "member", person, now: "in" };
			return isChanged(memberBefore(event, person, before, known), person)
				? { kind: "member", person, now: "profile" }
				: undefined;
		}
		case "invite":
			return { kind: "member", person: known, now: "invited", ...acted };
		case "ban":
			return { kind: "member", person: former, now: "banned", ...acted };
		case "leave":
			// Matrix spec, "m.room.member": nobody else hears of a knock, nor of its end.
			if (asObject(unsigned?.prev_content).membership === "knock") return undefined;
			return { kind: "member", person: former, now: "out", ...acted };
		default:
			return undefined;
	}
}

const localpartOf = (mxid: string): string => /^@([^:]+):/.exec(mxid)?.[1] ?? mxid;
