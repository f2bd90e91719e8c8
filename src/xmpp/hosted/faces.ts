import { type Avatar, sameAvatar } from "../../core/person.ts";
import { faceOf } from "../faces.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import { photoIn } from "../photo.ts";
import type { Element } from "../stream/xml.ts";
import { announce } from "./announce.ts";
import type { HostedContext } from "./context.ts";
import { setAvatar } from "./occupants.ts";
import { type HostedRoom, type Joined, type Occupant, occupantOf } from "./room.ts";

type Place = Pick<Joined, "room" | "occupant">;

/** People of a room whose pictures are read before they say something. */
const few = 100;

/**
 * Reads the picture of an occupant, and tells the sessions of it once it is there. `before`: the picture that they know. It
 * is no news if both have the same bytes.
 */
export function showFace(
	room: HostedRoom,
	occupant: Occupant,
	{ guard, faces, ...context }: HostedContext,
	before?: Avatar | null,
): void {
	const { avatar, network } = occupant.person;
	if (!avatar || network === xmppNetwork || room.hidden.has(occupant)) return;
	const known = before ? faces.hash(before) : undefined;
	// Each presence since the picture was read has its hash.
	if (before === undefined && faces.hash(avatar) !== undefined) return;
	void guard.run("picture of an occupant", async () => {
		const picture = await faces.get(avatar);
		if (!picture || picture.sha1 === known) return;
		const isStill = occupantOf(room, occupant.person) === occupant && occupant.person.avatar === avatar;
		if (isStill) announce(room, occupant, { guard, faces, ...context });
	});
}

/** Takes the picture that the presence of a client names (XEP-0153), and gives it to the ghost of its person. */
export function takePhoto({ room, occupant }: Place, presence: Element, context: HostedContext): void {
	const jid = bare(presence.attrs.from ?? "");
	const { avatar } = faceOf(jid, photoIn(presence));
	if (avatar === undefined && occupant.person.avatar === undefined)
		askForPhoto({ room, occupant }, jid, context);
	if (avatar === undefined || sameAvatar(occupant.person.avatar ?? null, avatar)) return;
	setAvatar(occupant, avatar);
	context.memberships.rename(room.source, occupant.person);
}

/** Asks an account whose client names no picture, and gives the picture that it keeps to the ghost. */
function askForPhoto({ room, occupant }: Place, jid: string, context: HostedContext): void {
	void context.guard.run("picture of an account", async () => {
		const avatar = await context.pictureOf(jid).catch((err: unknown) => {
			context.log.debug({ err }, "the picture of an account could not be read");
			return undefined;
		});
		const isStill = occupantOf(room, occupant.person) === occupant && occupant.person.avatar === undefined;
		if (!avatar || !isStill) return;
		setAvatar(occupant, avatar);
		context.memberships.rename(room.source, occupant.person);
	});
}

/** Reads the pictures of the people of a room that has just been read; those of many are read as they speak. */
export function showFaces(room: HostedRoom, context: HostedContext): void {
	if (room.people.size <= few) for (const one of room.people.values()) showFace(room, one, context);
}
