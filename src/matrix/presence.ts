import { TemporaryError } from "../core/errors.ts";
import type { Guard } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import { oneLine } from "../core/names.ts";
import type { Shown } from "../core/signal.ts";
import { at, type Client, MatrixError } from "./client.ts";
import { asObject, text } from "./event.ts";
import * as phrases from "./phrases.ts";

/** Characters of the longest status that crosses. */
const longestStatus = 200;

/** Returns the presence in the content of an event or an answer; undefined for none. // Matrix spec, "Presence" */
export function presenceIn(content: unknown): Shown | undefined {
	const { presence, status_msg: words } = asObject(content);
	const status = oneLine(text(words), longestStatus);
	const own = status && { status };
	switch (presence) {
		case "online":
			return { show: "online", ...own };
		case "unavailable":
			return { show: "away", ...own };
		case "offline":
			return { show: "offline", ...own };
		// MSC3026, which homeservers turn on by an option.
		case "busy":
		case "org.matrix.msc3026.busy":
			return { show: "busy", ...own };
		default:
			return undefined;
	}
}

/** Returns the content that shows a presence. No homeserver need know a word for busy. */
const contentOf = ({ show, status }: Shown) => {
	const words = status ?? (show === "busy" ? phrases.busy : undefined);
	const presence = { online: "online", away: "unavailable", busy: "unavailable", offline: "offline" }[show];
	return { presence, ...(words !== undefined && { status_msg: words }) };
};

/**
 * In ms, but for the requests in one turn. A homeserver shows an account that does not sync as offline (Synapse after 30 s), so
 * a presence is repeated. `again`: the pause after the homeserver has no presence, or does not answer.
 */
const defaults = {
	every: 1_000,
	requests: 10,
	refresh: 20_000,
	off: 600_000,
	failed: 10_000,
	timeout: 10_000,
};
/** Ghosts whose presence is kept. */
const most = 5_000;

/** A presence that a ghost should have. `at`: the last request, in ms since 1970; `news`: the homeserver does not have it yet. */
type Wanted = { shown: Shown; at: number; news: boolean };

/**
 * Shows the presence of ghosts, within a budget of requests: news first. If the budget cannot keep all ghosts alive, online
 * ghosts go before away ones, and later ones before earlier ones; the rest expires.
 */
export function createPresences(deps: {
	client: Pick<Client, "call">;
	guard: Guard;
	log: Log;
	timing?: Partial<typeof defaults>;
	now?: () => number;
}) {
	const { client, guard, log, now = Date.now } = deps;
	const timing = { ...defaults, ...deps.timing };
	const { timeout } = timing;
	/** In the order of their news, the oldest first. */
	const wanted = new Map<string, Wanted>();
	let timer: NodeJS.Timeout | undefined;
	let pausedUntil = 0;
	/** The homeserver has shown that it has presence. */
	let proven = false;

	const path = (mxid: string) => at`/_matrix/client/v3/presence/${mxid}/status`;

	/** Resolves with the presence of an account as `as` sees it; undefined where `as` may not. @throws TemporaryError */
	async function read(mxid: string, as: string): Promise<Shown | undefined> {
		try {
			return presenceIn(await client.call("GET", path(mxid), { as, timeout }));
		} catch (error) {
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	/** Returns the ghosts whose presence is kept alive. */
	function kept(): readonly (readonly [string, Wanted])[] {
		const all = [...wanted].toReversed();
		const capacity = Math.floor((timing.requests * timing.refresh) / timing.every);
		if (all.length <= capacity) return all;
		const online = all.filter(([, { shown }]) => shown.show === "online");
		return [...online, ...all.filter(([, { shown }]) => shown.show !== "online")].slice(0, capacity);
	}

	async function put(ghost: string, one: Wanted): Promise<void> {
		const { shown } = one;
		one.news = false;
		one.at = now();
		if (shown.show === "offline") wanted.delete(ghost);
		try {
			await client.call("PUT", path(ghost), { as: ghost, body: contentOf(shown), timeout });
		} catch (error) {
			if (error instanceof MatrixError) wanted.delete(ghost);
			throw error;
		}
		if (proven || shown.show !== "online") return;
		proven = (await read(ghost, ghost))?.show === "online";
		if (proven) return;
		// A homeserver without presence takes each request, and does nothing.
		pausedUntil = now() + timing.off;
		log.debug({}, "the homeserver has presence switched off");
	}

	/** Sends what is due. */
	async function work(): Promise<void> {
		const news = [...wanted].filter(([, one]) => one.news);
		const due = kept().filter(([, one]) => !one.news && now() - one.at >= timing.refresh);
		for (const [ghost, one] of [...news, ...due.toReversed()].slice(0, timing.requests)) {
			if (now() < pausedUntil) return;
			try {
				await put(ghost, one);
			} catch (error) {
				log.debug({ err: error }, "the presence of a ghost could not be shown");
				if (error instanceof TemporaryError) pausedUntil = now() + timing.failed;
			}
		}
	}

	async function turn(): Promise<void> {
		await work();
		timer = undefined;
		if (wanted.size > 0) begin();
	}

	/** Begins the turns, which go on as long as a ghost is there. */
	function begin(): void {
		timer ??= setTimeout(() => void guard.run("presences of ghosts", turn), timing.every).unref();
	}

	return {
		read,
		/** The ghost is to have this presence. Returns at once. */
		show(ghost: string, shown: Shown): void {
			const before = wanted.get(ghost);
			if (before?.shown.show === shown.show && before.shown.status === shown.status) return;
			if (!before && shown.show === "offline") return;
			// A ghost that has news goes to the end, which is the newest.
			wanted.delete(ghost);
			wanted.set(ghost, { shown, at: before?.at ?? 0, news: true });
			if (wanted.size > most) wanted.delete(wanted.keys().next().value as string);
			begin();
		},
		stop(): void {
			clearTimeout(timer);
			wanted.clear();
		},
	};
}
export type Presences = ReturnType<typeof createPresences>;
