import { backoff } from "../../core/backoff.ts";
import { createBoundedMap } from "../../core/bounded-map.ts";
import { createGuard } from "../../core/guard.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";
import type { Client } from "../client.ts";
import type { MatrixEvent } from "../event.ts";
import { createBackfillReader, type Read, wait } from "./reader.ts";

/** When all rooms are looked at after a disturbance, in ms: soon, and when the homeserver's own repeating is over. */
const looks = [5_000, 20_000, 60_000];
/** Without a transaction for so long, in ms, the homeserver has none under way; and for how long we wait for that. */
const [quiet, patience] = [3_000, 30_000];
/**
 * How long, in ms, a homeserver that cannot tell us is asked again: while its transaction waits, before it comes out of
 * order; where nothing waits. Synapse takes a transaction for failed after a minute.
 */
const [holding, looking] = [20_000, 1_200];
/** For so long, in ms, none waits again after one waited in vain: a room that cannot be read must not hold up all others. */
const unheld = 60_000;
/** How soon and how late it is looked again, in ms, while a homeserver that owes us events hands nothing over. */
const owing = { first: 30_000, most: 600_000 };
/** After so long, in ms, without a transaction since we said something the homeserver hands nothing over: what we say comes back. */
const silence = 60_000;
/** Ids of events kept in mind. */
const remembered = 20_000;
/** How much the disk may be behind, in ms: what is read again is known by its own key. */
const saveEvery = 1_000;

const unread = "could not look whether the homeserver handed all over";

type Room = {
	/** Of the cursor on disk; absent where the room is in no portal. */
	key?: string;
	read?: Read;
	saved?: Read;
	/** Something behind `read` may never have been handed to us. */
	unsure: boolean;
	/** What was there when the room was last looked at and is to be handed over, oldest first. */
	due: readonly string[];
};

/**
 * Finds what a homeserver never handed over. Synapse keeps the events of its next transactions in memory, which a restart
 * forgets, and leaves a transaction lying that it made in the moment between the end of its repeating and being up
 * again (until it repeats the next time, which may be weeks). So after each disturbance, our own start among them, and
 * where Synapse's numbers of transactions leave one out, a room is read back to what we were handed last before anything
 * more of it is taken; and where nothing more comes a few times in the minute after, and on while that finds something and
 * nothing is handed over.
 */
export function createLossDetection(deps: {
	client: Pick<Client, "messages">;
	bridge: Pick<Bridge, "cursor" | "saveCursor">;
	/** The link a room is in a portal by. */
	linkOf(room: string): Promise<string | undefined>;
	/** As whom a room can be read; undefined is the bot. */
	reader(room: string): Promise<string | undefined>;
	isOurs(mxid: string): boolean;
	take(events: readonly MatrixEvent[]): Promise<void>;
	/** Has the homeserver try to reach us again. */
	knock(): void;
	log: Log;
}) {
	const { bridge, take, log } = deps;
	const guard = createGuard(log);
	const seen = createBoundedMap<string, true>(remembered);
	/** Those of them that were read, and not handed over yet. */
	const early = createBoundedMap<string, true>(remembered);
	const back = createBackfillReader({ ...deps, seen: (event) => seen.has(event) });
	const rooms = new Map<string, Room>();
	let timers: NodeJS.Timeout[] = [];
	let later: NodeJS.Timeout | undefined;
	let stopped = false;
	let handedAt = 0;
	/** The last transaction's number, where the homeserver counts them. */
	let number: number | undefined;
	/** When it was last found to owe us events, and how often it was looked since. */
	let owed = 0;
	let looked = 0;
	/** When we said the first that has not come back yet. */
	let unheard: number | undefined;
	let waitedInVain = Number.NEGATIVE_INFINITY;
	/** How often there was reason to doubt: what was found before the last time settles nothing. */
	let doubts = 0;

	async function roomOf(name: string): Promise<Room> {
		const link = rooms.has(name) ? undefined : await deps.linkOf(name);
		const key = link && `matrix ${link}`;
		const stored = key && (await bridge.cursor(key));
		const known = rooms.get(name);
		if (known) return known;
		const read = stored ? (JSON.parse(stored) as Read) : undefined;
		const room: Room = {
			...(key && { key }),
			...(read && { read, saved: read }),
			unsure: read !== undefined,
			due: [],
		};
		rooms.set(name, room);
		return room;
	}

	async function save(room: Room): Promise<void> {
		const { key, read } = room;
		if (!key || !read || read === room.saved) return;
		room.saved = read;
		await bridge.saveCursor({ key, value: JSON.stringify(read) });
	}
	/** In one commit. */
	async function saveAll(): Promise<void> {
		await Promise.all(rooms.values().map(save));
	}
	const saving = setInterval(() => void guard.run("timer of lost events", lookAround), saveEvery).unref();
	function lookAround(): void {
		saveAll().catch((error: unknown) => log.error({ err: error }, "how far rooms were read is not saved"));
		if (unheard === undefined || Date.now() - unheard < silence) return;
		log.debug({ since: unheard }, "the homeserver hands nothing over");
		unheard = undefined;
		deps.knock();
		disturbed();
	}

	/** Whether these come next in their room, as far as we know; the rest is due after them. */
	function inTurn(room: Room, events: readonly MatrixEvent[]): boolean {
		const { due } = room;
		if (due.length === 0) return true;
		const news = events.filter(({ event_id }) => !seen.has(event_id));
		room.due = due.slice(news.length);
		return news.slice(0, due.length).every(({ event_id }, index) => event_id === due[index]);
	}

	/** Takes note of what is taken: what was handed over, or read by us. */
	function heard(events: readonly MatrixEvent[], read = false): void {
		for (const { event_id: event, room_id, origin_server_ts: at } of events) {
			const room = rooms.get(room_id);
			// What was read by us may be handed over after all, long after.
			if (room && !room.unsure && !seen.has(event)) room.read = { event, at };
			seen.set(event, true);
			if (read) early.set(event, true);
			else early.delete(event);
		}
	}

	async function look(): Promise<void> {
		for (let waited = 0; waited < patience && Date.now() - handedAt < quiet; waited += quiet)
			await wait(quiet);
		for (const [name, room] of rooms) {
			if (stopped || !room.read) continue;
			const when = doubts;
			try {
				const { before } = await back.read(name, room.read, Date.now() + looking);
				if (before.length > 0) await take(before);
				if (doubts === when) {
					room.unsure = false;
					room.due = [];
				}
				heard(before, true);
				if (before.length > 0) owed = Date.now();
			} catch (error) {
				log.warn({ err: error, room: name }, unread);
			}
		}
		if (owed > handedAt) lookAgain();
		else looked = 0;
	}

	/** It may have given up, or repeat in minutes only: until it hands something over we see for ourselves. */
	function lookAgain(): void {
		if (stopped) return;
		deps.knock();
		clearTimeout(later);
		later = setTimeout(
			() => {
				if (owed > handedAt) void guard.run("look for lost events", look);
			},
			backoff(looked++, owing),
		).unref();
	}

	/** The homeserver went away, or seems to have: what it had for us may be lost. */
	function doubt(): void {
		doubts++;
		for (const room of rooms.values()) room.unsure = room.read !== undefined;
	}

	/** One of us was away and is back, or failed the other. */
	function disturbed(): void {
		doubt();
		for (const timer of timers) clearTimeout(timer);
		timers = looks.map((ms) => setTimeout(() => void guard.run("look for lost events", look), ms).unref());
	}

	return {
		/** A room is in a portal by this link from now on. */
		async follow(name: string, link: string): Promise<void> {
			const room = await roomOf(name);
			room.key = `matrix ${link}`;
			await save(room);
		},
		/** Takes what was handed over, and first what should have been before it. */
		async taken(transaction: string, events: readonly MatrixEvent[]): Promise<void> {
			handedAt = Date.now();
			unheard = undefined;
			const last = number;
			number = /^\d+$/.test(transaction) ? Number(transaction) : undefined;
			if (last !== undefined && number !== undefined && number > last + 1) disturbed();
			// It did not hear us acknowledge these.
			const again = events.some(({ event_id }) => seen.has(event_id) && !early.has(event_id));
			const when = doubts;
			const deadline = handedAt + (handedAt - waitedInVain < unheld ? 0 : holding);
			const before: MatrixEvent[] = [];
			const sure: Room[] = [];
			for (const [name, those] of Map.groupBy(events, ({ room_id }) => room_id)) {
				const room = rooms.get(name) ?? (await roomOf(name));
				if (!room.read || (inTurn(room, those) && !room.unsure)) continue;
				room.unsure = true;
				try {
					const until = new Set(those.map(({ event_id }) => event_id));
					const found = await back.read(name, room.read, deadline, until);
					before.push(...found.before);
					room.due = found.behind;
					sure.push(room);
				} catch (error) {
					// It is handed to the next run, which can wait.
					if (stopped) throw error;
					waitedInVain = Date.now();
					// Read with the next; until then `read` stays where it is.
					log[deadline > handedAt ? "warn" : "debug"]({ err: error, room: name }, unread);
				}
			}
			try {
				await take([...before, ...events]);
			} catch (error) {
				disturbed();
				throw error;
			}
			if (doubts === when) for (const room of sure) room.unsure = false;
			heard(before, true);
			heard(events);
			if (again) disturbed();
		},
		/** We said something in a room; `since`, in ms, it can have come back to us. */
		said(since: number): void {
			if (since > handedAt) unheard ??= since;
		},
		doubt,
		disturbed,
		/** Whether a homeserver that goes away now could take something with it. */
		busy: () => Date.now() - handedAt < patience,
		/** `drained` resolves when no transaction is under way any more: none is waited for. */
		async stop(drained: Promise<void>): Promise<void> {
			stopped = true;
			back.stop();
			clearInterval(saving);
			for (const timer of [...timers, later]) clearTimeout(timer);
			await drained;
			await saveAll();
		},
	};
}
