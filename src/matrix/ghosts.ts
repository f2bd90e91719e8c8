import type { Person } from "../core/event.ts";
import type { UserId } from "../core/ids.ts";
import type { Mapping } from "../core/mapping.ts";
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

/** Our accounts for people of other networks: made at the first need, named as they are called now. */
export function createGhosts(deps: { client: Client; mapping: Mapping; domain: string }) {
	const { client, mapping, domain } = deps;
	/** Two lanes may need one address at once: one takes it, the other waits. */
	const busy = new Map<string, Promise<string>>();

	async function ensure(person: Person): Promise<string> {
		const known = await mapping.ghost(person.id, person.network, name);
		// A new account shows its localpart until it has a name, and that is our spelling, not for people.
		const called = short(person.name ?? known?.name ?? person.address.at(-1) ?? "");
		if (known && known.name === called) return known.address;
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
		/** The MXID of the person's ghost, registered and named. */
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
