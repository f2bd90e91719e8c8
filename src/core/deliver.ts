import { downgrade } from "./downgrade.ts";
import { PermanentError } from "./errors.ts";
import type { BridgeEvent } from "./event.ts";
import type { NetworkName } from "./ids.ts";
import type { Journal, Lane, Row } from "./journal.ts";
import type { Sender } from "./lanes.ts";
import type { Log } from "./log.ts";
import type { Link, Mapping, Portal } from "./mapping.ts";
import type { Network, Outbound } from "./network.ts";
import * as phrases from "./phrases.ts";
import type { Portals } from "./portals.ts";

const day = 24 * 60 * 60_000;
/** From here on a message is shown with its own time. */
const lateAfter = 5 * 60_000;
/** A row that fails without a reason we know is a bug of ours: it must not block its lane for ever. */
const patience = 4;

/** Takes one row from the journal to its target: resolve, downgrade, send, record. */
export function deliver(deps: {
	mapping: Mapping;
	journal: Journal;
	portals: Portals;
	network(name: NetworkName): Network;
	log: Log;
	/** Told which network a lane leads to, once that is known. */
	target(lane: Lane, to: Network): void;
	now?: () => number;
}): Omit<Sender, "window"> {
	const { mapping, journal, portals, network, log, now = Date.now } = deps;

	/** Nobody waits for an answer to a state or a membership, so only words are refused aloud. */
	async function refuse(row: Row, error: PermanentError, target: string): Promise<void> {
		await journal.refuse(row, error.message);
		log.warn({ trace: row.trace, reason: error.reason, target }, "message refused");
		if (row.event.kind !== "message") return;
		await network(row.event.sender.network)
			.refuse(row.event, error, target)
			.catch((failure: unknown) =>
				log.error({ err: failure, trace: row.trace }, "could not tell the sender"),
			);
	}

	/** The room to deliver to; a 1:1 room is made by the first message into it. */
	async function roomOf(portal: Portal, link: Link) {
		if (link.room) return { portal, link, room: link.room };
		const [one, other] = portal.between as NonNullable<Portal["between"]>;
		const [ours, theirs] = one.network === link.network ? [one, other] : [other, one];
		const room = await network(link.network).openDirect(ours, theirs);
		const made = await portals.roomMade(portal, link, room);
		await portals.attach(made);
		return { portal: made, link: { ...link, room }, room };
	}

	/** In a chat of two, a third person has no account the other side knows: their words come through the one it does. */
	function speakFor(event: BridgeEvent, portal: Portal): BridgeEvent {
		const speaker = portal.between?.find((person) => person.network === event.sender.network);
		if (!speaker || speaker.id === event.sender.id || event.kind !== "message") return event;
		return {
			...event,
			sender: speaker,
			text: phrases.relayed(event.sender.name ?? event.sender.id, event.text),
		};
	}

	return {
		async prepare(row) {
			const linked = await mapping.portal(row.lane.portal);
			const wanted = linked?.links.find((one) => one.id === row.lane.link);
			if (!linked || !wanted) {
				await refuse(row, new PermanentError("not-found", phrases.unlinked), phrases.unlinkedTarget);
				return undefined;
			}
			const target = network(wanted.network);
			deps.target(row.lane, target);
			if (now() - row.queuedAt > day) {
				await refuse(row, new PermanentError("expired", phrases.expired), target.title);
				return undefined;
			}
			const { portal, link, room } = await roomOf(linked, wanted);
			const shown = downgrade(speakFor(row.event, portal), target.capabilities(room));
			if (!shown) {
				await journal.done(row, { network: link.network, room }, []);
				return undefined;
			}
			const event: BridgeEvent = now() - shown.at > lateAfter ? { ...shown, late: true } : shown;
			await journal.attempt(row);
			const { operation, trace, attempts: attempt } = row;
			const out: Outbound = { operation, trace, portal, link, room, event, attempt };
			return async () => {
				const ids = await target.send(out);
				await journal.done(row, { network: link.network, room }, ids);
				log.info({ trace, to: link.network, kind: event.kind, ms: now() - row.queuedAt }, "delivered");
			};
		},

		async fail(row, error) {
			const permanent = error instanceof PermanentError;
			if (!permanent && row.attempts < patience) throw error;
			if (!permanent)
				log.error({ err: error, trace: row.trace }, "gave a message up after repeated failures");
			const portal = await mapping.portal(row.lane.portal);
			const name = portal?.links.find((link) => link.id === row.lane.link)?.network;
			const reason = permanent ? error : new PermanentError("failed", phrases.brokenHere, { cause: error });
			await refuse(row, reason, name ? network(name).title : phrases.unlinkedTarget);
		},
	};
}
