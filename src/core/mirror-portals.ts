import { randomUUID } from "node:crypto";
import { PermanentError } from "./errors.ts";
import type { NetworkName, PortalId, RoomId } from "./ids.ts";
import type { Link, Mapping, OwnRoom, Portal } from "./mapping.ts";
import type { Network } from "./network.ts";
import { newLink } from "./new-links.ts";
import * as phrases from "./phrases.ts";
import type { createTurns } from "./turns.ts";

/** A topic that the config mirrors in a room. */
export type Mirror = Readonly<{ here: NetworkName; room: RoomId; there: NetworkName; topic: RoomId }>;

/** The portals of mirrors that nobody linked by command: those of the config, and those of topics with rooms of their own. */
export function createMirrorPortals(deps: {
	mapping: Pick<Mapping, "portals">;
	network(name: NetworkName): Network;
	alone: ReturnType<typeof createTurns>;
	ofRoom(name: NetworkName, room: RoomId | undefined): string;
	only(name: NetworkName, room: RoomId): Promise<Portal | undefined>;
	save(portal: Portal): Promise<Portal>;
	remove(portal: Portal): Promise<void>;
	attach(portal: Portal): Promise<void>;
	detach(portal: Portal, link: Link): Promise<void>;
	withJoined(portal: Portal, name: NetworkName, room: RoomId): Portal;
}) {
	const { mapping, network, alone, ofRoom, only, save, remove, attach, detach, withJoined } = deps;

	/** Ends all mirrors for which `stays` returns false. */
	async function end(stays: (portal: Portal, link: Link) => boolean): Promise<void> {
		for (const portal of await mapping.portals()) {
			const gone = portal.links.filter((link) => !stays(portal, link));
			if (gone.length === 0) continue;
			const links = portal.links.filter((link) => stays(portal, link));
			if (links.length > 1) await save({ ...portal, links });
			else await remove(portal);
			for (const link of links.length > 1 ? gone : portal.links) await detach(portal, link);
		}
	}

	return {
		/**
		 * Makes the mirrors `wanted`; with `exactly`, ends all others but those for whose topics `keeps` returns true. It tries
		 * every mirror before it throws. @throws PermanentError with the first refusal, after which the caller may try again.
		 */
		mirror: (
			wanted: readonly Mirror[],
			exactly: boolean,
			keeps: (topic: RoomId) => boolean = () => false,
		): Promise<void> =>
			alone(["mirrors", ...wanted.map((one) => ofRoom(one.here, one.room))], async () => {
				const isWanted = (portal: Portal, { network: there, room }: Link) =>
					wanted.some(
						(one) =>
							one.there === there &&
							one.topic === room &&
							portal.links.some((other) => other.network === one.here && other.room === one.room),
					);
				const stays = (portal: Portal, link: Link) =>
					link.role !== "mirror" || isWanted(portal, link) || (link.room !== undefined && keeps(link.room));
				if (exactly) await end(stays);
				let no: PermanentError | undefined;
				for (const { here, room, there, topic } of wanted) {
					const portal = (await only(here, room)) ?? {
						id: randomUUID() as PortalId,
						links: [newLink(here, "joined", room)],
					};
					const known = portal.links.some((link) => link.network === there && link.room === topic);
					const before = withJoined(portal, here, room);
					const links = [...before.links, newLink(there, "mirror", topic)];
					await attach(known ? portal : await save({ ...before, links })).catch((error: unknown) => {
						if (!(error instanceof PermanentError)) throw error;
						no ??= error;
					});
				}
				if (no) throw no;
			}),

		/** Makes the portal of a topic that has a room of its own, unless there is one. */
		ownRoom: ({ here, make, there, topic }: OwnRoom): Promise<void> =>
			alone([ofRoom(there, topic)], async () => {
				if (await only(there, topic)) return;
				const links = [
					{ ...newLink(here, "joined"), ours: true as const, make },
					newLink(there, "mirror", topic),
				];
				await attach(await save({ id: randomUUID() as PortalId, links }));
			}),

		/** Resolves with the room that a link has yet to get. @throws PermanentError if it is in another portal. */
		async makeRoom({ id, links }: Portal, { network: here, make }: Link): Promise<RoomId> {
			const on = network(here);
			const source = links.find((link) => link.role === "mirror");
			if (!on.createRoom || !make || !source?.room)
				throw new PermanentError("failed", phrases.noRoomsMade(on.title));
			const { address, name, topic, invites } = make;
			const info = { room: source.room, name, ...(topic !== undefined && { topic }), invites };
			const room = await on.createRoom(source.network, address, info);
			const taken = await only(here, room);
			if (taken && taken.id !== id)
				throw new PermanentError("failed", phrases.linkedElsewhere(name, undefined));
			return room;
		},
	};
}
