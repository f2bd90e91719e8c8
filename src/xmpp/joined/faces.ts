import type { Avatar } from "../../core/person.ts";
import * as presence from "../muc/presence.ts";
import type { Context } from "./context.ts";
import { isIn, type OwnOccupant, setPhoto } from "./own-occupants.ts";
import type { Room } from "./room.ts";
import { inTurn } from "./send-queue.ts";

/** Returns the looks of an own occupant in the MUC. The listener stands for nobody. */
export const shown = ({ jid, name, person, photo, availability }: OwnOccupant, { linkedTo }: Room) => ({
	jid,
	name,
	comesFrom: person ? linkedTo : [],
	photo,
	availability,
});

/** Returns the picture of an own occupant as a join tells it: only one that was read before, since no join waits for one. */
export function knownPhoto({ person }: OwnOccupant, { faces }: Context): string | undefined {
	const avatar = person?.avatar;
	return avatar ? faces.hash(avatar) : undefined;
}

/** The picture that each own occupant is to have: its person may be known by an older event meanwhile. */
const wanted = new WeakMap<OwnOccupant, Avatar | null>();

/** Reads the picture that the person behind an own occupant has now, and tells the MUC of a new one. Returns at once. */
export function showFace(room: Room, ours: OwnOccupant, context: Context): void {
	const avatar = ours.person?.avatar;
	if (avatar === undefined) return;
	wanted.set(ours, avatar);
	void context.guard.run("picture of an own occupant", async () => {
		const picture = avatar ? await context.faces.get(avatar) : undefined;
		// A picture that cannot be shown says nothing against the last one.
		if (avatar && !picture) return;
		const photo = picture?.sha1 ?? "";
		// A rename that waits in the queue must not be undone by a presence to the old nick.
		await inTurn(room.sendQueue, async () => {
			if (wanted.get(ours) !== avatar || !isIn(ours) || photo === (ours.photo ?? "")) return;
			setPhoto(ours, photo);
			await context.link.send(presence.rename(shown(ours, room), room.jid, ours.nick));
		});
	});
}
