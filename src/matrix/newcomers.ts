import type { LookAlikes } from "../core/confusable.ts";
import type { Guard } from "../core/guard.ts";
import type { RoomId } from "../core/ids.ts";
import type { MatrixEvent } from "./event.ts";
import { partsOf } from "./ghost-name.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";
import { unlabelled } from "./rank-labels.ts";

/** Members of the largest room whose ghosts are compared with a newcomer. */
const largest = 2_000;
/** Ghosts that get another name for one newcomer. */
const most = 5;

/** Returns true for a name with an address behind it; a real name has no such sign. */
const isMarked = (called: string): boolean =>
	partsOf(called)
		.slice(2)
		.some((part) => part.includes("@"));

/**
 * Returns the function that takes the member event of a person, after it was applied: ghosts whose names look like the
 * person's name get their addresses behind them, since they were named before. Returns at once.
 */
export function createNewcomers(deps: {
	members: Pick<Members, "of">;
	ghosts: Pick<Ghosts, "mark">;
	/** Puts the address behind the name of a ghost in one room, where a view shows its people under names of that room. */
	markIn(room: RoomId, ghost: string): Promise<void>;
	isLike: LookAlikes;
	bot: string;
	isOurs(mxid: string): boolean;
	guard: Guard;
}) {
	const { members, ghosts, isLike, bot, isOurs, guard } = deps;
	return ({ room_id: room, state_key: mxid = "", content }: MatrixEvent, hosted: boolean): void => {
		const there = members.of(room);
		const name = there.get(mxid);
		if (content.membership !== "join" || isOurs(mxid) || !name || there.size > largest) return;
		const alike: string[] = [];
		for (const [one, shown] of there) {
			// The label of a rank is nobody's name.
			const called = unlabelled(shown);
			if (one !== bot && isOurs(one) && !isMarked(called) && isLike(name, partsOf(called))) alike.push(one);
		}
		for (const ghost of alike.slice(0, most))
			void guard.run("name of a ghost", () =>
				hosted ? deps.markIn(room as RoomId, ghost) : ghosts.mark(ghost),
			);
	};
}
