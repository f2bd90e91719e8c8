import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import { nameOf } from "../../core/names.ts";
import type { Received } from "../../core/network.ts";
import { type Avatar, isChanged, type Person } from "../../core/person.ts";
import { type Faces, faceAt } from "../faces.ts";
import { account } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import { nameIn, photoIn } from "../photo.ts";
import { StanzaError } from "../stanza-error.ts";
import { type Element, text } from "../stream/xml.ts";
import { nickNs } from "../to-xmpp.ts";
import { pairRoom } from "./pair.ts";

/** Accounts whose profiles are kept, and their bytes. */
const [accounts, accountBytes] = [10_000, 4 * 1_048_576];
/** VCards that wait to be read. */
const mostWaiting = 1_000;
/** How long a vCard counts, in ms: no presence tells of a new name. */
const readAgainAfter = 24 * 3_600_000;

type Profile = Readonly<{
	/** The name that the account gives itself, in a message (XEP-0172) or else in its vCard. */
	name?: string;
	avatar?: Avatar | null;
	/** When the vCard was read, in ms since 1970. */
	readAt?: number;
}>;

/** The names and pictures of the accounts that chat with ghosts, read in the background. */
export function createProfiles(deps: {
	faces: Pick<Faces, "vcard">;
	tell(events: readonly Received[]): void;
	now(): { at: number; unique(): string };
	/** Runs what nobody waits for. */
	later(work: () => Promise<void>): void;
	log: Log;
}) {
	const { faces, now, log } = deps;
	const known = createBoundedMap<string, Profile>(accounts, {
		bytes: accountBytes,
		of: (jid, { name, avatar }) => 200 + textBytes(jid, name, avatar?.ref, avatar?.hash),
	});
	let waiting = 0;

	/** Returns the person of an account as far as the bridge knows them. */
	function person(jid: string): Person {
		const { name, avatar } = known.get(bare(jid)) ?? {};
		return { ...account(jid), ...(name && { name }), ...(avatar !== undefined && { avatar }) };
	}

	/** Notes what an account says of itself, and tells the chat of what is new. */
	function note(jid: string, room: RoomId, news: Profile): void {
		const before = person(jid);
		known.set(jid, { ...known.get(jid), ...news });
		const sender = person(jid);
		if (!isChanged(before, sender)) return;
		const { at, unique } = now();
		deps.tell([{ kind: "profile", id: `profile ${unique()}` as MessageId, room, sender, at }]);
	}

	async function read(jid: string, room: RoomId): Promise<void> {
		const { card, hash } = await faces.vcard(jid).catch((error: unknown) => {
			// XEP-0054 §3.1: an account without a vCard.
			if (error instanceof StanzaError) return { card: undefined, hash: undefined };
			throw error;
		});
		const name = card && nameIn(card);
		// A name that came with a message, or a picture that a presence names, is newer than the vCard.
		const { name: said = name, avatar = faceAt(jid, hash ?? "") } = known.get(jid) ?? {};
		note(jid, room, { ...(said !== undefined && { name: said }), avatar, readAt: now().at });
	}

	/** Reads the vCard of an account that chats with a ghost, unless it was read lately. */
	function look(jid: string, room: RoomId): void {
		const { readAt } = known.get(jid) ?? {};
		if (waiting >= mostWaiting || (readAt !== undefined && readAt > now().at - readAgainAfter)) return;
		known.set(jid, { ...known.get(jid), readAt: now().at });
		waiting++;
		const failed = (error: unknown) => log.debug({ err: error }, "the vCard of an account could not be read");
		deps.later(() =>
			read(jid, room)
				.catch(failed)
				.finally(() => waiting--),
		);
	}

	return {
		person,
		/** Takes the name of a message to a ghost, and reads the rest of the profile. */
		wrote(stanza: Element, room: RoomId): void {
			const jid = bare(stanza.attrs.from ?? "");
			const name = nameOf(text(stanza, "nick", nickNs) ?? "");
			if (name) known.set(jid, { ...known.get(jid), name });
			look(jid, room);
		},
		/** Takes the picture that a presence to a ghost names (XEP-0153). */
		present(presence: Element): void {
			const { from = "", to = "", type } = presence.attrs;
			const photo = photoIn(presence);
			const jid = bare(from);
			if (type === undefined && photo !== undefined)
				note(jid, pairRoom(from, bare(to)), { avatar: faceAt(jid, photo) });
		},
	};
}
export type Profiles = ReturnType<typeof createProfiles>;
