import { setTimeout as wait } from "node:timers/promises";
import { createBoundedMap } from "../core/bounded-map.ts";
import { isProgrammingError, TemporaryError } from "../core/errors.ts";
import type { BridgeEvent } from "../core/event.ts";
import { fingerprint, type Guard, type Item, SetAside } from "../core/guard.ts";
import type { RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Network } from "../core/network.ts";
import { type Client, MatrixError } from "./client.ts";
import { commandIn, obey } from "./commands.ts";
import { createEncryptionGuard } from "./encrypted-rooms.ts";
import type { MatrixEvent } from "./event.ts";
import type { EventCache } from "./event-cache.ts";
import { fromMatrix } from "./from-matrix.ts";
import type { Ghosts } from "./ghosts.ts";
import { createInvites } from "./invites.ts";
import { type Members, name } from "./members.ts";
import type { OtherBridges } from "./other-bridges.ts";
import type { Rooms } from "./rooms.ts";
import type { SendOnce } from "./send-once.ts";

/** How often an event is tried that fails for a reason we do not know. */
const attempts = 4;

const itemOf = ({ event_id: event, room_id: room, type }: MatrixEvent): Item => ({
	key: fingerprint("matrix", event),
	what: `Matrix event ${event} (${type}) in ${room}`,
});

/** How long the homeserver is kept waiting for what is no message to be carried out, in ms. */
const patience = 2_000;

/** Ids of events that are remembered as handed to core. */
const remembered = 10_000;

/** What a person asks of the bridge itself. */
type Request = Readonly<{ request: "invite" | "command"; carryOut(): Promise<void> }>;

/** What the homeserver sends: messages and people for core, commands and invites for ourselves. */
export function createTransactions(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	rooms: Rooms;
	doubt: SendOnce;
	recent: EventCache;
	bridge: Bridge;
	domain: string;
	bot: string;
	prefix: string;
	others: OtherBridges;
	isOurs(mxid: string): boolean;
	refuse: Network["refuse"];
	guard: Guard;
	log: Log;
}): (events: readonly MatrixEvent[]) => Promise<void> {
	const { members, recent, rooms, others, bridge, bot, isOurs, guard, log } = deps;
	const invited = createInvites({ ...deps, take });
	const encrypted = createEncryptionGuard(deps);

	/** Each line we say comes back to us. */
	const isOurLine = ({ sender, state_key }: MatrixEvent) => state_key === undefined && isOurs(sender);

	const taken = createBoundedMap<string, true>(remembered);
	/** Events that are being translated or handed to core, by their ids; each promise resolves when core has them. */
	const underWay = new Map<string, Promise<void>>();

	/**
	 * Hands events to core. The homeserver repeats a transaction that we are slow to acknowledge: an event that core has, or
	 * is about to get, is not translated again, and the repeated transaction waits for it.
	 */
	async function take(events: readonly MatrixEvent[]): Promise<void> {
		let batch = createBatch();
		const flush = async () => {
			const full = batch;
			batch = createBatch();
			await full.hand();
		};
		try {
			for (const event of events) {
				const { event_id: id } = event;
				while (underWay.has(id)) {
					// This comes first, or two transactions might wait for each other.
					await flush();
					await underWay.get(id);
				}
				if (taken.has(id)) continue;
				batch.claim(id);
				const found = await Promise.try(() => guard.handle(itemOf(event), () => look(event))).catch(
					(error: unknown) => leftOut(event, error),
				);
				if (found && "kind" in found) {
					batch.add(found);
					continue;
				}
				batch.leave(id);
				if (!found) continue;
				await flush();
				await inTime(found.carryOut(), found.request);
			}
			await flush();
		} finally {
			batch.giveUp();
		}
	}

	function createBatch() {
		const claimed = new Set<string>();
		const events: BridgeEvent[] = [];
		const { promise, resolve } = Promise.withResolvers<void>();
		const leave = (id: string) => {
			claimed.delete(id);
			underWay.delete(id);
		};
		/** The batch is over, handed or not. */
		const end = () => {
			for (const id of claimed) leave(id);
			resolve();
		};
		return {
			leave,
			claim(id: string): void {
				claimed.add(id);
				underWay.set(id, promise);
			},
			add: (event: BridgeEvent) => void events.push(event),
			/** @throws what core throws: the homeserver is to repeat the events. */
			async hand(): Promise<void> {
				try {
					if (events.length > 0) await bridge.receive(events);
					for (const id of claimed) taken.set(id, true);
				} finally {
					end();
				}
			},
			/** A later event of the transaction could not be had: the homeserver repeats all of them. */
			giveUp: end,
		};
	}

	/** What an event is to us: news for core, something a person asks of us, or nothing. */
	async function look(event: MatrixEvent): Promise<BridgeEvent | Request | undefined> {
		if (isOurLine(event)) {
			deps.doubt.heard(event);
			recent.note(event);
			return undefined;
		}
		others.note(event);
		const invite = event.type === "m.room.member" && event.content.membership === "invite";
		if (invite && isOurs(event.state_key ?? "") && !isOurs(event.sender))
			return { request: "invite", carryOut: () => invited(event) };
		const command = await commandOf(event);
		if (command !== undefined) return { request: "command", carryOut: () => obey(event, command, deps) };
		return understand(event);
	}

	/** By event: how often it failed for a reason we do not know. */
	const failures = createBoundedMap<string, number>(1_000);

	/** Leaves an event out that fails by a fault of ours: thrown, it would have the homeserver repeat its transaction for ever. */
	function leftOut({ event_id: event, room_id: room }: MatrixEvent, error: unknown): undefined {
		// The guard has logged it.
		if (error instanceof SetAside) return;
		const failed = (failures.get(event) ?? 0) + 1;
		failures.set(event, failed);
		if (error instanceof TemporaryError || (!isProgrammingError(error) && failed < attempts)) throw error;
		log.error({ err: error, room, event }, "an event is left out by a fault of our own; please report it");
	}

	async function commandOf(event: MatrixEvent): Promise<string | undefined> {
		const { room_id: room } = event;
		if (event.type !== "m.room.message" || !rooms.withBot.has(room)) return undefined;
		const alone = async () => {
			if (await bridge.portal(name, room as RoomId)) return false;
			if (!members.known(room)) await read(room, undefined);
			return members.of(room).size === 2;
		};
		const command = commandIn(event, deps.prefix, false) ?? commandIn(event, deps.prefix, await alone());
		return command !== undefined && (await others.wrote(event)) ? undefined : command;
	}

	async function understand(event: MatrixEvent): Promise<BridgeEvent | undefined> {
		const { room_id: room, state_key: subject, sender } = event;
		const membership = event.type === "m.room.member" && subject !== undefined;
		if (membership && subject === bot) botMoved(event);
		const portal = await bridge.portal(name, room as RoomId);
		const previously = membership ? before(event, subject) : undefined;
		if (portal && !members.known(room)) await read(room, await rooms.speaker(room, portal));
		if (event.type === "m.room.encrypted" && (portal || rooms.withBot.has(room)))
			await inTime(encrypted(event, portal), "encrypted");
		if (!portal || isOurs(sender) || isOurs(subject ?? "")) {
			if (membership) members.apply(event);
			if (portal) recent.note(event);
			return undefined;
		}
		const around = await recent.around(event, await rooms.speaker(room, portal));
		const neutral = guard.handle(itemOf(event), () => {
			recent.note(event);
			return fromMatrix(event, { ...around, before: () => previously });
		});
		if (membership) {
			members.apply(event);
			if (event.content.membership === "join") rooms.cameBack(room, subject);
		}
		return neutral;
	}

	/** Where we may not look, people are called by their localpart: no reason to have the transaction repeated. */
	async function read(room: string, as: string | undefined): Promise<void> {
		await members.read(room, as).catch((error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
			log.warn({ err: error, room }, "the members of a room cannot be read");
		});
	}

	/**
	 * The name somebody had in the room before this change, if they were in it. What we read of the room may have this
	 * very change in it already, so the event itself is asked first, and a join that follows nothing is news.
	 */
	function before({ room_id: room, content, unsigned }: MatrixEvent, mxid: string): string | undefined {
		const { prev_content: previous } = unsigned ?? {};
		const localpart = members.person(mxid).name;
		if (typeof previous === "object" && previous !== null) {
			const { membership, displayname } = previous as { membership?: unknown; displayname?: unknown };
			if (membership !== "join") return undefined;
			return typeof displayname === "string" && displayname ? displayname : localpart;
		}
		if (content.membership === "join") return undefined;
		return members.known(room) ? members.of(room).get(mxid) : localpart;
	}

	function botMoved({ room_id: room, content }: MatrixEvent): void {
		if (content.membership === "join") rooms.withBot.add(room);
		else rooms.withBot.delete(room);
	}

	/** Requests of people that took longer than we wait, and are not through yet. */
	let overdue = 0;

	/**
	 * Waits for the work, but not for long; what fails is no reason to have the transaction repeated. While one request
	 * overstays, none is waited for: somebody who asks for slow servers again and again would stop the whole homeserver.
	 */
	async function inTime(work: Promise<void>, what: string): Promise<void> {
		const done = work.catch((error: unknown) =>
			log.error({ err: error, what }, "a request of a person failed"),
		);
		if (overdue > 0) return;
		const late = new AbortController();
		const over = wait(patience, true, { signal: late.signal }).catch(() => undefined);
		if (await Promise.race([done, over])) {
			overdue++;
			void done.then(() => overdue--);
		}
		late.abort();
	}

	return take;
}
