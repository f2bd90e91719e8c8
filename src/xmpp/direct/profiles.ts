import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import { createRateLimit } from "../../core/limits.ts";
import type { Log } from "../../core/log.ts";
import { nameOf } from "../../core/names.ts";
import type { Received } from "../../core/network.ts";
import { type Avatar, isChanged, type Person, sameAvatar } from "../../core/person.ts";
import { newsIn } from "../account-nodes.ts";
import { type Faces, faceAt } from "../faces.ts";
import { account } from "../from-xmpp.ts";
import { bare } from "../jid.ts";
import { photoIn } from "../photo.ts";
import { type Element, text } from "../stream/xml.ts";
import { nickNs } from "../to-xmpp.ts";
import { pairRoom } from "./pair.ts";

/** Accounts whose profiles are kept, and their bytes. */
const [accounts, accountBytes] = [10_000, 4 * 1_048_576];
/** VCards that wait to be read. */
const mostWaiting = 1_000;
/** How long a profile counts, in ms: no presence tells of a new name. `failed`: until it is asked again. */
const readAgainAfter = { read: 24 * 3_600_000, failed: 600_000 };
/** How often an account is read before that, because its presences name another picture. */
const readings = { perMinute: 1, burst: 3 };

type Profile = Readonly<{
	/** The name that the account gave itself in a message or its node (XEP-0172). */
	said?: string;
	/** The picture that the last presence named. */
	shown?: Avatar | null;
	/** The newest picture that a presence or a node named. */
	newest?: Avatar | null;
	/** The name and the picture in its vCard and its other nodes. */
	name?: string | undefined;
	avatar?: Avatar | null;
	/** The chats know this name and picture. */
	told?: Pick<Person, "name" | "avatar">;
	/** When the vCard is read again, in ms since 1970. */
	readAgain?: number;
}>;

/** The names and pictures of the accounts that chat with ghosts, read in the background. */
export function createProfiles(deps: {
	faces: Pick<Faces, "profile">;
	/** Resolves with true for the room of a chat. */
	isChat(room: RoomId): Promise<boolean>;
	tell(events: readonly Received[]): void;
	now(): { at: number; unique(): string };
	/** Runs what nobody waits for. */
	later(work: () => Promise<void>): void;
	log: Log;
}) {
	const { faces, now, log } = deps;
	const known = createBoundedMap<string, Profile>(accounts, {
		bytes: accountBytes,
		of: (jid, { said, name, shown, newest, avatar }) =>
			400 + textBytes(jid, said, name) + 2 * textBytes(shown?.ref, newest?.ref, avatar?.ref),
	});
	const mayReadAgain = createRateLimit(readings, () => now().at);
	let waiting = 0;

	const add = (jid: string, news: Profile): void => known.set(jid, { ...known.get(jid), ...news });

	/** Returns the person of an account as far as the bridge knows them. */
	function person(jid: string): Person {
		const { said, name, newest, avatar } = known.get(bare(jid)) ?? {};
		const called = said ?? name;
		// Servers tell each change in presences (XEP-0153) or by nodes, and the vCard is but read now and then.
		const looks = newest === undefined ? avatar : newest;
		return {
			...account(jid),
			...(called !== undefined && { name: called }),
			...(looks !== undefined && { avatar: looks }),
		};
	}

	/** Tells the chat of an account the news of its profile. */
	function tell(jid: string, room: RoomId): void {
		const sender = person(jid);
		if (!isChanged({ ...account(jid), ...known.get(jid)?.told }, sender)) return;
		toldAs(jid, sender);
		const { at, unique } = now();
		deps.tell([{ kind: "profile", id: `profile ${unique()}` as MessageId, room, sender, at }]);
	}
	const toldAs = (jid: string, { name, avatar }: Person): void =>
		add(jid, {
			told: { ...(name !== undefined && { name }), ...(avatar !== undefined && { avatar }) },
		});

	async function read(jid: string, room: RoomId): Promise<void> {
		const { name, hash } = await faces.profile(jid);
		add(jid, { name, avatar: faceAt(jid, hash ?? "") });
		tell(jid, room);
	}

	/** Reads the profile of an account, unless that was done lately. `anew`: also then, within bounds. */
	function look(jid: string, room: RoomId, anew = false): void {
		const { readAgain } = known.get(jid) ?? {};
		const isRead = readAgain !== undefined && readAgain > now().at && !(anew && mayReadAgain(jid));
		if (waiting >= mostWaiting || isRead) return;
		const againIn = (ms: number) => add(jid, { readAgain: now().at + ms });
		againIn(readAgainAfter.read);
		waiting++;
		const failed = (err: unknown) => {
			log.debug({ err }, "the profile of an account could not be read");
			againIn(readAgainAfter.failed);
		};
		deps.later(() =>
			read(jid, room)
				.catch(failed)
				.finally(() => waiting--),
		);
	}

	/** Takes the news that an account publishes. The missing parts are read first: a picture alone would take the name away. */
	function learn(jid: string, room: RoomId, news: Profile): void {
		const isRead = known.get(jid)?.readAgain !== undefined;
		add(jid, news);
		if (isRead) tell(jid, room);
		else
			deps.later(async () => {
				if (await deps.isChat(room)) look(jid, room);
			});
	}

	return {
		person,
		look,
		/** Takes the name of a message to a ghost, and reads the rest of the profile. */
		wrote(stanza: Element, room: RoomId): void {
			const jid = bare(stanza.attrs.from ?? "");
			const said = nameOf(text(stanza, "nick", nickNs) ?? "");
			if (said) add(jid, { said });
			// The message itself shows them.
			toldAs(jid, person(jid));
			look(jid, room);
		},
		/** Takes the picture that a presence to a ghost names (XEP-0153). */
		present(presence: Element): void {
			const { from = "", to = "", type } = presence.attrs;
			const photo = photoIn(presence);
			if (type !== undefined || photo === undefined) return;
			const [jid, room] = [bare(from), pairRoom(from, bare(to))];
			const [{ shown: last, newest, readAgain } = {}, shown] = [known.get(jid), faceAt(jid, photo)];
			// A client says the same in each presence, and one that knows no nodes may deny a picture that stands there.
			const isNews = last === undefined ? shown !== null || newest === undefined : !sameAvatar(last, shown);
			learn(jid, room, { shown, ...(isNews && { newest: shown }) });
			// A new picture often comes with a new vCard.
			if (isNews && last !== undefined && readAgain !== undefined) look(jid, room, true);
		},
		/** Takes the news that the nodes of an account send to a ghost (XEP-0163 §4.3). */
		announced(message: Element): void {
			const { from = "", to = "" } = message.attrs;
			const { photo, name } = newsIn(message);
			// An occupant of a MUC, or a client, speaks for no account.
			if (from !== bare(from) || (name === undefined && photo === undefined)) return;
			learn(from, pairRoom(from, bare(to)), {
				...(name !== undefined && { said: name }),
				...(photo !== undefined && { newest: faceAt(from, photo) }),
			});
		},
	};
}
export type Profiles = ReturnType<typeof createProfiles>;
