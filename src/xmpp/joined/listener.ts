import { backoff } from "../../core/backoff.ts";
import { PermanentError } from "../../core/errors.ts";
import { within } from "../deadline.ts";
import { domain } from "../jid.ts";
import { discoverRoom } from "../muc/discovery.ts";
import { StanzaError } from "../stanza-error.ts";
import * as to from "../to-xmpp.ts";
import { archived, catchUp, recall } from "./backfill.ts";
import type { Context } from "./context.ts";
import { beginGap } from "./gap.ts";
import { enter, NoPlace } from "./occupant.ts";
import { isConfirmed, isIn, type OwnOccupant, putOut, setConfirmed } from "./own-occupants.ts";
import type { Room } from "./room.ts";

/**
 * The one occupant whose copy of the traffic counts, a silent one of our own wherever the room lets it in: it is kept in
 * the room whatever happens to the link or the room.
 */

const firstRetry = 1_000;
const lastRetry = 5 * 60_000;
/** The same while a line waits for the room: each lane asks for it once a minute at least. */
const lastRetryAskedFor = 10_000;
const askedForFor = 2 * 60_000;
/** The least between two attempts, whoever speaks how often. */
const hurryAfter = 5_000;
const othersWithin = 10_000;
/** Of us, one after the other, where the listener is refused. */
const earsTried = 4;

/** Brings the listener in, and the ghosts after it, as often as it takes. One run at a time; idempotent. */
export function ensureJoined(room: Room, context: Context): Promise<void> {
	room.keeping ??= run(room, context).finally(() => {
		room.keeping = undefined;
		// It was lost again while the others came back.
		if (room.closed || room.barred || !context.link.online || serves(room)) return;
		ensureJoined(room, context).catch((error: unknown) =>
			context.log.warn({ err: error, room: room.jid }, "the room is not served"),
		);
	});
	return room.keeping;
}

const serves = (room: Room) => isIn(room.activeListener) && !room.gap;

async function run(room: Room, context: Context): Promise<void> {
	let came = false;
	for (let failures = 0; !room.closed && context.link.online && !serves(room); failures++) {
		try {
			if (!isIn(room.activeListener)) {
				came = true;
				await comeIn(room, context);
			}
			await catchUp(room, context);
		} catch (error) {
			if (room.closed) return;
			if (error instanceof PermanentError) {
				context.log.warn({ err: error, room: room.jid }, "the room does not let us in");
				room.barred = error;
				throw error;
			}
			context.log.warn({ err: error, room: room.jid, failures }, "could not join, will retry");
			const waited = context.now().at - room.askedForAt < askedForFor;
			const most = waited ? lastRetryAskedFor : lastRetry;
			await pause(room, backoff(failures, { first: firstRetry, most }));
		}
	}
	if (room.closed || !serves(room)) return;
	// What lost the activeListener in silence may have lost others of us.
	const others = Promise.all(
		[...room.ours.byJid.values()].map(async (ours) => {
			if (came && ours !== room.activeListener) await selfPing(room, ours, context);
			await rejoin(room, ours, context);
		}),
	);
	if (!room.synced) {
		// A nick left over from a run that was killed looks like a stranger until its owner has come back to it.
		await within(othersWithin, others).catch(() => undefined);
		room.synced = true;
		context.sync(room);
	}
	context.resume();
}

/** As {@link ensureJoined}, for somebody who speaks: no back-off keeps them waiting. */
export function ensureJoinedNow(room: Room, context: Context): Promise<void> {
	room.askedForAt = context.now().at;
	if (room.askedForAt - room.triedAt >= hurryAfter) room.wake?.();
	return ensureJoined(room, context);
}

function pause(room: Room, ms: number): Promise<void> {
	return new Promise((resolve) => {
		const timer = setTimeout(resolve, ms);
		room.wake = () => {
			clearTimeout(timer);
			resolve();
		};
	});
}

/** The settings of the room changed. */
export async function rediscover(room: Room, context: Context): Promise<void> {
	room.features = (await discoverRoom(room.jid, room.activeListener.jid, context.link)) ?? room.features;
	await archived(room, context);
}

async function comeIn(room: Room, context: Context): Promise<void> {
	room.triedAt = context.now().at;
	room.barred = undefined;
	await recall(room, context);
	try {
		const asked = () => discoverRoom(room.jid, room.listener.jid, context.link);
		// In a line of their own, or nobody would be in before the last room was asked.
		room.features = (await context.paced(`${domain(room.jid)} disco`, asked)) ?? room.features;
	} catch (error) {
		// A room that is gone after a restart of its service comes back by being joined, as its people's clients do.
		if (!room.wasIn || !(error instanceof PermanentError) || error.reason !== "not-found") throw error;
	}
	beginGap(room);
	// What put the activeListener out may have put out others.
	for (const ours of room.ours.byJid.values()) setConfirmed(ours, false);
	room.synced = false;
	room.searched = Number.POSITIVE_INFINITY;
	await takeEar(room, context);
	room.since = room.heardAt = context.now().at;
}

/** Where the room has no place for the listener, or does not want it, a ghost hears for all. */
async function takeEar(room: Room, context: Context): Promise<void> {
	const ghosts = [...room.ours.byJid.values()].filter((ours) => ours !== room.listener && ours.wanted);
	let refused: unknown = room.listener.barred;
	for (const ours of [room.listener, ...ghosts].filter((one) => !one.barred).slice(0, earsTried)) {
		await silenced(room, ours);
		room.activeListener = ours;
		room.joinRoster = new Map();
		try {
			return await enter(room, ours, context);
		} catch (error) {
			const no =
				error instanceof NoPlace || (error instanceof PermanentError && error.reason === "forbidden");
			if (!no) throw error;
			refused ??= error;
		} finally {
			room.joinRoster = undefined;
		}
	}
	room.activeListener = room.listener;
	throw refused;
}

/** Whoever came in while another heard was told neither who is there nor what had been said: as the activeListener they come again. */
async function silenced(room: Room, ours: OwnOccupant): Promise<void> {
	await ours.entering?.catch(() => undefined);
	if (!isIn(ours)) return;
	putOut(room.ours, ours);
}

/**
 * The activeListener is lost: another of ours who is in hears from here on. A room tells all of us the same in the same order, so
 * nothing falls between. False where there is nobody.
 */
export function failOver(room: Room, context: Context): boolean {
	const next = [...room.ours.byJid.values()].find(
		(ours) => ours !== room.activeListener && isConfirmed(ours),
	);
	if (!next) return false;
	context.log.info(
		{ room: room.jid, from: room.activeListener.jid, to: next.jid },
		"another of us hears the room",
	);
	room.activeListener = next;
	room.telling = false;
	relieve(room, context).catch((error: unknown) =>
		context.log.warn({ err: error, room: room.jid }, "the room is not served"),
	);
	return true;
}

/**
 * Those who were put out come back once the room said that whoever hears now is in: that one may have been put out as
 * well without our hearing of it. Where it does not say so, what was said is fetched.
 */
async function relieve(room: Room, context: Context): Promise<void> {
	const { activeListener } = room;
	setConfirmed(activeListener, false);
	await selfPing(room, activeListener, context);
	if (activeListener !== room.activeListener || room.closed) return;
	if (isConfirmed(activeListener)) {
		for (const ours of room.ours.byJid.values())
			void context.guard.run("return to a MUC", () => rejoin(room, ours, context));
		return;
	}
	if (isIn(activeListener)) putOut(room.ours, activeListener);
	await ensureJoined(room, context);
}

/** Puts one of ours back that was lost for technical reasons; where that fails they come when they next speak. */
export async function rejoin(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (ours === room.activeListener || !ours.wanted || ours.barred || isIn(ours)) return;
	await enter(room, ours, context).catch((error: unknown) =>
		context.log.info({ err: error, room: room.jid, ours: ours.jid }, "not back in the room"),
	);
}

/** XEP-0410: asks whether `ours` is really still in. Marks who is not as out. */
export async function selfPing(room: Room, ours: OwnOccupant, context: Context): Promise<void> {
	if (!isIn(ours)) return;
	try {
		await context.link.iq(to.ping(ours.jid, `${room.jid}/${ours.nick}`));
		setConfirmed(ours, true);
	} catch (error) {
		// Without an answer nothing is known; the next round asks again.
		if (!(error instanceof StanzaError) || !isOut(error)) return;
		putOut(room.ours, ours);
	}
}

// XEP-0410 §3.2: these say that the nick is there and merely cannot or will not answer a ping.
const present: ReadonlySet<string> = new Set([
	"service-unavailable",
	"feature-not-implemented",
	"item-not-found",
]);
const isOut = (error: StanzaError) =>
	!present.has(error.condition) && !error.condition.startsWith("remote-server-");
