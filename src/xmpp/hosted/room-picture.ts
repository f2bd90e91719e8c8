import { type Element, xml } from "../stream/xml.ts";
import type { HostedContext } from "./context.ts";
import type { HostedRoom, Session } from "./room.ts";

/** Returns the presence of a room itself that names its picture (XEP-0486 §5.2); without one, that it has none. Pure. */
export const picturePresence = (address: string, sha1: string | undefined): Element =>
	xml("presence", { from: address }, xml("x", { xmlns: "vcard-temp:x:update" }, xml("photo", {}, sha1)));

/**
 * Shows sessions the picture of the room once it is read. `changed`: they may know another one, so the lack of a picture is
 * told, too.
 */
export function showPicture(
	room: HostedRoom,
	sessions: Iterable<Session>,
	{ changed }: Readonly<{ changed: boolean }>,
	{ guard, pictures, rooms, out }: HostedContext,
): void {
	const { picture: ref } = room.facts;
	if (ref === undefined && !changed) return;
	const told = [...sessions];
	void guard.run("picture of a hosted room", async () => {
		const picture = ref === undefined ? undefined : await pictures.get(ref);
		// A newer picture is shown by itself.
		if (room.facts.picture !== ref || (!picture && !changed)) return;
		const here = told.filter((session) => rooms.joinedAs(session));
		out.send(here, (address) => picturePresence(address, picture?.sha1));
	});
}
