import { randomBytes } from "node:crypto";
import { TemporaryError } from "./errors.ts";
import type { Guard } from "./guard.ts";
import type { MessageId, NetworkName, RoomId } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Log } from "./log.ts";
import type { Bridge, Network, Received } from "./network.ts";
import type { Person } from "./person.ts";
import type { Portals } from "./portals.ts";

/** Time, in ms, in which people may follow their room to its new place before they leave the other rooms. */
const followWithin = 5 * 60_000;
/** Delay, in ms, before the members of a room are asked for after a start, and again if their network does not answer. */
const againAfter = 60_000;

const prefix = "followers ";
const keyOf = (network: NetworkName, room: RoomId) => `${prefix}${network} ${room}`;

/** The people of a room that was replaced by `room`, who may follow it until the time `until`, in ms since 1970. */
type Followers = Readonly<{ network: NetworkName; room: RoomId; until: number; people: readonly Person[] }>;

/**
 * Creates the move of a portal to a room that takes the place of another one: people, link and settings go along. The list of
 * possible followers is on disk, so that people who stay behind leave the other rooms also after a restart.
 */
export function createMovedRooms(deps: {
	portals: Pick<Portals, "only" | "move" | "roomsOf">;
	network(name: NetworkName): Pick<Network, "members">;
	journal: Pick<Journal, "members" | "forget" | "cursor" | "cursors" | "saveCursor">;
	sync: Bridge["sync"];
	receive(events: readonly Received[]): Promise<void>;
	guard: Guard;
	log: Log;
}) {
	const { portals, network, journal, sync, receive, guard, log } = deps;
	const { promise: started, resolve: start } = Promise.withResolvers<void>();

	/** Resolves with the people who may still follow to a room. */
	async function followersTo(of: NetworkName, room: RoomId): Promise<readonly Person[]> {
		const stored = await journal.cursor(keyOf(of, room));
		return stored === undefined ? [] : (JSON.parse(stored) as Followers).people;
	}

	async function partWithOthers({ network: of, room, people }: Followers): Promise<void> {
		// The link has ended, or the room was replaced, too.
		if (!(await portals.only(of, room))) return;
		const here = new Set((await network(of).members(room)).map(({ id }) => id));
		const gone = people.filter(({ id }) => !here.has(id));
		await receive(
			gone.map((sender) => {
				const id = `stayed ${randomBytes(9).toString("base64url")}` as MessageId;
				return { kind: "membership", change: "leave", id, room, sender, at: Date.now(), gone: true };
			}),
		);
	}

	function partAfter(ms: number, followers: Followers): void {
		const forget = () => journal.saveCursor(keyOf(followers.network, followers.room), undefined);
		async function part(): Promise<void> {
			try {
				await partWithOthers(followers);
			} catch (error) {
				if (error instanceof TemporaryError) return partAfter(againAfter, followers);
				await forget();
				throw error;
			}
			await forget();
		}
		setTimeout(() => void guard.run("people who did not follow a room", part), ms).unref();
	}

	const moved: Bridge["moved"] = async (of, from, to) => {
		// A network reads of a new room before the others have started, which have to be told.
		await started;
		const portal = await portals.only(of, from);
		const link = portal?.links.find((one) => one.network === of && one.room === from);
		if (!portal || !link || link.role !== "joined" || portal.between) return false;
		// Before anything is forgotten: the portal stays as it is.
		if (await portals.only(of, to)) return false;
		// A room may be replaced again while people still follow to it.
		const were = [...(await followersTo(of, from)), ...(await journal.members(of, from))];
		const people = [...new Map(were.map((person) => [person.id, person])).values()];
		const followers = { network: of, room: to, until: Date.now() + followWithin, people };
		await journal.saveCursor(keyOf(of, to), JSON.stringify(followers));
		partAfter(followWithin, followers);
		const others = portal.links.filter((one) => one.id !== link.id && one.role === "joined");
		// Forgotten members count as new in the next sync, which mirrors them to the new room.
		for (const { network: on, room } of others) if (room) await journal.forget(on, room);
		const now = await portals.move(portal, link, to);
		if (!now) return false;
		log.info({ rooms: portals.roomsOf(now) }, "a portal follows its room to a new one");
		for (const { network: on, room } of others)
			if (room) await sync(on, room, await network(on).members(room));
		return true;
	};

	return {
		moved,
		/** Goes on with the moves of earlier runs, when the networks and the portals have started. */
		async start(): Promise<void> {
			start();
			for (const { value } of await journal.cursors(prefix)) {
				const followers = JSON.parse(value) as Followers;
				// A network that has just started may not know the people of its rooms yet.
				const ms = Math.max(followers.until - Date.now(), againAfter);
				partAfter(Math.min(ms, followWithin), followers);
			}
		},
	};
}
