import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { NetworkName, RoomId } from "../core/ids.ts";
import type { Bridge, RoomInfo } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import { isId, text } from "./event.ts";
import type { Ghosts } from "./ghosts.ts";
import type { Members } from "./members.ts";
import { aliasAddress, ghostAddress, matrixNetwork, parts, personMxid } from "./mxid.ts";
import * as phrases from "./phrases.ts";
import { createProfileLookupLimit } from "./profile-lookup-limit.ts";
import { createQueryLimit, type Wanted } from "./query-limit.ts";
import { typedId } from "./typed-id.ts";

/** Timeout in ms of a profile lookup, which may ask another homeserver. */
const patience = 10_000;

/** Runs work that looks at the network of an address, within the rate limits; undefined where nothing has the address. */
export type Limited = <T>(
	wanted: Wanted | undefined,
	work: (of: NetworkName) => Promise<T | undefined>,
) => Promise<T | undefined>;

/** Finds Matrix people and rooms for other networks, and answers the homeserver's queries for ghosts and aliases. */
export function createLookup(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	bridge: Pick<Bridge, "findPerson" | "openRoom">;
	domain: string;
	networks: readonly string[];
	isOurs(mxid: string): boolean;
	/** Called with the alias under which a room was found. */
	named(room: string, alias: string): Promise<void>;
}) {
	const { client, members, ghosts, bridge, domain, networks, isOurs } = deps;
	const queryLimit = createQueryLimit();
	const strangers = createProfileLookupLimit();

	async function profiled(mxid: string): Promise<Person | undefined> {
		try {
			const { displayname, avatar_url } = await client.profile(mxid, patience);
			return members.person(mxid, displayname, text(avatar_url));
		} catch (error) {
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	/** Runs `work`, which looks at another network, within the rate limit. Undefined when no person or room has that address. */
	async function limited<T>(
		wanted: Wanted | undefined,
		work: (of: NetworkName) => Promise<T | undefined>,
	): Promise<T | undefined> {
		if (!wanted || !networks.includes(wanted.network) || queryLimit.missed(wanted)) return undefined;
		if (!queryLimit.may(wanted))
			throw new TemporaryError("too many questions for rooms and people that are not here yet");
		try {
			const found = await work(wanted.network as NetworkName);
			queryLimit.note(wanted, found !== undefined);
			return found;
		} catch (error) {
			if (!(error instanceof PermanentError)) throw error;
			// A rate limit refused it, which says nothing about the address.
			if (error.reason !== "busy") queryLimit.note(wanted, false);
			return undefined;
		}
	}

	return {
		limited,
		/** Resolves with the person at an address, undefined if the homeserver knows none. @throws PermanentError for no MXID */
		async person(address: readonly string[]): Promise<Person | undefined> {
			const [first = "", ...server] = address;
			const mxid = personMxid([typedId(first), ...server], domain);
			if (!mxid) throw new PermanentError("invalid", phrases.noMatrixAddress(address.join(":")));
			if (isOurs(mxid)) return undefined;
			return parts(mxid)?.[1] === domain ? profiled(mxid) : strangers.find(mxid, () => profiled(mxid));
		},

		/** Resolves with the room of an alias or id that a person typed. @throws PermanentError */
		async room([given = ""]: readonly string[]): Promise<RoomInfo> {
			const typed = typedId(given);
			if (!isId(typed)) throw new PermanentError("invalid", phrases.noMatrixAddress(typed.slice(0, 255)));
			if (/^!\S+$/.test(typed)) return { room: typed as RoomId };
			if (!/^#[^\s:]+:\S+$/.test(typed)) throw new PermanentError("invalid", phrases.noMatrixAddress(typed));
			try {
				const { room_id } = await client.alias(typed);
				await deps.named(room_id, typed);
				return { room: room_id as RoomId, name: typed };
			} catch (error) {
				if (!(error instanceof MatrixError)) throw error;
				throw new PermanentError("not-found", phrases.noMatrixRoom(typed), { cause: error });
			}
		},

		/** Answers the homeserver's query for an alias: makes the portal if the room exists on the other network. */
		async alias(asked: string): Promise<boolean> {
			const wanted = isId(asked) ? aliasAddress(asked, domain) : undefined;
			const made = await limited(wanted && { ...wanted, kind: "room" }, async (of) => {
				const room = await bridge.openRoom(matrixNetwork, of, wanted?.address ?? []);
				// The queried alias may be spelled otherwise than the portal's own; it must also lead to the portal.
				await client.setAlias(asked, room).catch((error: unknown) => {
					if (!(error instanceof MatrixError && error.status === 409)) throw error;
				});
				return room;
			});
			return made !== undefined;
		},

		/** Answers the homeserver's query for a ghost: registers it if its person exists. */
		async ghost(mxid: string): Promise<boolean> {
			if (!isId(mxid)) return false;
			if (await ghosts.person(mxid)) return true;
			const wanted = ghostAddress(mxid, domain);
			const made = await limited(wanted && { ...wanted, kind: "person" }, async (of) => {
				const person = await bridge.findPerson(of, wanted?.address ?? []);
				return person && (await ghosts.ensure(person)) === mxid ? mxid : undefined;
			});
			return made !== undefined;
		},
	};
}
