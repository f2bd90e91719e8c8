import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { TemporaryError } from "../core/errors.ts";
import type { Guard } from "../core/guard.ts";
import type { RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Link, Mapping, Portal } from "../core/mapping.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { createTurns } from "../core/turns.ts";
import type { Backfill } from "./backfill/index.ts";
import { createBridgeInfo } from "./bridge-info.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import type { Members } from "./members.ts";
import { matrixNetwork } from "./mxid.ts";
import { createNetworkDirectory } from "./network-directory.ts";
import type { OtherBridges } from "./other-bridges.ts";
import type { RoomAliases } from "./room-aliases.ts";
import type { Rooms } from "./rooms.ts";

/** Serves the rooms of portals: the bot joins, the members are read, the backfill follows, the room says what it is bridged to. */
export function createRoomService(deps: {
	client: Client;
	mapping: Mapping;
	members: Members;
	rooms: Rooms;
	aliases: RoomAliases;
	backfill: Pick<Backfill, "follow">;
	otherBridges: Pick<OtherBridges, "single">;
	bridge: Pick<Bridge, "sync" | "capabilities" | "isPublic">;
	bot: string;
	/** See {@link createBridgeInfo}. */
	readReceipts: number;
	/** The people in a room, ghosts of ours left out. */
	people(room: string): readonly Person[];
	/** The link by which a room is in a portal, if it is in one. */
	linkOf(room: RoomId): Promise<string | undefined>;
	/** Reads the members of a hosted room as a ghost that is in it; false if none is. */
	readMembers(room: string): Promise<boolean>;
	guard: Guard;
	log: Log;
}) {
	const {
		client,
		members,
		rooms,
		aliases,
		backfill,
		otherBridges,
		bridge,
		people,
		linkOf,
		readMembers,
		guard,
		log,
	} = deps;
	const info = createBridgeInfo({ ...deps, capabilities: bridge.capabilities });
	const directory = createNetworkDirectory({ ...deps, isPublic: bridge.isPublic });
	/** Two calls for one room would each write what both find missing. */
	const inTurn = createTurns();
	let stopped = false;

	/** Serves a room that another network shows in full. The bot stays out of it, and a ghost that is in it reads it. */
	async function serveHosted(room: RoomId, link: Link): Promise<void> {
		await aliases.load(room);
		await backfill.follow(room, link.id);
		if (!members.known(room)) await readMembers(room);
	}

	async function introduce(room: RoomId, portal: Portal, as: string | undefined): Promise<void> {
		await bridge.sync(matrixNetwork, room, await otherBridges.single(people(room), room, portal, as));
	}

	async function serve(portal: Portal, link: Link): Promise<void> {
		const room = link.room as RoomId;
		if (link.role === "hosted") return serveHosted(room, link);
		if (link.role !== "direct" && !rooms.withBot.has(room)) {
			await client.join(room);
			rooms.botCame(room);
		}
		await aliases.load(room);
		const as = await rooms.speaker(room, portal);
		await members.read(room, as);
		const partly = (error: unknown) => log.warn({ err: error, room }, "a room is only partly served");
		backfill.follow(room, link.id).catch(partly);
		// Not awaited: core may wait for this call to return. A direct chat introduces no members.
		if (link.role !== "direct") introduce(room, portal, as).catch(partly);
		state(link, portal, as).catch(partly);
	}

	/** States what a room is bridged to. A room that is not ours need not let us: everything else works. */
	async function state(link: Link, portal: Portal, as: string | undefined): Promise<void> {
		const { room } = link;
		if (!room) return;
		await inTurn([room], async () => {
			await info.state(room, portal, as).catch((error: unknown) => {
				if (!hasCode(error, "M_FORBIDDEN")) throw error;
				log.debug({ err: error, room }, "the homeserver refused the bridge info of a room");
			});
			await directory.state(link, portal).catch(notListed);
		});
	}

	function notListed(error: unknown): void {
		// A homeserver need not have a directory for other networks.
		if (!(error instanceof MatrixError)) throw error;
		log.debug({ err: error }, "the homeserver did not change its directory for another network");
	}

	/** Retries to serve a room, until it is served or no longer linked: core does not attach it again. */
	async function serveLater(portal: Portal, link: Link): Promise<void> {
		for (let failures = 0; ; failures++) {
			await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
			try {
				if (stopped || (await linkOf(link.room as RoomId)) !== link.id) return;
				return await serve(portal, link);
			} catch (error) {
				if (error instanceof TemporaryError) continue;
				return log.warn({ err: error, room: link.room }, "a room is not served");
			}
		}
	}

	return {
		/** Serves a room, later where the homeserver is away now. @throws what the first attempt throws */
		async attach(portal: Portal, link: Link): Promise<void> {
			await serve(portal, link).catch((error: unknown) => {
				if (error instanceof TemporaryError)
					void guard.run("later try to serve a room", () => serveLater(portal, link));
				throw error;
			});
		},
		/** As `restate` of core's Network. */
		async restate(portal: Portal, link: Link): Promise<void> {
			const { room, role } = link;
			// A room that is not served yet states all of it then.
			if (room && role !== "hosted" && members.known(room))
				await state(link, portal, await rooms.speaker(room, portal));
		},
		/** Ends what a room states about the portal, which has ended. */
		async detach(portal: Portal, link: Link): Promise<void> {
			const { room, role } = link;
			if (!room || role === "hosted") return;
			await directory.retract(link, portal).catch(notListed);
			await info.retract(room, portal, await rooms.speaker(room, portal)).catch((error: unknown) => {
				// We may have lost the right, or be in the room no longer.
				if (!(error instanceof MatrixError)) throw error;
				log.debug({ err: error, room }, "the homeserver kept the bridge info of a room");
			});
		},
		stop(): void {
			stopped = true;
		},
	};
}
