import { PermanentError } from "./errors.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import type { Network } from "./network.ts";
import type { Bridge } from "./offered.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";

/**
 * Invites a person to a room of their network, unless they are in it. Resolves with how they come in. `words`: as in
 * {@link Network.invite}.
 */
export async function letIn(
	here: Pick<Network, "members" | "invite">,
	room: RoomId,
	person: Person,
	words?: string,
): Promise<"inside" | "invited" | "open"> {
	if ((await here.members(room)).some(({ id }) => id === person.id)) return "inside";
	if (!here.invite) return "open";
	await here.invite(room, person, words);
	return "invited";
}

/**
 * Resolves if the far room lets a person into the room that shows it, or the person is in it already. Those who are in it see the
 * far room as the person then does, so a room for members only decides who joins them. @throws PermanentError with the refusal
 */
export async function requireAdmission(
	[here, room]: readonly [Pick<Network, "members">, RoomId],
	[there, theirs]: readonly [Pick<Network, "admits">, RoomId],
	person: Person,
): Promise<void> {
	const inside = await here.members(room);
	if (inside.some(({ id }) => id === person.id)) return;
	await there.admits?.(theirs, person, { isFirst: inside.length === 0 });
}

/** Creates the methods of core by which people come into rooms of other networks. */
export function createRoomInvites(deps: {
	network(name: NetworkName): Network;
	portals: Pick<Portals, "openRoom" | "only">;
	/** As in {@link Bridge}. */
	mayOpen: Bridge["mayOpen"];
	mayReach: Bridge["mayReach"];
}): Pick<Bridge, "openRoom" | "bringIn" | "passOn"> {
	const { network, portals, mayOpen, mayReach } = deps;
	return {
		openRoom: portals.openRoom,
		async bringIn(person, by, { network: of, address, password, words }) {
			mayOpen(by);
			// An invitation must not reach further than a message.
			if (!(await mayReach(by, person))) throw new PermanentError("forbidden", phrases.onlyKnown);
			const there = network(of);
			const found = password === undefined ? undefined : await there.unlock?.(address, password);
			const room = await portals.openRoom(person.network, of, address, found);
			const portal = await portals.only(person.network, room);
			const theirs = portal?.links.find((link) => link.network === of)?.room;
			const here = network(person.network);
			// The invitation lifts the ban by which the bridge shows one of the other room.
			if (theirs) await requireAdmission([here, room], [there, theirs], person);
			await letIn(here, room, person, words);
		},
		async passOn(of, room, { person, by, reason }) {
			const there = network(person.network);
			const portal = await portals.only(of, room);
			const link = portal?.links.find((one) => one.network === there.name && one.room !== undefined);
			if (!link?.room || portal?.between || !there.inviteFrom) return undefined;
			mayOpen(by);
			await there.inviteFrom(link.room, person, by, reason);
			return there.show(link);
		},
	};
}
