import { backoff } from "../../core/backoff.ts";
import { PermanentError } from "../../core/errors.ts";
import { retryLevel } from "../../core/log.ts";
import { within } from "../deadline.ts";
import { domain } from "../jid.ts";
import { discoverRoom, type RoomFeatures } from "../muc/discovery.ts";
import { Gone } from "../muc/gone.ts";
import * as phrases from "../phrases.ts";
import { forgetSearched } from "./archive-search.ts";
import { archived, catchUp, restorePosition } from "./backfill.ts";
import type { Context } from "./context.ts";
import { forgetEnd, tellOfEnd } from "./destroyed.ts";
import { beginGap } from "./gap.ts";
import { rejoin } from "./join.ts";
import { Banned } from "./join-refusals.ts";
import { restorePassword } from "./kept-password.ts";
import { chooseListener } from "./listener-choice.ts";
import {
	barListening,
	beginAttempt,
	hurry,
	keepOnce,
	noteJoined,
	noteRefusalTold,
	pause,
} from "./listening.ts";
import { showPicture } from "./muc-picture.ts";
import { notice } from "./notice.ts";
import { isIn, setConfirmed } from "./own-occupants.ts";
import { hasIds } from "./participants.ts";
import { type Room, readable, setFeatures } from "./room.ts";
import { setSynced } from "./roster.ts";
import { selfPing } from "./self-ping.ts";
import { tellSettings } from "./settings-news.ts";

/** Keeps the active listener in a MUC, whatever happens to the link or the MUC. */

const firstRetry = 1_000;
const lastRetry = 5 * 60_000;
/** The longest pause, in ms, between attempts while a line waits for the MUC. */
const lastRetryAskedFor = 10_000;
/** Time, in ms, for which a line counts as waiting: its lane asks for the MUC once a minute at least. */
const askedForFor = 2 * 60_000;
/** Time, in ms, after a refusal in which nobody but the person who waits for the MUC is told. */
const tellAfter = 3_000;
/** Time, in ms, that other own occupants have to rejoin before the portal is told the roster. */
const othersWithin = 10_000;

/**
 * Has the listener join, lines be backfilled and our other occupants rejoin, with as many retries as it takes. Calls
 * while that is under way get the same promise. @throws PermanentError where the MUC lets none of us in.
 */
export function ensureJoined(room: Room, context: Context): Promise<void> {
	return keepOnce(
		room.listening,
		() => run(room, context),
		() => {
			// The listener may have been lost again while the others rejoined.
			if (room.closed || room.listening.barred || !context.link.online || serves(room)) return;
			keepJoined(room, context);
		},
	);
}

/** Works as {@link ensureJoined} where nobody waits for it: the log has the error. */
export function keepJoined(room: Room, context: Context): void {
	ensureJoined(room, context).catch((error: unknown) => {
		// The run has logged a refusal.
		if (!(error instanceof PermanentError))
			context.log.warn({ err: error, room: room.jid }, "the listener could not join the MUC");
	});
}

const serves = (room: Room) => isIn(room.listening.active) && !room.backfill.gap;

async function run(room: Room, context: Context): Promise<void> {
	const { listening } = room;
	let joined = false;
	for (let failures = 0; !room.closed && context.link.online && !serves(room); failures++) {
		try {
			if (!isIn(listening.active)) {
				joined = true;
				await join(room, context);
			}
			await catchUp(room, context);
		} catch (error) {
			if (room.closed) return;
			if (error instanceof PermanentError) {
				const again = listening.refusalTold === error.message;
				context.log[again ? "debug" : "warn"]({ err: error, room: room.jid }, "the MUC refuses the listener");
				barListening(listening, error);
				if (!again) tellRefusal(room, error, context);
				throw error;
			}
			const lineWaits = context.now().at - listening.askedForAt < askedForFor;
			const most = lineWaits ? lastRetryAskedFor : lastRetry;
			const retryMs = backoff(failures, { first: firstRetry, most });
			const attempt = failures + 1;
			context.log[retryLevel(attempt)](
				{ err: error, room: room.jid, attempt, retryMs },
				"the join or the backfill of the MUC failed, will retry",
			);
			await pause(listening, retryMs);
		}
	}
	if (room.closed || !serves(room)) return;
	await rejoinOthers(room, context, joined);
	context.resume();
}

/**
 * Tells the portal that the MUC lets no listener in, unless that changes within {@link tellAfter}: a person who links the
 * MUC gets the refusal as the answer, and the portal ends.
 */
function tellRefusal(room: Room, why: PermanentError, context: Context): void {
	setTimeout(() => {
		void context.guard.run("timer of a refusal", () => {
			if (room.closed || room.listening.barred !== why) return;
			noteRefusalTold(room.listening, why.message);
			if (why instanceof Banned) return context.ended(room, phrases.mucBannedBridge(room.jid));
			if (why instanceof Gone) tellOfEnd(room, why.next, context);
			else context.tell([notice(room, phrases.mucNotEntered(why.message), context.now())]);
		});
	}, tellAfter).unref();
}

/** Has our other occupants rejoin: the MUC may have lost them, too. Tells the portal the roster if it does not know it. */
async function rejoinOthers(room: Room, context: Context, check: boolean): Promise<void> {
	const others = Promise.all(
		[...room.ours.byJid.values()].map(async (ours) => {
			if (check && ours !== room.listening.active) await selfPing(room, ours, context);
			await rejoin(room, ours, context);
		}),
	);
	if (room.roster.synced) return;
	// A nick left over from a killed run looks like a stranger's until its owner has rejoined.
	await within(othersWithin, others).catch(() => undefined);
	setSynced(room.roster, true);
	context.sync(room);
}

/** Works as {@link ensureJoined} and, for a line that waits, ends the pause before the next attempt. */
export function ensureJoinedNow(room: Room, context: Context): Promise<void> {
	hurry(room.listening, context.now().at);
	return ensureJoined(room, context);
}

/** Reads the features of a MUC again after its settings changed. */
export async function rediscover(room: Room, context: Context): Promise<void> {
	const features = await discoverRoom(room.jid, room.listening.active.jid, context.link);
	if (features) discovered(room, features, context);
	await archived(room, context);
}

/** Takes the features of a MUC. Core is told if they change its capabilities, or the people who find it. */
function discovered(room: Room, features: RoomFeatures, context: Context): void {
	const before = { ids: hasIds(room), listed: room.features.listed };
	setFeatures(room, features);
	tellSettings(room, features, context);
	if (hasIds(room) !== before.ids || features.listed !== before.listed) context.changed(room);
	if (features.name !== undefined) context.described(room, { name: features.name });
	if (features.picture !== undefined) showPicture(room, features.picture, context);
}

async function join(room: Room, context: Context): Promise<void> {
	beginAttempt(room.listening, context.now().at);
	await restorePosition(room, context);
	// A line of a person may have the listener join before the link is attached.
	await restorePassword(room, context);
	try {
		const discover = () => discoverRoom(room.jid, room.listener.jid, context.link);
		// Discovery has a concurrency limit apart from joins, or no listener joined before the last MUC was discovered.
		const features = await context.paced(`${domain(room.jid)} disco`, discover);
		if (features) discovered(room, features, context);
	} catch (error) {
		// A MUC that a restart of its service has lost comes back by a join, as those of its people's clients do.
		const lost = error instanceof PermanentError && error.reason === "not-found";
		if (!room.listening.wasIn || !lost || error instanceof Gone) throw error;
	}
	beginGap(room.backfill, room.position.read?.last, readable(room));
	// The cause of the listener's loss may have put out our other occupants.
	for (const ours of room.ours.byJid.values()) setConfirmed(ours, false);
	setSynced(room.roster, false);
	forgetSearched(room.search);
	await chooseListener(room, context);
	noteJoined(room.listening, context.now().at);
	await forgetEnd(room, context);
}
