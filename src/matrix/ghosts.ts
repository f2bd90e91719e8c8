import { PermanentError } from "../core/errors.ts";
import type { UserId } from "../core/ids.ts";
import { createRateLimit, type Limits, usualLimits } from "../core/limits.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Person } from "../core/person.ts";
import * as phrases from "../core/phrases.ts";
import type { Client } from "./client.ts";
import { type Comparison, ghostName, short, shortName, withAddress } from "./ghost-name.ts";
import { ghostMxid, matrixNetwork, parts } from "./mxid.ts";

export type Ghosts = ReturnType<typeof createGhosts>;

/** Rate limits on new ghosts for people of one MUC and of one domain. Accounts cannot be deleted. */
export type GhostLimits = Pick<Limits, "newGhosts" | "newGhostsOfDomain">;

/** Thrown when a person has no ghost and a rate limit forbids a new one for now. */
export class NoGhost extends PermanentError {
	constructor() {
		super("busy", phrases.noGhost);
	}
}

/** Returns the name of a person, who may have none now; `last`: the one that the ghost has. */
const nameFor = (person: Person, last: string | undefined): string =>
	last === undefined ? shortName(person) : short(person.name ?? last);

/** Keeps the ghosts of people on other networks: registers a ghost at its first use and keeps its name current. */
export function createGhosts(deps: {
	client: Client;
	mapping: Mapping;
	domain: string;
	limits?: GhostLimits;
	/** Returns the comparison of names with others in a room; `ghost` is the account that is named. */
	comparison(ghost: string | undefined, room: string | undefined): Comparison;
}) {
	const { client, mapping, domain, limits = usualLimits, comparison } = deps;
	const ofRoom = createRateLimit(limits.newGhosts);
	const ofDomain = createRateLimit(limits.newGhostsOfDomain);
	/** The last running `ensure` by address: two lanes may need the same ghost at once, and the second one waits. */
	const busy = new Map<string, Promise<string>>();

	/** Whether the rate limits and the mapping's bound permit one more ghost for this person. */
	async function mayMake(person: Person): Promise<boolean> {
		const { network, address, domain } = person;
		const [room, nick] = address;
		if (!(await mapping.takes(person))) return false;
		return (nick === undefined || ofRoom(`${network} ${room}`)) && ofDomain(`${network} ${domain}`);
	}

	async function ensure(person: Person, room?: string): Promise<string> {
		const known = await mapping.ghost(person.id, person.network, matrixNetwork);
		// Until a new account has a display name, clients show its localpart, an encoded address.
		const wanted = nameFor(person, known?.name);
		// A line of somebody whose presence is not there yet tells no real name.
		const realName = person.realName === undefined ? known?.person.realName : person.realName;
		const named = realName === undefined ? person : { ...person, realName };
		const last = { name: known?.name, realName: known?.person.realName };
		const called = ghostName(wanted, named, last, comparison(known?.address, room));
		if (known && known.name === called && last.realName === realName) return known.address;
		if (!known && !(await mayMake(person))) throw new NoGhost();
		const mxid = known?.address ?? (await free(person));
		if (!known) await client.register(parts(mxid)?.[0] ?? "");
		if (known?.name !== called) await client.setName(mxid, called);
		await mapping.saveGhost({
			...known,
			person: named,
			on: matrixNetwork,
			address: mxid as UserId,
			name: called,
		});
		return mxid;
	}

	/** Returns the first MXID of this address that no other person held: the next holder of a nick is another person. */
	async function free(person: Person): Promise<string> {
		for (let holder = 1; ; holder++) {
			const mxid = ghostMxid(person.network, person.address, domain, holder);
			const taken = await mapping.ghostAt(matrixNetwork, mxid as UserId);
			// A bare JID or topic always names the same person; only a nick can pass to another.
			if (!taken || taken.person.id === person.id || person.address.length < 2) return mxid;
		}
	}

	const ensureInTurn = (person: Person, room?: string) => inTurn(person, () => ensure(person, room));

	function inTurn({ network, address }: Person, work: () => Promise<string>): Promise<string> {
		const key = JSON.stringify([network, ...address]);
		const turn = (busy.get(key) ?? Promise.resolve("")).catch(() => "").then(work);
		busy.set(key, turn);
		const done = () => busy.get(key) === turn && busy.delete(key);
		turn.then(done, done);
		return turn;
	}

	/** Gives a ghost the name with the address, whatever name it had for longer. */
	async function mark(mxid: string): Promise<void> {
		const known = await mapping.ghostAt(matrixNetwork, mxid as UserId);
		if (!known) return;
		const { person } = known;
		const name = withAddress(nameFor(person, known.name), person);
		if (known.name === name) return;
		await client.setName(mxid, name);
		await mapping.saveGhost({ ...known, name });
	}

	/** Returns the person that has the ghost: one that people meet in private speaks by the ghost that they know. */
	const bearer = (person: Person): Person => person.ghostOf ?? person;
	const ghostOf = (person: Person) => {
		const { id, network } = bearer(person);
		return mapping.ghost(id, network, matrixNetwork);
	};

	return {
		/** Resolves with the MXID of the person's ghost, registered, and named for this room first of all. @throws NoGhost */
		ensure: (person: Person, room?: string): Promise<string> => ensureInTurn(bearer(person), room),
		/**
		 * Resolves with the MXID of the person's ghost, registered if necessary. A ghost keeps its name: `person.name` is the
		 * person's name in one room only. @throws NoGhost
		 */
		account: async (person: Person): Promise<string> =>
			(await ghostOf(person))?.address ?? ensureInTurn(bearer(person)),
		/**
		 * Puts the address behind the name of a ghost: somebody who came later has a name that looks like it, so that people
		 * could take one for the other.
		 */
		async mark(mxid: string): Promise<void> {
			const known = await mapping.ghostAt(matrixNetwork, mxid as UserId);
			if (known) await inTurn(known.person, () => mark(mxid).then(() => mxid));
		},
		/** Resolves with the MXID of the person's ghost, undefined if none was ever registered. */
		known: async (person: Person): Promise<string | undefined> => (await ghostOf(person))?.address,
		/** Resolves with the person that a ghost stands for, undefined for any other MXID. */
		person: async (mxid: string): Promise<Person | undefined> =>
			(await mapping.ghostAt(matrixNetwork, mxid as UserId))?.person,
	};
}
