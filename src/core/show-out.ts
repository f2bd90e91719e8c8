import { randomBytes } from "node:crypto";
import type { Hosting, Seen } from "./hosting.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping } from "./mapping.ts";
import type { Bridge, Network } from "./network.ts";
import type { Person } from "./person.ts";

/** Creates the removal of people who have been blocked from all rooms in which they are shown. */
export function createShowOut(deps: {
	mapping: Pick<Mapping, "portals">;
	journal: Pick<Journal, "members">;
	network(name: NetworkName): Pick<Network, "hosting">;
	/** False for a person who is blocked. */
	allowed(person: Person): boolean;
	bridge: Pick<Bridge, "sync" | "seen">;
	log: Log;
}) {
	const { mapping, journal, network, allowed, bridge, log } = deps;

	/** Has the blocked people of a room leave the other rooms of its portal. Resolves with them. */
	async function fromOthers({ network: of, room }: Link): Promise<readonly Person[]> {
		const people = room ? await journal.members(of, room) : [];
		const blocked = people.filter((person) => !allowed(person));
		if (room && blocked.length > 0) await bridge.sync(of, room, people);
		return blocked;
	}

	/** Has the blocked people in a source leave its views, and the ghosts of those from a view leave the source. */
	async function fromViews(of: NetworkName, room: RoomId, hosting: Hosting): Promise<readonly Person[]> {
		const { members } = await hosting.view(room);
		const blocked = members.filter((person) => !allowed(person));
		for (const person of blocked) if (person.network !== of) await hosting.leave(room, person);
		const at = Date.now();
		await bridge.seen(
			of,
			blocked.map((person): Seen => {
				const id = `block ${randomBytes(9).toString("base64url")}` as MessageId;
				return { room, id, at, sender: person, what: { kind: "member", person, now: "out" } };
			}),
		);
		return blocked;
	}

	/** Resolves with the number of people who were shown. */
	return async function showOut(): Promise<number> {
		const out = new Set<string>();
		for (const { links, between } of await mapping.portals()) {
			if (between) continue;
			const isShown = links.some(({ role }) => role === "hosted");
			for (const link of links) {
				const { hosting } = network(link.network);
				const blocked = [...(await fromOthers(link))];
				if (isShown && hosting && link.room)
					await fromViews(link.network, link.room, hosting).then(
						(people) => blocked.push(...people),
						(error: unknown) =>
							log.warn({ err: error, room: link.room }, "blocked people could not be removed from a view"),
					);
				for (const { network: name, id } of blocked) out.add(`${name} ${id}`);
			}
		}
		return out.size;
	};
}
