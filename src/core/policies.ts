import { randomBytes } from "node:crypto";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Mapping, Portal } from "./mapping.ts";
import type { Network, Received } from "./network.ts";
import type { Person } from "./person.ts";

export type Policies = ReturnType<typeof createPolicies>;

/** Creates the policies of portals: whom a list bans is kept out of each portal whose people chose that list. */
export function createPolicies(deps: {
	mapping: Pick<Mapping, "portals" | "portalsOf">;
	journal: Pick<Journal, "members">;
	network(name: NetworkName): Pick<Network, "policyLists" | "hosting">;
	receive(events: readonly Received[]): Promise<void>;
	log: Log;
}) {
	const { mapping, journal, network, receive, log } = deps;

	/** Returns true if the list of a portal bans a person. People of the list's own network are banned by its own means. */
	function bans({ settings }: Portal, person: Person): boolean {
		const policy = settings?.policy;
		if (!policy || person.network === policy.network) return false;
		return network(policy.network).policyLists?.bans(policy.list, person) ?? false;
	}

	/** Has the banned people of a portal leave its other rooms. */
	async function showOut(portal: Portal): Promise<void> {
		const isShown = portal.links.some(({ role }) => role === "hosted");
		for (const { network: of, room } of portal.links) {
			if (!room) continue;
			const banned = (await journal.members(of, room)).filter((person) => bans(portal, person));
			await receive(
				banned.map((sender) => {
					const id = `policy ${randomBytes(9).toString("base64url")}` as MessageId;
					return { kind: "membership", change: "leave", id, room, sender, at: Date.now(), gone: true };
				}),
			);
			const { hosting } = network(of);
			if (!isShown || !hosting) continue;
			const { members } = await hosting.view(room);
			for (const person of members) if (bans(portal, person)) await hosting.leave(room, person);
		}
	}

	async function showOutOf(portal: Portal): Promise<void> {
		await showOut(portal).catch((error: unknown) =>
			log.warn({ err: error, portal: portal.id }, "banned people could not be removed from a portal"),
		);
	}

	return {
		bans,
		/** Resolves with true for a person who can be met in one room alone, and whom the list of that room bans. */
		async bansWithin(person: Person): Promise<boolean> {
			const [room] = person.address;
			if (person.within === undefined || room === undefined) return false;
			const portals = await mapping.portalsOf(person.network, room as RoomId);
			return portals.length > 0 && portals.every((portal) => bans(portal, person));
		},
		showOut: showOutOf,
		/** Follows the lists of all portals. */
		async start(): Promise<void> {
			for (const portal of await mapping.portals()) {
				const { policy } = portal.settings ?? {};
				if (!policy) continue;
				const lists = network(policy.network).policyLists;
				await lists?.follow(policy.list).then(
					() => showOutOf(portal),
					(error: unknown) => log.warn({ err: error, list: policy.name }, "a policy list is not followed"),
				);
			}
		},
		/** Takes a change of a list that is followed. */
		async changed(of: NetworkName, list: RoomId): Promise<void> {
			for (const portal of await mapping.portals()) {
				const { policy } = portal.settings ?? {};
				if (policy?.network === of && policy.list === list) await showOutOf(portal);
			}
		},
	};
}
