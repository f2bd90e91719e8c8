import { PermanentError } from "../core/errors.ts";
import type { UserId } from "../core/ids.ts";
import { createRateLimit, type Limits } from "../core/limits.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Person } from "../core/person.ts";
import * as phrases from "../core/phrases.ts";
import type { Client } from "./client.ts";
import { name } from "./members.ts";
import { ghostMxid, parts } from "./mxid.ts";

export type Ghosts = ReturnType<typeof createGhosts>;

/** Synapse takes no longer name, in code points; a nick or a topic may well be longer. */
const longest = 256;
function short(called: string): string {
	const letters = [...called.toWellFormed()];
	return letters.length <= longest ? letters.join("") : `${letters.slice(0, longest - 1).join("")}…`;
}

/** How many accounts people of one MUC, and of one domain, may cause. Accounts are for ever. */
export type GhostLimits = Pick<Limits, "newGhosts" | "newGhostsOfDomain">;
const defaults: GhostLimits = {
	newGhosts: { perMinute: 20, burst: 100 },
	newGhostsOfDomain: { perMinute: 60, burst: 500 },
};

/** Thrown where a person has no ghost and none may be made for now. */
export class NoGhost extends PermanentError {
	constructor() {
		super("busy", phrases.noGhost);
	}
}

/** Our accounts for people of other networks: made at the first need, named as they are called now. */
export function createGhosts(deps: {
	client: Client;
	mapping: Mapping;
	domain: string;
	limits?: GhostLimits;
}) {
	const { client, mapping, domain, limits = defaults } = deps;
	const ofRoom = createRateLimit(limits.newGhosts);
	const ofDomain = createRateLimit(limits.newGhostsOfDomain);
	/** Two lanes may need one address at once: one takes it, the other waits. */
	const busy = new Map<string, Promise<string>>();

	/** Whether one more account may be made for somebody of this room and domain. */
	async function mayMake(person: Person): Promise<boolean> {
		const { network, address, domain } = person;
		const [room, nick] = address;
		if (!(await mapping.takes(person))) return false;
		return (nick === undefined || ofRoom(`${network} ${room}`)) && ofDomain(`${network} ${domain}`);
	}

	async function ensure(person: Person): Promise<string> {
		const known = await mapping.ghost(person.id, person.network, name);
		// A new account shows its localpart until it has a name, and that is our spelling, not for people.
		const called = short(person.name ?? known?.name ?? person.address.at(-1) ?? "");
		if (known && known.name === called) return known.address;
		if (!known && !(await mayMake(person))) throw new NoGhost();
		const mxid = known?.address ?? (await free(person));
		if (!known) await client.register(parts(mxid)?.[0] ?? "");
		await client.setName(mxid, called);
		await mapping.saveGhost({ person, on: name, address: mxid as UserId, name: called });
		return mxid;
	}

	/** The first MXID of this address that nobody else held: a nick's next holder is somebody else. */
	async function free(person: Person): Promise<string> {
		for (let holder = 1; ; holder++) {
			const mxid = ghostMxid(person.network, person.address, domain, holder);
			const taken = await mapping.ghostAt(name, mxid as UserId);
			// An account's address is the account itself; only a nick changes hands.
			if (!taken || taken.person.id === person.id || person.address.length < 2) return mxid;
		}
	}

	return {
		/** The MXID of the person's ghost, registered and named. @throws NoGhost */
		ensure(person: Person): Promise<string> {
			const key = JSON.stringify([person.network, ...person.address]);
			const turn = (busy.get(key) ?? Promise.resolve("")).catch(() => "").then(() => ensure(person));
			busy.set(key, turn);
			const done = () => busy.get(key) === turn && busy.delete(key);
			turn.then(done, done);
			return turn;
		},
		/** The MXID of the person's ghost if there ever was one. */
		known: async (person: Person): Promise<string | undefined> =>
			(await mapping.ghost(person.id, person.network, name))?.address,
		/** Whose ghost this is, if there ever was one. */
		person: async (mxid: string): Promise<Person | undefined> =>
			(await mapping.ghostAt(name, mxid as UserId))?.person,
	};
}
