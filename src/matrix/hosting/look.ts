import { createBoundedMap, dataBytes, textBytes } from "../../core/bounded-map.ts";
import { TemporaryError } from "../../core/errors.ts";
import type { RoomAddress, RoomFacts } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import { createRateLimit, type Limits, usualLimits } from "../../core/limits.ts";
import type { Person } from "../../core/person.ts";
import type { Client } from "../client.ts";
import type { Ghosts } from "../ghosts.ts";
import * as phrases from "../phrases.ts";
import { createSlots } from "../slots.ts";
import { isAddress, serverIn, spell } from "./addresses.ts";
import { factsOfSummary } from "./facts.ts";
import { createSummaries } from "./summaries.ts";

/** The rate limits on the looks of one person, and of all people of one domain. */
export type LookLimits = Pick<Limits, "requests" | "requestsOfDomain">;
/** Answers that are remembered, their bytes, and the time in ms for which they are: a client asks several times at a join. */
const [remembered, bytes, fresh] = [1_000, 4 * 1_048_576, 10_000];
/** The same time for an answer that refuses the person: they try again as soon as they know that its cause is gone. */
const freshRefusal = 2_000;
/** Servers that are asked about a room of another homeserver, and rooms whose servers are remembered. */
const [mostServers, mostRooms] = [5, 10_000];
/** Looks at rooms of other homeservers that run at once, and that wait. */
const [atOnce, mostWaiting] = [10, 200];

/** Returns true for a room into which the policy may let nobody: it is unknown, our homeserver is not in it, or it is unfit. */
const mayRefuse = (facts: RoomFacts | undefined): boolean => !facts?.local || facts.unfit !== undefined;

export type Look = ReturnType<typeof createLook>;

/** Looks at rooms from outside, as the person's ghost if they have one. Looking joins no room. */
export function createLook(deps: {
	client: Pick<Client, "alias" | "summary" | "visibility" | "state">;
	ghosts: Pick<Ghosts, "known">;
	domain: string;
	/** Returns true for a room that the bridge serves: it exists, whether this person may see it or not. */
	isServed(room: RoomId): Promise<boolean>;
	limits?: Partial<LookLimits>;
	now?: () => number;
}) {
	const { client, ghosts, domain, isServed, now = Date.now } = deps;
	const limits = { ...usualLimits, ...deps.limits };
	const ofPerson = createRateLimit(limits.requests, now);
	const ofDomain = createRateLimit(limits.requestsOfDomain, now);
	type Answer = { readonly facts: Promise<RoomFacts | undefined>; until: number };
	const answers = createBoundedMap<string, Answer>(remembered, {
		bytes,
		of: (key) => textBytes(key) + 2_000,
	});
	const summaries = createSummaries(client, domain);
	const inSlot = createSlots(atOnce, mostWaiting, phrases.tooManyLooks);
	let era = 0;
	/** The servers that know a room, for the join: an id names none. */
	const servers = createBoundedMap<string, readonly string[]>(mostRooms, {
		bytes,
		of: (room, all) => textBytes(room) + dataBytes(all),
	});

	async function look(address: RoomAddress, as: string | undefined): Promise<RoomFacts | undefined> {
		const spelled = spell(address, domain);
		const found =
			address.kind === "alias"
				? await summaries.resolve(spelled)
				: { room: spelled, via: knownServers(spelled) };
		if (!found) return undefined;
		const { room } = found;
		const local = address.kind === "alias" ? found.via.includes(domain) : undefined;
		const via = found.via.filter((server) => server !== domain).slice(0, mostServers);
		if (address.kind === "alias") servers.set(room, via);
		const seen = await summaries.look(room, via, local, as);
		const isOutside = typeof seen === "object" ? !seen.local : local === false;
		if (isOutside) outside.set(room, true);
		else outside.delete(room);
		if (typeof seen === "object") return seen;
		// An alias that leads to a room proves that there is one. Whether people may come in, the join tells.
		if (address.kind === "id" && !(await isServed(room as RoomId))) return undefined;
		const rule = seen === "unsupported" ? "public" : "invite";
		return factsOfSummary(room, { join_rule: rule }, { listed: false, local: local ?? true }, domain);
	}

	/** Returns true if another homeserver may have to be asked. */
	const isElsewhere = (address: RoomAddress): boolean =>
		address.kind === "alias" ? address.parts.length > 1 : serverIn(`!${address.id}`) !== domain;

	/** Rooms that our homeserver was not in at the last look. */
	const outside = createBoundedMap<string, true>(mostRooms, { bytes, of: (room) => textBytes(room) });

	const knownServers = (room: string): readonly string[] =>
		servers.get(room) ?? [serverIn(room) ?? ""].filter((one) => one !== "" && one !== domain);

	return {
		/** As {@link Hosting.look}. */
		async look(address: RoomAddress, by: Person): Promise<RoomFacts | undefined> {
			if (!isAddress(address, domain)) return undefined;
			const as = await ghosts.known(by);
			const key = `${era} ${as ?? ""} ${spell(address, domain)}`;
			const known = answers.get(key);
			if (known && known.until > now()) return known.facts;
			if (!ofPerson(`${by.network} ${by.id}`) || !ofDomain(`${by.network} ${by.domain}`))
				throw new TemporaryError(phrases.tooManyLooks, {
					retryAfter: ofPerson.wait(`${by.network} ${by.id}`),
				});
			const facts = isElsewhere(address) ? inSlot(() => look(address, as)) : look(address, as);
			const answer: Answer = { facts, until: now() + fresh };
			answers.set(key, answer);
			facts.then(
				(found) => {
					if (mayRefuse(found)) answer.until = Math.min(answer.until, now() + freshRefusal);
				},
				() => answers.delete(key),
			);
			return facts;
		},
		/** Returns true if a join of the room has to ask other homeservers, as far as we know. */
		isOutside: (room: string): boolean => outside.has(room),
		/** Returns the servers, other than ours, by which a room can be joined. */
		via: knownServers,
		/** Notes that an alias has begun, or ceased, to lead to a room. */
		moved(): void {
			era++;
		},
		/** Notes that a person of `server` has invited one of ours: from now on the ghost sees more of the room. */
		invited(room: string, server: string): void {
			era++;
			if (server === domain) return;
			if (!servers.has(room)) servers.set(room, [server]);
			outside.set(room, true);
		},
	};
}
