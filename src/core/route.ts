import { createBoundedMap, textBytes } from "./bounded-map.ts";
import type { Support } from "./capabilities.ts";
import { beforehand } from "./delivery-plan.ts";
import { isProgrammingError, PermanentError } from "./errors.ts";
import type { BridgeEvent } from "./event.ts";
import type { Copy, NetworkName, RoomId, UserId } from "./ids.ts";
import type { Entry, Journal, NewRow } from "./journal.ts";
import { createRateLimit, type Limits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import { type Meter, noMeter } from "./meter.ts";
import type { Network, Received } from "./network.ts";
import { eventKey, operationId, traceId, traceOf } from "./operation.ts";
import type { Level } from "./permissions.ts";
import { atLeast } from "./permissions.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";
import { createReactionState } from "./reaction-state.ts";
import { isToldOf, type Tell } from "./sender-notices.ts";

export type Rules = Readonly<{
	level(person: Person): Level;
	limits: Limits;
	/** known: strangers reach people of our own server only; any: everybody the server can reach. */
	direct: "known" | "any";
	/** The most people of a room that are mirrored before they speak. */
	membersMirrored: number;
	/** How reactions are shown where a room has not chosen; absent: as it is able to. */
	reactions?: Support;
}>;

/** What is older, in ms, was missed when it was said, and comes in one burst with all that was. */
const lateAfter = 10_000;
/** Rooms whose catch-up is measured at the same time. */
const catchUps = 1_000;
/** People of all rooms who are known to have come without being mirrored. */
const mostUnshown = 50_000;

/** By room, while a batch is looked at: who is in it once all have come, and who is so far, by their names. */
type Crowds = Map<RoomId, Readonly<{ all: Set<UserId>; now: Map<UserId, string | undefined> }>>;

/** Decides where an event goes: guards, the portal, one row for each target. */
export function createRouter(deps: {
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	network(name: NetworkName): Pick<Network, "reactionsHaveIds" | "threadsHaveIds">;
	tell: Tell;
	rules: Rules;
	log: Log;
	redacted?: (message: Copy) => Promise<void>;
	meter?: Meter;
}) {
	const { mapping, journal, portals, network, tell, rules, log, meter = noMeter } = deps;
	const ofSender = createRateLimit(rules.limits.sender);
	const ofDomain = createRateLimit(rules.limits.domain);
	const chatsOfSender = createRateLimit(rules.limits.newChats);
	const chatsOfDomain = createRateLimit(rules.limits.newChatsOfDomain);
	const joinsOfRoom = createRateLimit(rules.limits.joins);
	const joinsOfDomain = createRateLimit(rules.limits.joinsOfDomain);
	const lateOfRoom = createRateLimit(rules.limits.domain);
	const logged = createRateLimit({ perMinute: 10, burst: 20 });
	/** The flood of one server of devices is one fact, not twenty. */
	const loggedOfDevices = createRateLimit({ perMinute: 1, burst: 1 });
	let unlogged = 0;

	/** By room: since when lines were missed, and the time that the first of them claims. Both in ms since 1970. */
	const missed = createBoundedMap<string, { since: number; first: number }>(catchUps, {
		bytes: 1_048_576,
		of: (room) => textBytes(room) + 100,
	});

	/**
	 * By room and person: who is in a room whose other side was not told of it, and has not spoken there. Their leave needs
	 * no row. Of those forgotten here the leave is mirrored, which costs a row and shows nothing.
	 */
	const unshown = createBoundedMap<string, true>(mostUnshown, {
		bytes: 8 * 1_048_576,
		of: (key) => textBytes(key) + 100,
	});
	const unshownKey = (event: BridgeEvent) => `${placeOf(event)} ${event.sender.id}`;

	const placeOf = ({ sender, room }: BridgeEvent) => `${sender.network} ${room}`;

	/**
	 * When a late line counts as said. Only the distance to the first missed line is taken from the claimed time, and the
	 * rate limit takes no time to come: so all that a source claims to have held never counts as more time than it can
	 * have held it, whatever its clock says.
	 */
	function saidAt(event: BridgeEvent, since: number): number {
		const place = placeOf(event);
		const known = missed.get(place);
		const gap = known?.since === since ? known : { since, first: event.at };
		if (gap !== known) missed.set(place, gap);
		return since + Math.max(0, event.at - gap.first);
	}

	/** Why this person may not say this here, if so. `since`: see {@link Received}. */
	function guard(event: BridgeEvent, since: number | undefined): PermanentError | undefined {
		const { sender, at } = event;
		const tooFast = new PermanentError("busy", phrases.tooFast);
		// Devices speak because the admin mirrors them, not because a permission lets them.
		if (event.kind === "state") return ofDomain(sender.domain) ? undefined : tooFast;
		if (!atLeast(rules.level(sender), "use")) return new PermanentError("forbidden", phrases.blocked);
		if (event.kind === "membership" || event.kind === "profile") return undefined;
		if (since === undefined || at >= Date.now() - lateAfter)
			return ofSender(sender.id) && ofDomain(sender.domain) ? undefined : tooFast;
		const said = saidAt(event, since);
		// Rooms of one domain catch up side by side, each through the same hours.
		return ofSender(sender.id, said) && lateOfRoom(placeOf(event), said) ? undefined : tooFast;
	}

	/** True where one more join or rename of this room and domain may be mirrored; leaves always may. */
	function mayCome(event: BridgeEvent): boolean {
		if (event.kind !== "profile" && (event.kind !== "membership" || event.change === "leave")) return true;
		if (joinsOfRoom(placeOf(event)) && joinsOfDomain(event.sender.domain)) return true;
		meter.limited(event.sender.network, event.kind);
		return false;
	}

	/** @throws PermanentError when they are blocked, or ask for too much at once. */
	function mayAsk(by: Person): void {
		if (!atLeast(rules.level(by), "use")) throw new PermanentError("forbidden", phrases.blocked);
		if (!ofSender(by.id) || !ofDomain(by.domain)) throw new PermanentError("busy", phrases.tooFast);
	}

	/** @throws PermanentError when `by` may not open one more chat or room, or `to` wants none. */
	function mayOpen(by: Person, to?: Person): void {
		if (!atLeast(rules.level(by), "use")) throw new PermanentError("forbidden", phrases.blocked);
		if (to && !atLeast(rules.level(to), "use")) throw new PermanentError("forbidden", phrases.unreachable);
		if (!chatsOfSender(by.id) || !chatsOfDomain(by.domain))
			throw new PermanentError("busy", phrases.tooManyChats);
	}

	/** First contact: a portal for two. @throws PermanentError where it is not allowed. */
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

	async function crowdsOf(events: readonly BridgeEvent[]): Promise<Crowds> {
		const crowds: Crowds = new Map();
		for (const event of events) {
			if (event.kind !== "membership" || event.change === "leave") continue;
			const { room, sender } = event;
			const members = crowds.has(room) ? [] : await journal.members(sender.network, room);
			const crowd = crowds.get(room) ?? {
				all: new Set(members.map((person) => person.id)),
				now: new Map(members.map((person) => [person.id, person.name])),
			};
			crowd.all.add(sender.id);
			crowds.set(room, crowd);
		}
		return crowds;
	}

	/**
	 * True for an event that the other side is to see. In rooms above the limit people come when they first speak, so the
	 * leave of a person whose coming was not mirrored is not mirrored either. Nobody comes twice: a join of a person whom
	 * an earlier reading of the room found there is not mirrored.
	 */
	function mirrored(event: BridgeEvent, crowds: Crowds): boolean {
		if (event.kind !== "membership") return true;
		const { room, sender, change } = event;
		const { all, now } = crowds.get(room) ?? { all: new Set(), now: new Map() };
		const there = now.has(sender.id) && now.get(sender.id) === sender.name;
		if (change === "leave") now.delete(sender.id);
		else now.set(sender.id, sender.name);
		if (change === "leave") return !unshown.delete(unshownKey(event));
		if (there) return false;
		const few = all.size <= rules.membersMirrored;
		if (!few) unshown.set(unshownKey(event), true);
		return few;
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

	const targets = (event: BridgeEvent, portal: Portal): readonly Link[] => {
		// Coming and going in a chat of two changes nothing for the other: the chat outlives both.
		if (portal.between && (event.kind === "membership" || event.kind === "profile")) return [];
		const from = portal.links.find(
			(link) => link.network === event.sender.network && link.room === event.room,
		);
		return from?.in ? portal.links.filter((link) => link.id !== from.id && link.out) : [];
	};

	/** A message that carries the id of its thread begins it, unless an earlier message is known by that id. */
	async function threaded(event: BridgeEvent): Promise<BridgeEvent> {
		if (event.kind !== "message" || !event.thread || !event.aka?.includes(event.thread.id)) return event;
		const { thread, aka, ...message } = event;
		const first = await journal.copies({ network: event.sender.network, room: event.room, id: thread.id });
		if (first.length === 0) return { ...message, aka };
		return { ...message, thread, aka: aka.filter((id) => id !== thread.id) };
	}

	/** Refuses aloud what a person did; resolves at once, the telling goes its own way. */
	function refuse(event: BridgeEvent, error: PermanentError): undefined {
		const { domain } = event.sender;
		const fields = { trace: traceId(event), reason: error.reason, domain, unlogged };
		if (error.reason === "busy") meter.limited(event.sender.network, event.kind);
		// A flood of messages is not to become a flood of lines.
		if ((event.kind === "state" ? loggedOfDevices : logged)(domain)) {
			log.warn(fields, "event refused");
			unlogged = 0;
		} else unlogged++;
		if (isToldOf[event.kind]) void tell(event, error, phrases.unlinkedTarget);
		return undefined;
	}

	/**
	 * A fault of ours with one event: were it thrown, its server would hand us all that came with it for ever, or never
	 * again.
	 */
	function leftOut(event: BridgeEvent, error: unknown): Entry {
		if (!isProgrammingError(error)) throw error;
		const key = eventKey(event);
		log.error(
			{ err: error, trace: traceOf(key) },
			"an event is left out by a fault of our own; please report it",
		);
		if (isToldOf[event.kind])
			void tell(event, new PermanentError("failed", phrases.brokenHere), phrases.unlinkedTarget);
		return { key, rows: [] };
	}

	async function route(
		received: BridgeEvent,
		crowds: Crowds,
		note: ReturnType<typeof createReactionState>,
	): Promise<Entry | undefined> {
		const from = network(received.sender.network);
		const seen = from.reactionsHaveIds ? await note(received) : { event: received };
		if (!seen) return undefined;
		const { reaction } = seen;
		const event = from.threadsHaveIds ? await threaded(seen.event) : seen.event;
		try {
			const found = await portalsFor(event);
			if (found.length === 0) return undefined;
			const rows: NewRow[] = [];
			const key = eventKey(event);
			const trace = traceOf(key);
			const wanted = mirrored(event, crowds)
				? found.flatMap((portal) => targets(event, portal).map((link) => ({ portal, link })))
				: [];
			const shown = wanted.length > 0 && mayCome(event);
			if (shown) unshown.delete(unshownKey(event));
			else if (wanted.length > 0 && event.kind === "membership") unshown.set(unshownKey(event), true);
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
			for (const portal of found)
				portals
					.attach(portal)
					.catch((error: unknown) => log.error({ err: error, portal: portal.id }, "link refused"));
			// What its author deletes before it was ever sent is not sent.
			if (event.kind === "redaction") {
				const message = { network: event.sender.network, room: event.room, id: event.target.id };
				await journal.cancel(message);
				await deps.redacted?.(message);
			}
			const { aka } = event;
			return {
				key,
				rows,
				...(member && { member }),
				...(reaction && { reaction }),
				...(aka && { aka }),
				...(event.kind === "edit" && { of: event.target.own ?? event.target.id }),
			};
		} catch (error) {
			if (error instanceof PermanentError) return refuse(event, error);
			throw error;
		}
	}

	return {
		mayOpen,
		mayAsk,
		/** The journal entries of a batch of events, in order; what may not pass is refused to its sender. */
		async entries(events: readonly Received[]): Promise<readonly Entry[]> {
			const crowds = await crowdsOf(events);
			const note = createReactionState(journal);
			const found: Entry[] = [];
			for (const { cursor, since, ...event } of events) {
				const take = async () => {
					const no = guard(event, since);
					return no ? refuse(event, no) : route(event, crowds, note);
				};
				const entry = await take().catch((error: unknown) => leftOut(event, error));
				if (cursor) found.push({ ...(entry ?? { key: eventKey(event), rows: [] }), cursor });
				else if (entry) found.push(entry);
			}
			return found;
		},
	};
}
