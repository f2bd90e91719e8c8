import { backoff } from "../../core/backoff.ts";
import { createGuard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";
import type { Client } from "../client.ts";
import type { MatrixEvent } from "../event.ts";
import { createLossDetection, type TrackedRoom } from "./loss-detection.ts";
import { createPositions } from "./positions.ts";
import { createBackfillReader, type Missing, wait } from "./reader.ts";

/** When all rooms are read after a disturbance, in ms: soon, and when the homeserver's own retries are over. */
const looks = [5_000, 20_000, 60_000] as const;
/** After `quiet` ms without a transaction none is under way; all rooms are read after `patience` ms at the latest. */
const [quiet, patience] = [3_000, 30_000];
/**
 * How long, in ms, a homeserver that cannot answer is asked for a room again: while its transaction waits, before the
 * events are taken out of order; and where none waits. Synapse takes a transaction for failed after a minute.
 */
const [holding, looking] = [20_000, 1_200];
/** How long, in ms, no transaction waits after one waited in vain: one unreadable room must not hold up all others. */
const unheld = 60_000;
/** The delays, in ms, at which all rooms are read again while the homeserver owes events and hands nothing over. */
const owing = { first: 30_000, most: 600_000 };
/** How much the saved positions may be behind, in ms: core knows an event that is read again by its id. */
const saveEvery = 1_000;

/** Puts each missing event before the event of the transaction that follows it. */
function merged(missing: readonly Missing[], events: readonly MatrixEvent[]): readonly MatrixEvent[] {
	const before = Map.groupBy(missing, ({ next }) => next);
	return events.flatMap((one) => [...(before.get(one.event_id) ?? []).map(({ event }) => event), one]);
}

const unread = "could not check a room for events that the homeserver lost";

/**
 * Reads and takes, in order, the events that the homeserver never handed over. Synapse keeps the events of its next
 * transactions in memory, which a restart forgets. It also leaves a transaction lying that it made between the end of its
 * retries and being up again, until its next retries, which may be weeks later. So after each disturbance (our own start
 * among them), and where Synapse's transaction numbers leave one out, a room is read back to its position before another
 * event of it is taken. Rooms without another event are read a few times in the minute after the disturbance, and further
 * on while that finds events and the homeserver hands nothing over.
 */
export function createCatchUp(deps: {
	client: Pick<Client, "messages">;
	bridge: Pick<Bridge, "cursor" | "saveCursor" | "beginArchive">;
	/** The link of a room in its portal, if it is in one. */
	linkOf(room: string): Promise<string | undefined>;
	/** The ghost that can read a room; undefined is the bot. */
	reader(room: string): Promise<string | undefined>;
	/** Resolves with true if another network shows the whole room. */
	isWhole(room: string): Promise<boolean>;
	isOurs(mxid: string): boolean;
	take(events: readonly MatrixEvent[]): Promise<void>;
	/** Has the homeserver try to reach us again. */
	ping(): void;
	/** Returns true while the homeserver is away, which the log of outages tells. */
	isAway(): boolean;
	log: Log;
}) {
	const { take, ping, log } = deps;
	const guard = createGuard(log);
	const detection = createLossDetection();
	const positions = createPositions(deps);
	const reader = createBackfillReader({ ...deps, seen: detection.seen });
	let timers: NodeJS.Timeout[] = [];
	/** Reads all rooms while one disturbance follows the other, each of which puts off the other timers. */
	let overdue: NodeJS.Timeout | undefined;
	let later: NodeJS.Timeout | undefined;
	/** How often all rooms were read since the homeserver owes events. */
	let looked = 0;
	let waitedInVain = Number.NEGATIVE_INFINITY;
	let stopped = false;

	const saving = setInterval(() => void guard.run("timer of lost events", onTimer), saveEvery).unref();
	function onTimer(): void {
		detection.pass(Date.now());
		saveAll().catch((error: unknown) =>
			log.error({ err: error }, "the read positions of rooms could not be saved"),
		);
		const since = detection.silentSince(Date.now());
		if (since === undefined) return;
		log.debug({ since }, "the homeserver sends no transactions although it has events for us");
		ping();
		disturbed();
	}
	/** Saves all positions in one commit. */
	async function saveAll(): Promise<void> {
		await Promise.all(detection.rooms().map(positions.save));
	}

	async function roomOf(name: string): Promise<TrackedRoom> {
		const known = detection.room(name);
		if (known) return known;
		const position = await positions.load(name);
		return detection.room(name) ?? detection.track(name, position);
	}

	/** Suspects all rooms and reads them later, unless a transaction has each read before. */
	function disturbed(): void {
		detection.doubt();
		for (const timer of timers) clearTimeout(timer);
		timers = looks.map(lookIn);
		overdue ??= lookIn(looks[1]);
	}
	const lookIn = (ms: number) =>
		setTimeout(() => void guard.run("look for lost events", readAll), ms).unref();

	/** Reads all rooms and takes the events that they hold, when no transaction is under way. */
	async function readAll(): Promise<void> {
		clearTimeout(overdue);
		overdue = undefined;
		for (let waited = 0; waited < patience && detection.idle(Date.now()) < quiet; waited += quiet)
			await wait(quiet);
		const unreadRooms: { room: string; error: unknown }[] = [];
		for (const room of detection.rooms()) {
			if (stopped || !room.position) continue;
			const doubts = detection.doubts();
			try {
				const found = await reader.read(room.name, room.position, Date.now() + looking);
				const before = found.before.map(({ event }) => event);
				if (before.length > 0) await take(before);
				detection.settle(room, doubts, []);
				detection.took(before, Date.now(), true);
				if (before.length > 0) detection.owes(Date.now());
			} catch (error) {
				unreadRooms.push({ room: room.name, error });
			}
		}
		const [first] = unreadRooms;
		// One line for all rooms: a homeserver that fails for one mostly fails for the others.
		if (first)
			log[deps.isAway() ? "debug" : "warn"](
				{ err: first.error, room: first.room, rooms: unreadRooms.length },
				unread,
			);
		if (detection.inDebt()) readAgain();
		else looked = 0;
	}

	/** The homeserver may have given up, or retry in minutes only: all rooms are read until it hands something over. */
	function readAgain(): void {
		if (stopped) return;
		ping();
		clearTimeout(later);
		later = setTimeout(
			() => {
				if (detection.inDebt()) void guard.run("look for lost events", readAll);
			},
			backoff(looked++, owing),
		).unref();
	}

	return {
		/** The room is in a portal by this link from now on. */
		async follow(name: string, link: string): Promise<void> {
			const room = await roomOf(name);
			positions.follow(name, link);
			await positions.save(room);
		},

		/** Takes the events of a transaction, and first the events that belong before them. @throws as `take` */
		async takeTransaction(transaction: string, events: readonly MatrixEvent[]): Promise<void> {
			const now = Date.now();
			const { skipped, repeated } = detection.handed(transaction, events, now);
			if (skipped) disturbed();
			const doubts = detection.doubts();
			const deadline = now + (now - waitedInVain < unheld ? 0 : holding);
			const before: Missing[] = [];
			const read = new Map<TrackedRoom, readonly string[]>();
			const byRoom = Map.groupBy(events, ({ room_id }) => room_id);
			for (const [name, those] of byRoom) {
				const room = detection.room(name) ?? (await roomOf(name));
				if (!room.position || detection.inTurn(room, those)) continue;
				try {
					const until = new Set(those.map(({ event_id }) => event_id));
					const found = await reader.read(name, room.position, deadline, until);
					before.push(...found.before);
					read.set(room, found.behind);
				} catch (error) {
					// The homeserver hands the transaction to the next run, which can wait.
					if (stopped) throw error;
					waitedInVain = Date.now();
					// The room's next transaction has it read; until then its position stays.
					log[deadline > now && !deps.isAway() ? "warn" : "debug"]({ err: error, room: name }, unread);
				}
			}
			try {
				await take(merged(before, events));
			} catch (error) {
				disturbed();
				throw error;
			}
			for (const [room, behind] of read) detection.settle(room, doubts, behind);
			const taken = Date.now();
			detection.took(
				before.map(({ event }) => event),
				taken,
				true,
			);
			detection.took(events, taken);
			for (const name of byRoom.keys()) {
				const room = detection.room(name);
				if (room) await positions.saveFirst(room);
			}
			if (repeated) disturbed();
		},

		/** Begins a room anew: what was said there before is no gap. */
		async begin(name: string): Promise<void> {
			detection.begin(name);
			await positions.forget(name);
		},
		/** The room is read back to its position before its next event is taken. */
		suspect: detection.suspect,
		noteSent: detection.noteSent,
		doubt: detection.doubt,
		disturbed,
		/** Whether events come in: a homeserver that goes away now could take some with it. */
		busy: () => detection.idle(Date.now()) < patience,

		/** `drained` resolves when no transaction is under way any more: none is waited for. */
		async stop(drained: Promise<void>): Promise<void> {
			stopped = true;
			reader.stop();
			clearInterval(saving);
			for (const timer of [...timers, overdue, later]) clearTimeout(timer);
			await drained;
			await saveAll();
		},
	};
}
