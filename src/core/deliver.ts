import { type Capabilities, nothingShown, type Support } from "./capabilities.ts";
import { commandKey, toldKey, unfoundKey } from "./dedupe.ts";
import { createDeliveryPlans, type Form } from "./delivery-plan.ts";
import { downgrade, missesTarget } from "./downgrade.ts";
import { PermanentError } from "./errors.ts";
import type { BridgeEvent, Reaction } from "./event.ts";
import { createGuard, type Guard, outboundItem } from "./guard.ts";
import { createIdRecovery } from "./id-recovery.ts";
import type { LinkId, MessageId, NetworkName, RoomId } from "./ids.ts";
import { createInFlight, type InFlight, referenceWithin } from "./in-flight.ts";
import type { Journal, Row } from "./journal.ts";
import type { Sender } from "./lanes.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import type { Meter } from "./meter.ts";
import type { Network, Outbound, Refs } from "./network.ts";
import { passedBy } from "./passed-rooms.ts";
import type { Person } from "./person.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";
import { changed, newIn, sameSet } from "./reactions.ts";
import { references, resolve, resolved, withoutDeleted } from "./references.ts";
import { relayed } from "./relayed.ts";
import { chosen } from "./room-capabilities.ts";
import { hasSenderNotice, type SendNotice } from "./sender-notices.ts";
import { day } from "./time.ts";

/** Returns capabilities for a sender who is relayed through another person's account, which must not vote in its own name. */
function inWords(able: Capabilities): Capabilities {
	const words = (kind: "poll" | "vote" | "poll-end") => (able[kind] === "drop" ? "drop" : "text");
	return {
		...able,
		reaction: "text",
		poll: words("poll"),
		vote: words("vote"),
		"poll-end": words("poll-end"),
	};
}

/** Age in ms from which on a message is marked late and shown with its own time. */
const lateAfter = 5 * 60_000;
/** Attempts after which a row with an unexpected error is refused: a bug of ours must not block its lane for ever. */
const patience = 4;

/** Creates the delivery of one row to its target: it resolves the references, downgrades, sends, and notes the confirmation. */
export function createDelivery(deps: {
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	network(name: NetworkName): Network;
	log: Log;
	meter: Meter;
	sendNotice: SendNotice;
	/** How reactions are shown in rooms without a setting of their own. */
	reactions?: Support | undefined;
	guard?: Guard;
	inFlight?: InFlight;
	now?: () => number;
}): Omit<Sender, "window"> {
	const { mapping, journal, portals, network, log, meter, sendNotice, now = () => Date.now() } = deps;
	const { guard = createGuard(log), inFlight = createInFlight() } = deps;

	const recoverIds = createIdRecovery(deps);
	const plans = createDeliveryPlans(journal);
	/** Forgets the delivery plan of a settled row. */
	const settled = (row: Row): undefined => plans.forget(row);

	async function refuse(row: Row, error: PermanentError, target: string): Promise<void> {
		await journal.refuse(row, error.message);
		settled(row);
		meter.refused(row.event.sender.network, row.event.kind);
		log.warn({ trace: row.trace, reason: error.reason, target, err: error }, "message refused");
		if (hasSenderNotice[row.event.kind]) await sendNotice(row.event, error, target);
	}

	/** Resolves with the name of the row's target for people. */
	async function targetOf({ lane }: Row): Promise<string> {
		const link = (await mapping.portal(lane.portal))?.links.find(({ id }) => id === lane.link);
		return link ? network(link.network).title : phrases.unlinkedTarget;
	}

	/** Rooms that are being created, by link: concurrent rows share one. */
	const making = new Map<LinkId, ReturnType<typeof make>>();

	/** Resolves with the room to deliver to. The first message into a 1:1 chat, or into a topic's own room, creates it. */
	async function roomOf(portal: Portal, link: Link) {
		if (link.room) return { portal, link, room: link.room };
		const made = making.get(link.id) ?? make(portal, link).finally(() => making.delete(link.id));
		making.set(link.id, made);
		return made;
	}

	function newRoom(portal: Portal, link: Link): Promise<RoomId> {
		if (!portal.between) return portals.makeRoom(portal, link);
		const [one, other] = portal.between;
		return one.network === link.network ? portals.directRoom(one, other) : portals.directRoom(other, one);
	}

	async function make(portal: Portal, link: Link) {
		const room = await newRoom(portal, link);
		const made = await portals.roomMade(portal, link, room);
		await portals.attach(made);
		return { portal: made, link: { ...link, room }, room };
	}

	/**
	 * Resolves with the target room's ids of the messages that the event refers to. A person can answer a message before
	 * its delivery is confirmed to us, so this waits a bounded time for the in-flight deliveries of the portal.
	 */
	async function refsOf(event: BridgeEvent, portal: Portal, link: Link, room: RoomId) {
		const to = { network: link.network, room };
		const refs = await resolve(event, journal, to);
		if (resolved(event, refs)) return refs;
		await inFlight.settled(portal.id, referenceWithin);
		return resolve(event, journal, to, (id) => recoverIds(event, id, portal, link, room));
	}

	/** Resolves with the sender's reactions on a message before and after this event; undefined when both sets are equal. */
	async function asSet(event: Reaction, on: MessageId, to: Readonly<{ network: NetworkName; room: RoomId }>) {
		const shown = await journal.reactions(to.network, to.room, on, event.sender.id);
		const before = shown.map((one) => one.emoji);
		const emoji = changed(before, event.mode, event.emoji);
		return sameSet(before, emoji) ? undefined : { shown, set: { on, emoji } };
	}

	/** Returns the person whose account relays a third person in a 1:1 chat; undefined for the two people of the chat. */
	function speakerFor(event: BridgeEvent, portal: Portal): Person | undefined {
		const speaker = portal.between?.find((person) => person.network === event.sender.network);
		return speaker?.id === event.sender.id ? undefined : speaker;
	}

	/** Returns the event as said by `speaker`, with the sender's name before the text. */
	function through(speaker: Person, event: BridgeEvent): BridgeEvent {
		const { address, name = address.at(-1) ?? "?" } = event.sender;
		return { ...("style" in event ? relayed(event, name) : event), sender: speaker };
	}

	/** Sends a notice, once per link, to the sender of a file that the target shows by its name alone. */
	async function noticeMissingMedia(
		{ event, lane }: Row,
		original: BridgeEvent,
		fit: BridgeEvent,
		target: Network,
	) {
		const why = "media" in original && original.media && !("media" in fit) && target.lacks?.media;
		if (!why || !(await journal.once(toldKey(lane.portal, lane.link)))) return;
		void sendNotice(event, new PermanentError("invalid", why), target.title);
	}

	/** Sends a notice to the sender of an event whose target is unknown, once per link and kind where words replace it. */
	async function noticeUnknownTarget(
		{ event, lane }: Row,
		original: BridgeEvent,
		can: Capabilities,
		refs: Refs,
		target: Network,
	) {
		if (!missesTarget(original, can, refs)) return;
		const { kind } = original;
		const { network: from } = event.sender;
		const fresh =
			original.kind === "redaction"
				? // A command to the bot never crosses, so its deletion misses nothing.
					await journal.once(commandKey(from, event.room, original.target.id))
				: await journal.once(unfoundKey(kind, lane.portal, lane.link, event.sender.id));
		if (!fresh) return;
		// All but a deletion is shown in another form.
		const told = new PermanentError("not-found", phrases.unknownTarget[kind], {
			partly: kind !== "redaction",
		});
		void sendNotice(event, told, target.title);
	}

	/** Resolves with the row's event as the room can show it; undefined if the room shows none of it, or all of it already. */
	async function formOf(row: Row, portal: Portal, link: Link, room: RoomId): Promise<Form | undefined> {
		const target = network(link.network);
		const to = { network: link.network, room };
		const refs = await refsOf(row.event, portal, link, room);
		const original = resolved(row.event, refs) ? row.event : await withoutDeleted(row.event, journal, refs);
		if (!original) return undefined;
		const speaker = speakerFor(original, portal);
		const able = { ...nothingShown, ...(target.send && target.capabilities?.(room, original)) };
		const could = { ...able, reaction: chosen(able.reaction, portal.settings?.reactions ?? deps.reactions) };
		const can = speaker ? inWords(could) : could;
		await noticeUnknownTarget(row, original, can, refs, target);
		const how = { refs, reactions: can.reaction };
		if (original.kind !== "reaction") {
			const fit = guard.handle(outboundItem(row), () => downgrade(original, can, refs));
			if (!fit) return undefined;
			const event = speaker ? through(speaker, fit) : fit;
			await noticeMissingMedia(row, original, event, target);
			return { ...how, event, shown: [] };
		}
		const known = await asSet(original, refs[original.target.id]?.[0] ?? original.target.id, to);
		if (!known) return undefined;
		const { shown, set } = known;
		// A room without reactions gets words for a new reaction only, and none for one that is taken back.
		const fresh = { ...original, emoji: newIn(set.emoji, shown) };
		const fit = guard.handle(outboundItem(row), () => downgrade(fresh, can, refs));
		if (!fit) {
			await show(original, set, [], to);
			return undefined;
		}
		const event = fit.kind === "reaction" ? { ...fit, mode: "set" as const, emoji: set.emoji } : fit;
		return { ...how, event: speaker ? through(speaker, event) : event, shown, set };
	}

	/** Notes the reactions that the target room shows of a person. `ids`: the reactions' own ids, in their order. */
	function show(
		{ sender }: BridgeEvent,
		{ on, emoji }: NonNullable<Form["set"]>,
		ids: readonly MessageId[],
		to: Readonly<{ network: NetworkName; room: RoomId }>,
	): Promise<void> {
		const shows = emoji.map((one, index) => ({ emoji: one, ...(ids[index] && { id: ids[index] }) }));
		return journal.setReactions(to.network, to.room, on, sender.id, shows);
	}

	/** Tells the sender's client, if it asked for that, that the other person of a chat has the event. */
	async function confirm(event: BridgeEvent, { between }: Portal, { role }: Link): Promise<void> {
		if (!event.receipt || !between || role !== "direct") return;
		await network(event.sender.network)
			.delivered?.(event)
			.catch((error: unknown) => log.debug({ err: error }, "a receipt is dropped"));
	}

	return {
		single: ({ event }) => (event.kind === "message" || event.kind === "edit") && event.media === undefined,
		/** The row refers to an earlier message, which may still be under way in the same lane. */
		refersBack: (row) => references(row.event).length > 0,
		async prepare(row) {
			const received = row.event;
			const linked = await mapping.portal(row.lane.portal);
			const wanted = linked?.links.find((one) => one.id === row.lane.link);
			if (!linked || !wanted) {
				await refuse(row, new PermanentError("not-found", phrases.unlinked), phrases.unlinkedTarget);
				return undefined;
			}
			const target = network(wanted.network);
			if (now() - row.queuedAt > day) {
				const why = row.state === "doubt" ? phrases.unconfirmed : phrases.expired;
				await refuse(row, new PermanentError("expired", why), target.title);
				return undefined;
			}
			const before = plans.before(row);
			const { portal, link, room } = await roomOf(linked, wanted);
			await portals.serve(portal, link);
			const to = { network: link.network, room: before?.room ?? room };
			const form = before?.form ?? (await formOf(row, portal, link, to.room));
			const delivered = (how: "shown" | "hidden") =>
				meter.delivered(received.sender.network, link.network, received.kind, how, now() - row.queuedAt);
			// The next row does not wait for this write: the journal keeps the order of its calls.
			const note = (ids: readonly MessageId[]) =>
				void journal
					.done(row, to, ids)
					.catch((error: unknown) =>
						log.error({ err: error, trace: row.trace }, "a delivery could not be written to the journal"),
					);
			if (!form) {
				note([]);
				delivered("hidden");
				return settled(row);
			}
			const { refs, shown, reactions } = form;
			const event: BridgeEvent =
				now() - form.event.at > lateAfter ? { ...form.event, late: true } : form.event;
			// False: the author deleted the message before its first attempt.
			if (!(await plans.attempt(row, before, link, to.room, form))) return settled(row);
			const { operation, trace, attempts: attempt } = row;
			const once = plans.once(row);
			const where = { portal, link, room: to.room };
			const about = { event, passed: passedBy(received), refs, shown, reactions };
			const out: Outbound = { operation, trace, ...where, ...about, attempt, once };
			const send = async (): Promise<void> => {
				const ids = (await guard.handle(outboundItem(out), () => target.send?.(out))) ?? [];
				if (form.set) await show(received, form.set, event.kind === "reaction" ? ids : [], to);
				settled(row);
				// The note comes second: a crash in between repeats the receipt and loses none.
				await confirm(received, portal, link);
				note(event.kind === "reaction" ? [] : ids);
				delivered("shown");
				log.debug({ trace, to: link.network, kind: event.kind, ms: now() - row.queuedAt }, "delivered");
			};
			return () => inFlight.add(portal.id, send());
		},

		async expire(row) {
			// False: the author deleted the message, or somebody else settled the row.
			if (!(await journal.expire(row))) return;
			settled(row);
			meter.refused(row.event.sender.network, row.event.kind);
			const target = await targetOf(row);
			log.info({ trace: row.trace, target }, "message refused, since it was not sent in time");
			await sendNotice(row.event, new PermanentError("expired", phrases.notInTime), target);
		},

		retried: (row) => meter.retried(row.event.sender.network),

		async fail(row, error) {
			const permanent = error instanceof PermanentError;
			if (!permanent && row.attempts < patience) throw error;
			if (!permanent)
				log.error({ err: error, trace: row.trace }, "gave up a message after repeated failures");
			const reason = permanent ? error : new PermanentError("failed", phrases.brokenHere, { cause: error });
			await refuse(row, reason, await targetOf(row));
		},
	};
}
