import { type Command, type CommandCall, defineCommand } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { Copy, LinkId, NetworkName, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Link } from "./mapping.ts";
import type { Bridge, Network, RoomInfo } from "./network.ts";
import { roomMark } from "./passed-rooms.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";
import { createMustOwnRoom } from "./room-owners.ts";

/** Networks with private rooms come after the others. */
const privateLast = (one: Network, other: Network) =>
	Number(!!one.privateRooms) - Number(!!other.privateRooms);

/** Creates the commands about the links of a room. Commands of one network are in its folder. */
export function createLinkCommands(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	journal: Journal;
	portals: Portals;
	bridge: Pick<Bridge, "allows" | "sync" | "changed">;
	/** Returns the number of events of a room that a rate limit delays. */
	held(of: Pick<Copy, "network" | "room">): number;
	log: Log;
}): readonly Command[] {
	const { networks, network, journal, portals, bridge, log } = deps;
	const names = networks.map(({ name }) => name);
	const others = (call: CommandCall) => networks.filter((one) => one.name !== call.network);

	function named(call: CommandCall, name: string): Network {
		const found = others(call).find((one) => one.name === name);
		if (found) return found;
		const known = others(call).map((one) => one.name);
		throw new PermanentError("invalid", phrases.unknownNetwork(name, known.join(", ")));
	}

	const mustOwnRoom = createMustOwnRoom({ network, portals, bridge });

	/** @throws PermanentError when the person may not open rooms of this network. */
	function mustMayOpen(call: CommandCall, { privateRooms, title }: Network): void {
		if (privateRooms && !bridge.allows(call.sender, "admin"))
			throw new PermanentError("forbidden", phrases.guardedRooms(title));
	}

	/**
	 * Resolves with the room at a typed address. Without a network, each in turn is asked whose addresses look like that;
	 * those with private rooms come last, since any text may be an address there.
	 */
	async function roomAt(call: CommandCall, name: string | undefined, typed: string) {
		const meant = network(call.network).standsFor?.([typed]);
		const address = meant?.address ?? [typed];
		const wanted = name ?? meant?.network;
		const some = wanted === undefined ? others(call) : [named(call, wanted)];
		const may = ({ privateRooms }: Network) => !privateRooms || bridge.allows(call.sender, "admin");
		const asked = wanted === undefined ? some.filter(may).sort(privateLast) : some;
		let no: PermanentError | undefined;
		for (const there of asked)
			try {
				mustMayOpen(call, there);
				return { there, info: await there.findRoom(address), address };
			} catch (error) {
				if (!(error instanceof PermanentError) || error.reason !== "invalid") throw error;
				no ??= error;
			}
		throw no ?? new PermanentError("not-found", phrases.nobody(typed));
	}

	/** @throws PermanentError that names the link in the way: one of this room, or of the room there. */
	async function mustBeFree(call: CommandCall, there: Network, info: RoomInfo, title: string): Promise<void> {
		const here = network(call.network);
		if (info.shows === roomMark(call.network, call.room))
			throw new PermanentError("invalid", phrases.showsThisRoom(title));
		const portal = await portals.only(call.network, call.room);
		const links = portal?.links.filter((one) => one.network === there.name) ?? [];
		if (there.sources) {
			// A mirror of the config may show the same topic in another way; a second link by command would only be confusing.
			const isSame = (one: Link) =>
				one.room === info.room ||
				(one.role !== "mirror" && there.show(one) === there.show({ ...one, room: info.room }));
			if (!links.some(isSame)) return;
			throw new PermanentError("invalid", phrases.alreadyShown(title));
		}
		const same = links.find((one) => one.role !== "mirror");
		if (same?.room === info.room) throw new PermanentError("invalid", phrases.linkedHere(title));
		if (same) {
			const cure = `${call.prefix}unlink ${there.name}`;
			const why = same.role === "hosted" ? phrases.alreadyShownIn : phrases.alreadyLinked;
			throw new PermanentError("invalid", why(there.title, there.show(same), cure));
		}
		const other = await portals.only(there.name, info.room);
		const link = other?.links.find((one) => one.network === call.network);
		if (!other || other.id === portal?.id) return;
		// A room that people made may be secret; one that the bridge made can be joined by the other room's address.
		const known =
			link?.room &&
			(link.ours ||
				bridge.allows(call.sender, "admin") ||
				(await here.members(link.room)).some(({ id }) => id === call.sender.id));
		const which = known && link?.room ? (here.url?.(link.room) ?? here.show(link)) : undefined;
		throw new PermanentError("invalid", phrases.linkedElsewhere(title, which));
	}

	const link = defineCommand({
		name: "link",
		parameters: [
			{ name: "network", kind: "choice", choices: names, optional: true },
			{ name: "room", kind: "address" },
		],
		help: phrases.linkHelp(
			networks.flatMap(({ name, linkUsage }) => (linkUsage ? [`link ${name} ${linkUsage}`] : [])),
		),
		level: "link",
		greets: true,
		ofRoom: true,
		run: async (call, { network: name, room: typed }) => {
			if (name) mustMayOpen(call, named(call, name));
			await mustOwnRoom(call, "admin");
			const { there, info, address } = await roomAt(call, name, typed);
			const title = info.name ?? address.join(" ");
			await mustBeFree(call, there, info, title);
			await network(call.network).mayLink?.(call.room, { network: there.name, room: info.room });
			await portals.link(call.network, call.room, there.name, info, title);
			await bridge.sync(call.network, call.room, await network(call.network).members(call.room));
			const made = (await portals.only(call.network, call.room))?.links.find(
				(one) => one.network === there.name && one.room === info.room,
			);
			const hindrance = made && there.hindrance?.(made);
			if (hindrance) return phrases.linkedBut(title, hindrance);
			return there.sources ? phrases.shownHere(title) : phrases.linked(title);
		},
	});

	/** Tells a room that its link ends. The link ends all the same where nobody can be told now. */
	async function tell(there: Network, room: RoomId, text: string): Promise<void> {
		await there
			.announce?.(room, text)
			.catch((error: unknown) => log.warn({ err: error, room }, "a room could not be told of an unlink"));
	}

	const unlink = defineCommand({
		name: "unlink",
		parameters: [
			{ name: "network", kind: "choice", choices: names, optional: true },
			{ name: "room", kind: "address", optional: true },
		],
		help: "end the link of this room to another network, or to one room there",
		level: "link",
		ofRoom: true,
		run: async (call, { network: typed, room: address }) => {
			const wanted = typed === undefined ? undefined : named(call, typed);
			await mustOwnRoom(call, "admin");
			const portal = await portals.only(call.network, call.room);
			if (!portal) return phrases.noPortal;
			const known = portal.links.filter(
				(one) =>
					one.network !== call.network &&
					one.network === (wanted?.name ?? one.network) &&
					(address === undefined || network(one.network).show(one) === address),
			);
			const [first, ...more] = known.filter((one) => one.role !== "mirror");
			if (known.length === 0) return phrases.notLinked(address ?? wanted?.title);
			if (!first) throw new PermanentError("forbidden", phrases.mirrorOfConfig);
			const gone = [first, ...more];
			const there = network(first.network);
			if (!wanted && more.length > 0)
				throw new PermanentError(
					"invalid",
					phrases.whichLink(
						gone.map((one) => `${call.prefix}unlink ${one.network} ${network(one.network).show(one)}`),
					),
				);
			const rooms = gone.map((one) => there.show(one));
			// The remaining rooms see the people of this link leave.
			for (const one of gone) if (one.room) await bridge.sync(there.name, one.room, []);
			const mine = portal.links.find((one) => one.network === call.network && one.room === call.room);
			const where = network(call.network);
			const told = mine && phrases.unlinkedThere(where.title, where.show(mine));
			for (const { room } of gone) if (room && told) await tell(there, room, told);
			const had = await portals.unlink(call.network, call.room, gone);
			if (!had) return phrases.notLinked(address ?? there.title);
			if (!there.sources) return phrases.unlinkedNow(there.title, rooms.join(", "));
			const stays = portal.links.some((one) => one.network === there.name && one.role === "mirror");
			return phrases.noLongerShown(rooms, stays);
		},
	});

	/** Returns the state of one side, or of a link to it, as people read it; only admins read why a side is away. */
	function stateOf(one: Network, by: Person, to?: Link): string {
		const { up, since, cause } = one.status?.() ?? { up: true };
		const hindrance = up && to && one.hindrance?.(to);
		if (hindrance) return phrases.hindered(hindrance);
		if (up) return phrases.connected;
		const known = bridge.allows(by, "admin") ? cause : undefined;
		return phrases.away(since === undefined ? undefined : phrases.duration(Date.now() - since), known);
	}

	const status = defineCommand({
		name: "status",
		parameters: [],
		help: "show the links of this room, which side is away, and how many messages wait",
		level: "use",
		run: async (call) => {
			const portal = await portals.only(call.network, call.room);
			if (!portal) {
				const sides = networks.map((one) => phrases.sideLine(one.title, stateOf(one, call.sender)));
				return [...(call.private ? [] : [phrases.noPortal]), ...sides].join("\n");
			}
			const lanes = (await journal.lanes()).filter((lane) => lane.portal === portal.id);
			const waiting = (id: LinkId) =>
				lanes.filter((lane) => lane.link === id).reduce((sum, lane) => sum + lane.depth, 0);
			const lines = portal.links.map((one) => {
				const there = network(one.network);
				const where = one.network === call.network ? phrases.hereIs : there.show(one);
				const state = stateOf(there, call.sender, one);
				return phrases.statusLine(there.title, where, state, waiting(one.id));
			});
			const held = portal.links.reduce(
				(sum, { network: of, room }) => sum + (room ? deps.held({ network: of, room }) : 0),
				0,
			);
			return [...lines, ...(held > 0 ? [phrases.heldLine(held)] : [])].join("\n");
		},
	});

	return [link, unlink, status];
}
