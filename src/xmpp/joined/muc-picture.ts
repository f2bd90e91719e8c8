import type { Avatar } from "../../core/person.ts";
import { faceAt } from "../faces.ts";
import { photoOf } from "../photo.ts";
import { StanzaError } from "../stanza-error.ts";
import { child, type Element, type Node, xml } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { isIn, type OwnOccupant } from "./own-occupants.ts";
import { notePicture, type Room } from "./room.ts";

/** The picture of a MUC itself (XEP-0486), both ways. */

const ns = "vcard-temp";
/** Own occupants that try to set the picture: few MUCs have more than one owner of ours. */
const tried = 3;

/** The key of the hash of the picture that we have set last. */
const keyOf = (room: Room) => `picture of MUC ${room.jid}`;

/** The picture that each MUC is to have. */
const wanted = new WeakMap<Room, Avatar | null>();

/** Tells the portal the picture of the MUC, by its hash; "" is none. Returns at once. */
export function showPicture(room: Room, hash: string, context: Context): void {
	if (!notePicture(room, hash)) return;
	void context.guard.run("picture of a MUC", async () => {
		// The small version of the portal's own picture must not replace it.
		const given = await context.cursor(keyOf(room));
		if (given !== hash) context.pictured(room, faceAt(room.jid, hash));
	});
}

/**
 * Gives the MUC the picture of another room, null for none, as an occupant of ours: only an owner has the right. Returns at
 * once; no line waits for it, and what fails is not repeated.
 */
export function givePicture(room: Room, avatar: Avatar | null, context: Context): void {
	wanted.set(room, avatar);
	void context.guard.run("picture for a MUC", async () => {
		const picture = avatar ? await context.faces.get(avatar) : undefined;
		const sha1 = picture?.sha1 ?? "";
		const isDue = () => wanted.get(room) === avatar && sha1 !== (room.picture ?? "");
		if (avatar && !picture) return;
		for (const one of candidates(room)) {
			try {
				// A set replaces the whole vCard (XEP-0054 §3.2).
				const rest = isDue() ? await cardOf(room, one, context) : [];
				if (!isDue()) return;
				await context.link.iq(vcard("set", room, one, [...rest, picture && photoOf(picture)]));
			} catch (error) {
				context.log.debug({ err: error, room: room.jid }, "a MUC did not take a picture");
				if (error instanceof StanzaError) continue;
				return;
			}
			context.save({ key: keyOf(room), value: sha1 || undefined });
			notePicture(room, sha1);
			return;
		}
	});
}

/** Returns the own occupants that may own the MUC: the listener has made some of them. */
const candidates = ({ listener, ours }: Room): readonly OwnOccupant[] =>
	[...new Set([listener, ...ours.byJid.values()])].filter(isIn).slice(0, tried);

const vcard = (type: "get" | "set", { jid }: Room, one: OwnOccupant, inside: readonly Node[]): Element =>
	xml("iq", { type, from: one.jid, to: jid }, xml("vCard", { xmlns: ns }, ...inside));

/** Resolves with what the vCard of the MUC holds besides the picture. */
async function cardOf(room: Room, one: OwnOccupant, { link }: Context): Promise<readonly Element[]> {
	const answer = await link.iq(vcard("get", room, one, [])).catch((error: unknown) => {
		if (error instanceof StanzaError && error.condition === "item-not-found") return undefined;
		throw error;
	});
	const card = answer && child(answer, "vCard", ns);
	return card?.getChildElements().filter(({ name }) => name !== "PHOTO") ?? [];
}
