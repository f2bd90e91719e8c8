import type { Allowance } from "./allowance.ts";
import type { Support } from "./capabilities.ts";
import { keysOf } from "./dedupe.ts";
import { beforehand } from "./delivery-plan.ts";
import { isProgrammingError, PermanentError } from "./errors.ts";
import type { BridgeEvent } from "./event.ts";
import { createGapTimes } from "./gap-times.ts";
import type { HeldBack } from "./held.ts";
import type { Copy, NetworkName, RoomId } from "./ids.ts";
import type { Entry, Journal, NewRow, Row } from "./journal.ts";
import { createRateLimit, type Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import { type Meter, noMeter } from "./meter.ts";
import { type Crowds, createMirroredMembers } from "./mirrored-members.ts";
import type { Network, Received } from "./network.ts";
import { createOpenPolls } from "./open-polls.ts";
import { eventKey, operationId, traceId, traceOf } from "./operation.ts";
import { hasPassed, isLoop } from "./passed-rooms.ts";
import type { Level } from "./permissions.ts";
import { atLeast } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Policies } from "./policies.ts";
import type { Portals } from "./portals.ts";
import { createReactionState } from "./reaction-state.ts";
import { threaded, withKnownTarget } from "./references.ts";
import { hasSenderNotice, type SendNotice } from "./sender-notices.ts";
import { takenBySources } from "./taken-by-sources.ts";
import { takesElsewhere, targets } from "./targets.ts";

export type Rules = Readonly<{
	level(person: Person): Level;
	limits: Limits;
	/** The people that strangers may write to first. known: those of our own server; any: all that the server can reach. */
	direct: "known" | "any";
	/**
	 * The rooms that other networks may show in full, besides what the people of a room allow. local: those that people of
	 * our own server are in, which is the default; any; or globs over their addresses.
	 */
	rooms?: "local" | "any" | readonly string[];
	/** Globs over the people who may make rooms on another network. Absent: nobody may. */
	create?: readonly string[];
	/** The most people of a room that are mirrored before they speak. */
	membersMirrored: number;
	/** The globs that the config blocks, for the list of blocks. */
	blocked?: readonly string[];
	/** How reactions are shown in rooms without a setting; absent: as the room is able to. */
	reactions?: Support;
}>;

/** Age in ms from which on a message of a backfill counts by its claimed time in the rate limits. */
const lateAfter = 10_000;

/** Creates the router: it checks permissions and rate limits, finds the portal, and makes one row for each target. */
export function createRouter(deps: {
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	network(name: NetworkName): Pick<Network, "reactionsHaveIds" | "threadsHaveIds" | "capabilities" | "takes">;
	sendNotice: SendNotice;
	rules: Rules;
	policies: Pick<Policies, "bans" | "bansWithin">;
	allowance: Allowance;
	held: HeldBack;
	log: Log;
	redacted?: (message: Copy) => Promise<void>;
	meter?: Meter;
}) {
	const {
		mapping,
		journal,
		portals,
		network,
		policies,
		sendNotice,
		rules,
		allowance,
		held,
		log,
		meter = noMeter,
	} = deps;
	const chatsOfSender = createRateLimit(rules.limits.newChats);
	const chatsOfDomain = createRateLimit(rules.limits.newChatsOfDomain);
	const joinsOfRoom = createRateLimit(rules.limits.joins);
	const joinsOfDomain = createRateLimit(rules.limits.joinsOfDomain);
	const mayLog = createRateLimit({ perMinute: 10, burst: 20 });
	/** A flood of the things of one domain is logged once a minute. */
	const mayLogOfDevices = createRateLimit({ perMinute: 1, burst: 1 });
	/** A loop is a lasting fault, which each event shows again. */
	const mayLogLoops = createRateLimit({ perMinute: 1, burst: 1 });
	let unlogged = 0;

	const mirroredMembers = createMirroredMembers(journal, rules.membersMirrored);

	const polls = createOpenPolls(journal, (name, room, event) => network(name).capabilities?.(room, event));

	const placeOf = ({ sender, room }: BridgeEvent) => `${sender.network} ${room}`;

	const saidAt = createGapTimes(placeOf);

	/** Devices need no permission: they are shown because the admin mirrors their topic. */
	const isBlocked = (event: BridgeEvent) =>
		event.kind !== "state" && !atLeast(rules.level(event.sender), "use");

	/** Returns true if the rate limits let the event pass now, false if it has to wait. `since`: see {@link Received}. */
	function pays(event: BridgeEvent, since: number | undefined): boolean {
		if (since === undefined || event.kind === "state" || event.at >= Date.now() - lateAfter)
			return held.pays(event);
		const said = saidAt(event, since);
		return held.pays(event, () => allowance.takeLate(event.sender.id, placeOf(event), said));
	}

	/** Returns true if the rate limits let this join or rename be mirrored; a leave always may. */
	function mayCome(event: BridgeEvent): boolean {
		if (event.kind !== "profile" && (event.kind !== "membership" || event.change === "leave")) return true;
		if (joinsOfRoom(placeOf(event)) && joinsOfDomain(event.sender.domain)) return true;
		meter.limited(event.sender.network, event.kind);
		return false;
	}

	/**
	 * Counts one more command of a person. Resolves with the refusal if the person is blocked, or sends too many. `isNew`
	 * notes the command, and resolves with false for one that its server repeats, which costs nothing.
	 */
	async function hear(
		by: Person,
		isNew: () => Promise<boolean>,
	): Promise<"new" | "repeated" | PermanentError> {
		const charge = { sender: by.id, domain: by.domain };
		if (!atLeast(rules.level(by), "use")) return new PermanentError("forbidden", phrases.blocked);
		// A flood of commands must not fill the disk with their keys.
		if (!allowance.take(charge)) return new PermanentError("busy", phrases.tooFast);
		if (await isNew()) return "new";
		allowance.refund(charge);
		return "repeated";
	}

	/** Counts one more chat or room of `by`. @throws PermanentError if `by` may not open it, or `to` is blocked. */
	function mayOpen(by: Person, to?: Person): void {
		if (!atLeast(rules.level(by), "use")) throw new PermanentError("forbidden", phrases.blocked);
		if (to && !atLeast(rules.level(to), "use")) throw new PermanentError("forbidden", phrases.unreachable);
		if (!chatsOfSender(by.id) || !chatsOfDomain(by.domain))
			throw new PermanentError("busy", phrases.tooManyChats);
	}

	/** Resolves with true if a message of `from` to `to` would be taken, rate limits aside. */
	async function mayReach(from: Person, to: Person): Promise<boolean> {
		if (![from, to].every((one) => atLeast(rules.level(one), "use"))) return false;
		return rules.direct !== "known" || to.local === true || !!(await mapping.portalBetween(from, to));
	}

	/** Resolves with the 1:1 portal for a first message. @throws PermanentError if the sender may not open it. */
	async function firstContact(event: BridgeEvent, to: Person): Promise<Portal> {
		const { sender } = event;
		const known = await mapping.portalBetween(sender, to);
		if (!known && rules.direct === "known" && !to.local)
			throw new PermanentError("forbidden", phrases.onlyKnown);
		if (!known) mayOpen(sender, to);
		return portals.openDirect(sender, to, event.room);
	}

	async function portalsFor(event: BridgeEvent): Promise<readonly Portal[]> {
		const known = await mapping.portalsOf(event.sender.network, event.room);
		if (known.length > 0 || !event.to || event.kind !== "message") return known;
		return [await firstContact(event, event.to)];
	}

	const memberOf = (event: BridgeEvent): Entry["member"] => {
		if (event.kind !== "membership" && event.kind !== "profile") return undefined;
		const { room, sender } = event;
		return {
			network: sender.network,
			room,
			person: sender,
			present: event.kind === "profile" || event.change === "join",
		};
	};

	/** Refuses an event and sends a notice to its sender. Returns at once. */
	function refuse(event: BridgeEvent, error: PermanentError): undefined {
		const { domain } = event.sender;
		const fields = { trace: traceId(event), reason: error.reason, domain, unlogged };
		if (error.reason === "busy") meter.limited(event.sender.network, event.kind);
		// A flood of messages must not become a flood of log lines.
		if ((event.kind === "state" ? mayLogOfDevices : mayLog)(domain)) {
			log.warn(fields, "event refused");
			unlogged = 0;
		} else unlogged++;
		if (hasSenderNotice[event.kind]) void sendNotice(event, error, phrases.unlinkedTarget);
		return undefined;
	}

	/**
	 * Returns an entry without rows for an event on which our own code fails. If the error were thrown, the server would
	 * repeat the whole batch for ever, or drop it.
	 */
	function leftOut(event: BridgeEvent, error: unknown): Entry {
		if (!isProgrammingError(error)) throw error;
		const key = eventKey(event);
		log.error(
			{ err: error, trace: traceOf(key) },
			"an event is skipped because of a fault in the bridge; please report it",
		);
		if (hasSenderNotice[event.kind])
			void sendNotice(event, new PermanentError("failed", phrases.brokenHere), phrases.unlinkedTarget);
		return { key, rows: [] };
	}

	/**
	 * Returns the links that an event goes to, without those whose rooms it has passed in other bridges. @throws
	 * PermanentError for an event of a view that is left with no link: its sender waits for it to come back.
	 */
	function forward(event: BridgeEvent, portal: Portal): readonly Link[] {
		const links = targets(event, portal);
		const fresh = isLoop(event)
			? []
			: links.filter(({ network: to, room }) => !room || !hasPassed(event, to, room));
		if (fresh.length === links.length) return links;
		if (mayLogLoops(portal.id))
			log.warn(
				{ rooms: portals.roomsOf(portal), passed: event.passed, trace: traceId(event) },
				isLoop(event)
					? "an event has passed too many rooms and goes no further: some bridges form a circle"
					: "an event does not return to a room that it has passed: another bridge links the same rooms",
			);
		const isView = portal.links.some(
			({ role, room, out }) => role === "hosted" && room === event.room && !out,
		);
		if (fresh.length === 0 && isView) throw new PermanentError("invalid", phrases.inCircle);
		return fresh;
	}

	/**
	 * Cancels the rows of a deleted message: one that is deleted before its first attempt is not sent. This is asked of the
	 * journal first, for each id that may be meant, since the rows can be sent at any moment.
	 */
	async function cancel({
		sender,
		room,
		target,
	}: BridgeEvent & { kind: "redaction" }): Promise<readonly Row[]> {
		const ids = [target.id, ...(target.or ?? [])];
		const asked = ids.map((id) => journal.cancel({ network: sender.network, room, id }));
		const cancelled = (await Promise.all(asked)).flat();
		held.cancelled(cancelled);
		return cancelled;
	}

	async function route(
		received: BridgeEvent,
		preferred: readonly RoomId[],
		crowds: Crowds,
		note: ReturnType<typeof createReactionState>,
	): Promise<Entry | undefined> {
		const from = network(received.sender.network);
		const seen = from.reactionsHaveIds ? await note(received) : { event: received };
		if (!seen) return undefined;
		const { reaction } = seen;
		const given = from.threadsHaveIds ? await threaded(seen.event, journal) : seen.event;
		try {
			// A private message opens a chat of its own, which follows no list.
			if (await policies.bansWithin(given.sender))
				throw new PermanentError("forbidden", phrases.bannedByList);
			const all = await portalsFor(given);
			const found = all.filter((portal) => !takesElsewhere(given, portal, preferred));
			if (found.length === 0) return undefined;
			const isLeave = given.kind === "membership" && given.change === "leave";
			if (!isLeave && found.every((portal) => policies.bans(portal, given.sender)))
				throw new PermanentError("forbidden", phrases.bannedByList);
			const cancelled = given.kind === "redaction" ? await cancel(given) : [];
			const event = await polls.read(await withKnownTarget(given, journal), found);
			const rows: NewRow[] = [];
			const key = eventKey(event);
			const trace = traceOf(key);
			const wanted: { portal: Portal; link: Link }[] = [];
			if (mirroredMembers.isMirrored(event, crowds))
				for (const portal of found)
					for (const link of [...forward(event, portal), ...(await takenBySources(event, portal, deps))])
						wanted.push({ portal, link });
			const shown = wanted.length > 0 && mayCome(event);
			if (wanted.length > 0) mirroredMembers.note(event, shown);
			if (shown)
				for (const { portal, link } of wanted) {
					const request = beforehand(link);
					rows.push({
						operation: operationId(event, link.id),
						trace,
						lane: { portal: portal.id, link: link.id },
						event,
						...(request && { request }),
					});
				}
			if (rows.length > 0)
				log.debug({ trace, from: event.sender.network, id: event.id, kind: event.kind }, "received");
			const member = memberOf(event);
			const coming = event.kind === "membership" && event.change === "join" ? member : undefined;
			for (const portal of found)
				portals
					.attach(portal, coming)
					.catch((error: unknown) =>
						log.error({ err: error, rooms: portals.roomsOf(portal) }, "a network refused a link"),
					);
			if (event.kind === "redaction") {
				// No room has a message that a rate limit held back, so there is nothing to delete.
				if (cancelled.some((row) => row.held && row.event.kind !== "edit")) rows.length = 0;
				await deps.redacted?.({ network: event.sender.network, room: event.room, id: event.target.id });
			}
			const viewed = found.some(({ links }) => links.some((link) => link.role === "hosted"));
			if (shown || viewed) await polls.note(event, found);
			const { aka } = event;
			return {
				key,
				rows,
				...(member && { member }),
				...(reaction && { reaction }),
				...(aka && { aka }),
				...(event.kind === "edit" && { of: event.target.own ?? event.target.id }),
				...(event.kind === "state" && event.replaces && { of: event.replaces.id }),
			};
		} catch (error) {
			if (error instanceof PermanentError) return refuse(given, error);
			throw error;
		}
	}

	/** Resolves with the entry of an event; undefined if it needs none. Refuses an event that may not pass. */
	async function entryOf(
		received: Received,
		crowds: Crowds,
		note: ReturnType<typeof createReactionState>,
	): Promise<Entry | undefined> {
		const { cursor, since, preferred = [], shared, gone, ...named } = received;
		const { unnamed: _unnamed, standing: _standing, ...event } = named;
		let paid = false;
		const take = async () => {
			if (!gone && isBlocked(event)) return refuse(event, new PermanentError("forbidden", phrases.blocked));
			paid = pays(event, since);
			return route(event, preferred, crowds, note);
		};
		const found = await take().catch((error: unknown) => leftOut(event, error));
		if (!found && !cursor) return undefined;
		const { key, rows } = found ?? { key: eventKey(event), rows: [] };
		const row = rows[0];
		const keys = keysOf(received, key, row !== undefined);
		const entry = { rows, ...found, ...keys, ...(shared && { shared }), ...(cursor && { cursor }) };
		if (!row) return entry;
		// The router may have made another event of it, such as the removal of a reaction.
		const placed = held.place(row.event, entry, paid);
		if (placed) return placed;
		refuse(event, new PermanentError("busy", phrases.tooFast));
		return cursor && { ...keysOf(received, key, false), rows: [], cursor };
	}

	return {
		mayOpen,
		mayReach,
		hear,
		isBlocked,
		/**
		 * Resolves with the journal entries of a batch of events, in order. Refuses the events that may not pass, with a
		 * sender notice. `held.settled` has to be called with the entries.
		 */
		async entries(events: readonly Received[]): Promise<readonly Entry[]> {
			const crowds = await mirroredMembers.crowdsOf(events);
			const note = createReactionState(journal);
			const found: Entry[] = [];
			try {
				for (const event of events) {
					const entry = await entryOf(event, crowds, note);
					if (entry) found.push(entry);
				}
			} catch (error) {
				held.settled(found, new Set());
				throw error;
			}
			return found;
		},
	};
}
