import { randomUUID } from "node:crypto";
import { createChatIndex } from "./chat-index.ts";
import { PermanentError } from "./errors.ts";
import type { LinkId, NetworkName, PortalId, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal, Settings } from "./mapping.ts";
import { createMirrorPortals } from "./mirror-portals.ts";
import type { Network, RoomInfo } from "./network.ts";
import { newLink, newSource, newView } from "./new-links.ts";
import { pollsKey } from "./open-polls.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import { createTurns } from "./turns.ts";

type Place = Readonly<{ network: NetworkName; room: RoomId }>;
type Coming = Readonly<{ room: RoomId; person: Person }>;
export type Portals = ReturnType<typeof createPortals>;

/** Creates the one owner of all portals. Changes to the same room run one at a time, so that no room is linked twice. */
export function createPortals(deps: {
	mapping: Mapping;
	journal: Journal;
	network(name: NetworkName): Network;
	/** False for a person who is blocked, and so shown in no room. */
	allowed(person: Person): boolean;
	log: Log;
}) {
	const { mapping, journal, network, allowed, log } = deps;
	/** The links that are attached or being attached; each promise resolves when the network knows the link. */
	const attached = new Map<LinkId, Promise<void>>();
	/** The portals that people were in before this run. */
	const earlier = new Set<PortalId>();
	/** The network and the role of each link, so that a lane finds its target without a read of the store. */
	const known = new Map<LinkId, Pick<Link, "network" | "role">>();
	let started = false;
	const alone = createTurns();
	const ofRoom = (name: NetworkName, room: RoomId | undefined) => `room ${name} ${room}`;
	const ofPair = (one: Person, other: Person) =>
		`pair ${[one, other].map(({ network, id }) => `${network} ${id}`).sort()}`;
	const ofPortal = (portal: Portal) =>
		portal.between
			? [ofPair(...portal.between)]
			: portal.links.map((link) => ofRoom(link.network, link.room));

	const chats = createChatIndex();

	function note(portal: Portal): void {
		for (const { id, network, role } of portal.links) known.set(id, { network, role });
		chats.note(portal);
	}

	async function save(portal: Portal): Promise<Portal> {
		await mapping.savePortal(portal);
		note(portal);
		return portal;
	}

	async function remove(portal: Portal): Promise<void> {
		await mapping.removePortal(portal.id);
		chats.remove(portal);
		await journal.saveCursor(pollsKey(portal.id), undefined);
	}

	/**
	 * Attaches every link of a portal that is not attached yet. A network that is down retries by itself. `coming`: the person of
	 * a join into one of its rooms that the journal may not hold yet. @throws PermanentError
	 */
	async function attach(portal: Portal, coming?: Coming): Promise<void> {
		for (const link of portal.links) await attachLink(portal, link, coming);
	}

	async function attachLink(portal: Portal, link: Link, coming?: Coming): Promise<void> {
		// The first network receives events before the last one has started.
		if (!started || attached.has(link.id) || !link.room) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		attached.set(link.id, promise);
		try {
			const members = await membersBeyond(portal, link, coming);
			const isNew = !earlier.has(portal.id);
			const serving = network(link.network).attach(portal, link, members, isNew);
			resolve();
			await serving;
		} catch (error) {
			resolve();
			if (error instanceof PermanentError) {
				attached.delete(link.id);
				throw error;
			}
			log.warn(
				{ err: error, rooms: roomsOf(portal), network: link.network },
				"a link could not be attached yet; its network goes on trying",
			);
		}
	}

	/** Resolves when the network knows of this link; it does not wait until the network has joined the room. */
	async function serve(portal: Portal, link: Link): Promise<void> {
		// A refused link also fails the delivery, which then sends the notice.
		attachLink(portal, link).catch(() => undefined);
		await attached.get(link.id);
	}

	/** Resolves with the people of the portal's other rooms whose messages go to this link. */
	async function membersBeyond(portal: Portal, link: Link, coming?: Coming): Promise<readonly Person[]> {
		const others = portal.links.filter((other) => other.id !== link.id && other.in);
		const rooms = others.map(({ network: name, room }) => (room ? journal.members(name, room) : []));
		const known = (await Promise.all(rooms)).flat();
		const isNew =
			others.some(({ room }) => room === coming?.room) && !known.some(({ id }) => id === coming?.person.id);
		return (coming && isNew ? [...known, coming.person] : known).filter(allowed);
	}

	/** Returns the rooms of a portal as people know them, for the log. */
	const roomsOf = (portal: Portal): readonly string[] =>
		portal.links.flatMap((link) => {
			const { title, show } = network(link.network);
			return link.room ? [`${title} ${show(link)}`] : [];
		});

	async function detach(portal: Portal, link: Link): Promise<void> {
		attached.delete(link.id);
		known.delete(link.id);
		if (!link.room) return;
		await network(link.network).detach(portal, link);
		await journal.forget(link.network, link.room);
		// Nobody notes the order of a room that is not shown, so an archive that went on later would have a gap.
		if (link.role === "hosted")
			for (const { network: of, room } of portal.links) if (room) await journal.places.forget(of, room);
	}

	const only = async (name: NetworkName, room: RoomId) => (await mapping.portalsOf(name, room))[0];

	/** Resolves with true if people are in the portal: one that an alias lookup made joins no room before that. */
	async function inUse(portal: Portal): Promise<boolean> {
		const maker = portal.links.find((link) => link.ours && link.role === "joined");
		if (!maker?.room || maker.make) return true;
		if ((await journal.members(maker.network, maker.room)).length > 0) return true;
		// A new journal knows no members, so the network is asked, too.
		const there = await network(maker.network)
			.members(maker.room)
			.catch((error: unknown) => {
				log.warn({ err: error, rooms: roomsOf(portal) }, "the members of a room could not be read");
			});
		return there === undefined || there.length > 0;
	}

	/** Ends a chat of two that never came about; of every other portal, logs that a network refused a link. */
	async function refused(portal: Portal, error: unknown): Promise<void> {
		const rooms = roomsOf(portal);
		const stillborn = portal.between && portal.links.some((link) => !link.room);
		if (!stillborn || !(error instanceof PermanentError)) {
			log.error({ err: error, rooms }, "a network refused a link; unlink it, or remove the cause");
			return;
		}
		await remove(portal);
		log.info({ rooms, cause: error.message }, "removed a chat of two that a network had refused");
	}

	/**
	 * Resolves with the portal of a source room and its view. A new one is kept only if each network takes its link.
	 * `makes` is called before it is made. @throws PermanentError
	 */
	async function openHosted(source: Place, view: Place, makes: () => void): Promise<Portal> {
		const known = await only(source.network, source.room);
		const shown = known?.links.find((link) => link.network === view.network && link.role !== "mirror");
		if (known && shown?.role === "hosted") return known;
		if (shown || known?.between) throw new PermanentError("failed", phrases.linkedMeanwhile);
		makes();
		const ours = newLink(source.network, "hosted", source.room);
		const theirs = newView(view.network, view.room);
		const { links = [ours], id = randomUUID() as PortalId } = known ?? {};
		const portal = await save({ ...known, id, links: [...links, theirs] });
		try {
			await attach(portal);
			return portal;
		} catch (error) {
			await undo(known, portal, known ? [theirs] : portal.links);
			throw error;
		}
	}

	/** Takes back the links of a portal that a network refused. The next attempt begins anew: the cause may be gone by then. */
	async function undo(before: Portal | undefined, made: Portal, refused: readonly Link[]): Promise<void> {
		if (before) await save(before);
		else await remove(made);
		for (const link of refused) await detach(made, link);
	}

	/** Returns the portal with the room that people linked as a joined one, though only a view may have needed it so far. */
	function withJoined(portal: Portal, name: NetworkName, room: RoomId): Portal {
		const isShown = (link: Link) => link.network === name && link.room === room && link.role === "hosted";
		for (const { id } of portal.links.filter(isShown)) attached.delete(id);
		const joined = (link: Link): Link => (isShown(link) ? { ...link, role: "joined" } : link);
		return { ...portal, links: portal.links.map(joined) };
	}

	/** Resolves with the 1:1 room of two people on the network of `ours`. @throws PermanentError if that network has none. */
	async function directRoom(ours: Person, theirs: Person): Promise<RoomId> {
		const on = network(ours.network);
		if (!on.openDirect) throw new PermanentError("failed", phrases.noChats(on.title));
		return on.openDirect(ours, theirs);
	}

	return {
		attach,
		serve,
		directRoom,
		/** Returns the network of a link; undefined if there is no such link. */
		networkOf: (link: LinkId): NetworkName | undefined => known.get(link)?.network,
		isChat: (link: LinkId): boolean => known.get(link)?.role === "direct",
		roomsOf,
		/** Attaches all portals that have people, concurrently. */
		async start(): Promise<void> {
			started = true;
			const all = await mapping.portals();
			all.forEach(note);
			for (const portal of all) {
				if (!(await inUse(portal))) continue;
				earlier.add(portal.id);
				attach(portal).catch((error: unknown) =>
					refused(portal, error).catch((failure: unknown) =>
						log.error({ err: failure, rooms: roomsOf(portal) }, "a refused link could not be settled"),
					),
				);
			}
		},
		only,
		/** Resolves with the chats of two of a person. */
		chatsOf: async (person: Pick<Person, "network" | "id">): Promise<readonly Portal[]> => {
			const all = await Promise.all([...chats.of(person)].map((id) => mapping.portal(id)));
			return all.filter((portal) => portal !== undefined);
		},

		openRoom: (
			here: NetworkName,
			there: NetworkName,
			address: readonly string[],
			found?: RoomInfo,
		): Promise<RoomId> =>
			alone([`address ${here} ${there} ${address.join("\n")}`], async () => {
				const { privateRooms, title } = network(there);
				if (privateRooms) throw new PermanentError("forbidden", phrases.guardedRooms(title));
				const maker = network(here);
				if (!maker.createRoom) throw new PermanentError("failed", phrases.noRoomsMade(maker.title));
				const info = found ?? (await network(there).findRoom(address));
				const known = await only(there, info.room);
				const standing = known?.links.find((link) => link.network === here)?.room;
				if (standing) return standing;
				const room = await maker.createRoom(there, info.address ?? address, info);
				const links = [
					{ ...newLink(here, "joined", room), ours: true as const },
					newLink(there, "joined", info.room),
				];
				await save({ id: randomUUID() as PortalId, links });
				return room;
			}),

		/** Resolves with the portal of a source room and its view. `makes`: called before a new one is made; it may refuse. */
		openHosted: (source: Place, view: Place, makes: () => void): Promise<Portal> =>
			alone([ofRoom(source.network, source.room), ofRoom(view.network, view.room)], () =>
				openHosted(source, view, makes),
			),

		/** Resolves with the 1:1 portal of two people. The first delivery makes the room on `theirs.network`. */
		openDirect: (ours: Person, theirs: Person, room: RoomId): Promise<Portal> =>
			alone([ofPair(ours, theirs)], async () => {
				const known = await mapping.portalBetween(ours, theirs);
				const mine = known?.links.find((link) => link.network === ours.network);
				if (known && mine?.room === room) return known;
				// The link keeps its id, so that rows waiting for the chat go to its new room.
				if (mine) attached.delete(mine.id);
				const here = { ...(mine ?? newLink(ours.network, "direct")), room };
				const there = known?.links.find((link) => link !== mine) ?? newLink(theirs.network, "direct");
				const id = known?.id ?? (randomUUID() as PortalId);
				return save({ id, between: [ours, theirs], links: [here, there] });
			}),

		/** Stores the room of a link that had none. */
		roomMade: (portal: Portal, link: Link, room: RoomId): Promise<Portal> =>
			alone(ofPortal(portal), async () => {
				const now = (await mapping.portal(portal.id)) ?? portal;
				const links = now.links.map((other) => (other.id === link.id ? { ...other, room } : other));
				return save({ ...now, links });
			}),

		/**
		 * Puts `to` in the place of a link's room: the old one is served no more, and each room of the portal is told of the
		 * others anew. Resolves with undefined if `to` is in a portal already.
		 */
		move: (before: Portal, link: Link, to: RoomId): Promise<Portal | undefined> =>
			alone([...ofPortal(before), ofRoom(link.network, to)], async () => {
				if (await only(link.network, to)) return undefined;
				const { make: _make, ...rest } = link;
				const links = before.links.map((one) => (one.id === link.id ? { ...rest, room: to } : one));
				const moved = await save({ ...before, links });
				await detach(before, link);
				note(moved);
				for (const { id } of links) attached.delete(id);
				await attach(moved);
				return moved;
			}),

		/** Stores settings of a room; undefined values reset to the default. Resolves with undefined if there is no portal. */
		choose: async (
			here: NetworkName,
			room: RoomId,
			choice: { readonly [Key in keyof Settings]: Settings[Key] | undefined },
		): Promise<Portal | undefined> =>
			alone([ofRoom(here, room)], async () => {
				const portal = await only(here, room);
				const chosen = Object.entries({ ...portal?.settings, ...choice }).filter(([, value]) => value);
				return portal && save({ ...portal, settings: Object.fromEntries(chosen) });
			}),

		/** Links `room` to the room `info` on `there`, which people know as `title`. @throws PermanentError if one is taken. */
		link: (
			here: NetworkName,
			room: RoomId,
			there: NetworkName,
			info: RoomInfo,
			title: string,
		): Promise<void> =>
			alone([ofRoom(here, room), ofRoom(there, info.room)], async () => {
				const portal = (await only(here, room)) ?? {
					id: randomUUID() as PortalId,
					links: [newLink(here, "joined", room)],
				};
				const { sources = false } = network(there);
				const taken = sources
					? portal.links.some((link) => link.network === there && link.room === info.room)
					: portal.links.some((link) => link.network === there && link.role !== "mirror") ||
						(await only(there, info.room));
				if (taken) throw new PermanentError("failed", phrases.linkedElsewhere(title, undefined));
				const made = sources ? newSource(there, info.room) : newLink(there, "joined", info.room);
				const before = withJoined(portal, here, room);
				const linked = { ...before, links: [...before.links, made] };
				// Forgotten members count as new in the next Bridge.sync, which mirrors them to the new room.
				if (!sources) await journal.forget(here, room);
				await save(linked);
				try {
					await attach(linked);
				} catch (error) {
					await undo(before.links.length > 1 ? before : undefined, linked, [made]);
					throw error;
				}
			}),

		/** Removes these links from the portal of `room`, and the portal if fewer than two links are left. */
		unlink: (here: NetworkName, room: RoomId, ended: readonly Link[]): Promise<Portal | undefined> =>
			alone([ofRoom(here, room)], async () => {
				const portal = await only(here, room);
				const ends = (link: Link) => ended.some(({ id }) => id === link.id);
				const gone = portal?.links.filter(ends) ?? [];
				if (!portal || gone.length === 0) return undefined;
				const links = portal.links.filter((link) => !ends(link));
				if (links.length > 1) await save({ ...portal, links });
				else await remove(portal);
				for (const link of links.length > 1 ? gone : portal.links) await detach(portal, link);
				return portal;
			}),

		/** Removes a portal that never came about; its networks are not told. */
		drop: (portal: Portal): Promise<void> =>
			alone(ofPortal(portal), async () => {
				await remove(portal);
				for (const link of portal.links) {
					attached.delete(link.id);
					known.delete(link.id);
				}
			}),

		close: (portal: Portal): Promise<void> =>
			alone(ofPortal(portal), async () => {
				await remove(portal);
				for (const link of portal.links) await detach(portal, link);
			}),

		...createMirrorPortals({
			mapping,
			network,
			alone,
			ofRoom,
			only,
			save,
			remove,
			attach,
			detach,
			withJoined,
		}),
	};
}
