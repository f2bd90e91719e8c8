// node:timers, not the global: a test's fake clock must not stop the disk.
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import { Worker } from "node:worker_threads";
import type { BridgeEvent } from "../core/event.ts";
import type { Place } from "../core/hosting.ts";
import type { LinkId, MessageId, PortalId, UserId } from "../core/ids.ts";
import type { Journal, Row } from "../core/journal.ts";
import type { Person } from "../core/person.ts";
import type { Matches } from "../core/places.ts";
import type { Watched } from "./item-in-hand.ts";
import { journalError } from "./sqlite-errors.ts";
import type { Calls } from "./sqlite-tables.ts";
import { copy, entryText, reactionText, row } from "./sqlite-text.ts";
import type { Answer, Backup, Call, Request, Results, Start } from "./sqlite-worker.ts";

export type JournalOptions = Readonly<{
	file: string;
	/** Called once when the journal failed; every later call rejects, so the process must stop. */
	onFailure(error: Error): void;
	/** The item in hand, which the journal's thread notes for the quarantine. */
	watched?: Watched;
}>;

type Pending = Readonly<{
	call: Call | Backup;
	/** No caller waits for the result, so the call may wait for company. */
	patient: boolean;
	resolve(value: unknown): void;
	reject(error: unknown): void;
}>;

/** The most calls in one batch, so that copying it does not block the loop and its first call does not wait long. */
const batchSize = 5_000;
/** Patient calls wait this long, in ms, for another call to share their commit, or until this many wait. */
const patience = { ms: 100, calls: 64 };

/**
 * Opens the journal in one SQLite file, in a worker thread. While the worker commits one batch, new calls collect into the
 * next, so that under load many share one fsync.
 */
export function createSqliteJournal({ file, onFailure, watched }: JournalOptions): Journal {
	const watch = watched && { memory: watched.memory, noteFile: watched.noteFile };
	let worker: Worker | undefined;
	let failure: Error | undefined = new Error("the journal is not open");
	let waiting: Pending[] = [];
	let committing: readonly Pending[] = [];
	let idle: (() => void) | undefined;
	/** The timer of the next flush: this turn of the loop, or the moment when patient calls have waited long enough. */
	let soon = false;
	let later: NodeJS.Timeout | undefined;

	const send = (request: Request) => worker?.postMessage(request);

	/** Schedules a flush at the end of this turn, so that calls of the same turn share a batch. */
	function flushSoon(): void {
		if (!soon) setImmediate(flush);
		soon = true;
	}

	function flush(): void {
		soon = false;
		clearTimeout(later);
		later = undefined;
		if (committing.length > 0 || failure) return;
		const [first] = waiting;
		if (!first) {
			idle?.();
			return;
		}
		// The worker takes a backup between two transactions.
		const backup = waiting.findIndex(({ call }) => "backup" in call);
		committing = waiting.slice(0, backup < 0 ? batchSize : Math.min(Math.max(backup, 1), batchSize));
		waiting = waiting.slice(committing.length);
		send("backup" in first.call ? first.call : committing.map(({ call }) => call as Call));
	}

	function committed({ values, errors }: Results): void {
		const settled = committing;
		committing = [];
		for (const [index, { resolve, reject }] of settled.entries()) {
			if (errors?.has(index)) reject(errors.get(index));
			else resolve(values[index]);
		}
		if (idle || waiting.length >= patience.calls || waiting.some(({ patient }) => !patient)) flushSoon();
		else if (waiting.length > 0) later ??= setTimeout(flush, patience.ms);
	}

	function fail(error: Error): void {
		if (failure) return;
		failure = error;
		for (const { reject } of [...committing, ...waiting]) reject(error);
		committing = [];
		waiting = [];
		idle?.();
		onFailure(error);
	}

	function ask<Name extends keyof Calls>(
		name: Name,
		...values: Parameters<Calls[Name]>
	): Promise<ReturnType<Calls[Name]>> {
		return enqueue([name, ...values] as unknown as Call) as Promise<ReturnType<Calls[Name]>>;
	}

	function enqueue(call: Call | Backup, patient = false): Promise<unknown> {
		return new Promise((resolve, reject) => {
			if (failure) return reject(failure);
			waiting.push({ call, patient, resolve, reject });
			if (committing.length > 0) return;
			if (!patient || waiting.length >= patience.calls) flushSoon();
			else later ??= setTimeout(flush, patience.ms);
		});
	}

	return {
		open: () =>
			new Promise((resolve, reject) => {
				const started = new Worker(new URL("./sqlite-worker.ts", import.meta.url), {
					workerData: { file, watch } satisfies Start,
					// COMPAT: the first releases of Node 24 warn of node:sqlite, the only module this thread loads.
					execArgv: ["--disable-warning=ExperimentalWarning"],
				});
				started.once("message", () => {
					worker = started;
					failure = undefined;
					started.on("message", (answer: Answer) => {
						if (!("unnoted" in answer)) return committed(answer);
						watched?.onFault(answer.unnoted);
					});
					resolve();
				});
				started.on("error", (cause) => {
					const error = journalError(file, cause);
					reject(error);
					fail(error);
				});
				started.on("exit", () => {
					if (worker !== started) return;
					worker = undefined;
					fail(journalError(file, new Error("its thread ended")));
				});
			}),
		async close() {
			if (!worker) return;
			if (!failure) {
				await new Promise<void>((resolve) => {
					idle = resolve;
					flushSoon();
				});
			}
			failure ??= new Error("the journal is closed");
			const closing = worker;
			worker = undefined;
			const ended = new Promise((resolve) => closing.once("exit", resolve));
			closing.postMessage("close" satisfies Request);
			await ended;
		},
		async accept(entries) {
			const queuedAt = Date.now();
			const seqs = await ask("accept", entries.map(entryText), queuedAt);
			return entries.flatMap(({ rows }, entry) => {
				const first = seqs[entry] ?? 0;
				if (first === 0) return [];
				let next = first;
				return rows.map((row): Row => {
					return { ...row, seq: row.held ? 0 : next++, state: "waiting", attempts: 0, queuedAt };
				});
			});
		},
		async held(after, limit) {
			return (await ask("held", after, limit)).map(({ seq, event, ids }) => {
				return {
					position: seq,
					event: JSON.parse(event) as BridgeEvent,
					ids: ids.map((id) => id as MessageId),
				};
			});
		},
		async enter(events) {
			const named = events.map(({ network, room, id }) => [[network, room], id] as const);
			return (await ask("enter", named, Date.now())).map(row);
		},
		once: (key) => ask("once", key),
		cursor: (key) => ask("cursor", key),
		cursors: (prefix) => ask("cursors", prefix),
		saveCursor: (key, value) => ask("saveCursor", key, value),
		async lanes() {
			return (await ask("lanes")).map(({ portal, link, ...lane }) => {
				return { portal: portal as PortalId, link: link as LinkId, ...lane };
			});
		},
		async rows({ portal, link }, after, limit) {
			return (await ask("rows", portal, link, after, limit)).map(row);
		},
		attempt: ({ seq, begun }, request) => ask("attempt", seq, begun ? 0 : 1, request ?? null),
		keep: ({ seq }, request) => ask("keep", seq, request),
		release: (rows) =>
			ask(
				"release",
				rows.map(({ seq }) => seq),
			),
		async done({ seq, event }, { network, room }, ids) {
			const { sender, id, kind } = event;
			const [place, there] = [
				[sender.network, event.room],
				[network, room],
			] as const;
			const call: Call = ["done", seq, place, id, kind === "edit", there, ids, Date.now()];
			await enqueue(call, true);
		},
		expire: ({ seq }) => ask("expire", seq),
		refuse: ({ seq }, reason) => ask("refuse", seq, reason, Date.now()),
		async cancel({ network, room, id }) {
			return (await ask("cancel", [network, room], id)).map(row);
		},
		gone: ({ network, room, id }) => ask("gone", [network, room], id),
		async copies({ network, room, id }) {
			return (await ask("copies", [network, room], id)).map(copy);
		},
		places: {
			append: (network, room, places) => ask("appendPlaces", [network, room], places),
			prepend: (network, room, places, before, begun) =>
				ask("prependPlaces", [network, room], places, before, begun),
			match: async (network, room, range) =>
				(await ask("matchPlaces", [network, room], range)) as unknown as Matches,
			find: async (network, room, ids) =>
				(await ask("findPlaces", [network, room], ids)) as unknown as readonly Place[],
			forget: (network, room) => ask("forgetPlaces", [network, room]),
		},
		async reactions(network, room, message, sender) {
			return (await ask("reactions", [network, room], message, sender)).map(({ emoji, id }) => {
				return { emoji, ...(id !== null && { id: id as MessageId }) };
			});
		},
		setReactions: (network, room, message, sender, now) =>
			ask("setReactions", reactionText({ network, room, message, sender, now }), Date.now()),
		async reactionAt(network, room, id) {
			const found = await ask("reactionAt", [network, room], id);
			return found && { ...found, message: found.message as MessageId, sender: found.sender as UserId };
		},
		async members(network, room) {
			return (await ask("members", [network, room])).map((person) => JSON.parse(person) as Person);
		},
		forget: (network, room) => ask("forget", [network, room]),
		async dead(limit, of) {
			return (await ask("dead", limit, of)).map((letter) => {
				return { ...row(letter), reason: letter.reason, diedAt: letter.diedAt };
			});
		},
		async revive({ lane, limit }) {
			const pair = lane && ([lane.portal, lane.link] as const);
			return (await ask("revive", pair, limit, Date.now())).map(row);
		},
		async stats() {
			const { oldest, ...counts } = await ask("stats");
			return { ...counts, oldest: oldest ?? undefined };
		},
		async backup(file) {
			await enqueue({ backup: file });
		},
		prune: (now) => ask("prune", now),
	};
}
