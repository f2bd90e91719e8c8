import { createBoundedMap, textBytes } from "../../../core/bounded-map.ts";
import type { PermanentError } from "../../../core/errors.ts";
import type { BridgeEvent } from "../../../core/event.ts";
import { mayDo, personKey } from "../../../core/hosting.ts";
import type { MessageId } from "../../../core/ids.ts";
import { createRateLimit } from "../../../core/limits.ts";
import type { Received } from "../../../core/network.ts";
import { parseMessage } from "../../from-xmpp.ts";
import * as phrases from "../../phrases.ts";
import { createSenderQueues } from "../../sender-queues.ts";
import { largestStanza } from "../../stream/component.ts";
import { bytes, child, type Element, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { type HostedRoom, type Joined, occupantOf, type Session } from "../room.ts";
import { takeSignals } from "../signals.ts";
import { answerLater } from "./answer-later.ts";
import { eventOf, namedIn, withKnown } from "./incoming.ts";
import type { KnownLines } from "./known-lines.ts";
import { isPassing, originalOf } from "./original.ts";
import { participantsOf } from "./participants.ts";
import type { Pending, PendingAct, PendingLines } from "./pending.ts";
import { sentId } from "./references.ts";
import type { Reflection } from "./reflection.ts";
import * as refusals from "./refusals.ts";

/** Typing and read positions of one person; past it they are dropped. */
const passingRate = { perMinute: 120, burst: 60 };
/** How long after a line its refusal is of use to its sender, in ms. */
const answeredWithin = 15 * 60_000;
/** Bytes of the largest stanza that is shown as it came: the room adds to it. The text of a larger one is shown as a file. */
const largestShown = largestStanza - 64 * 1_024;
/** Threads that are remembered as begun. */
const threads = { most: 5_000, bytes: 1_048_576 };

/** A line that waits for its turn. */
type Waiting = Readonly<{ room: HostedRoom; event: Received }>;

/** Takes the groupchat messages of sessions in, and answers those that are refused. */
export function createMessages(
	context: HostedContext,
	deps: {
		pending: PendingLines;
		reflection: Pick<Reflection, "refused">;
		known: KnownLines;
	},
) {
	const { pending, reflection, known } = deps;
	const send = answerLater(context);
	const mayPass = createRateLimit(passingRate);
	const begun = createBoundedMap<string, true>(threads.most, {
		bytes: threads.bytes,
		of: (thread) => textBytes(thread),
	});
	const waiting = new WeakMap<Element, Waiting>();
	const queues = createSenderQueues(async (stanza) => {
		const line = waiting.get(stanza);
		if (!line) return;
		await context.guard.run("a line of a hosted room", () => tell(line));
	});

	/** Takes a message to a room. Returns the error that answers it, if one is due. */
	function take(joined: Joined | undefined, stanza: Element): Element | undefined {
		if (stanza.attrs.type === "error") return undefined;
		if (!joined) return refusals.notInRoom(stanza);
		takeSignals(joined, stanza, context);
		const { room, occupant, session } = joined;
		const { person } = occupant;
		const author = person.id;
		const says = parseMessage(stanza, {
			...participantsOf(room, session.address, context.standsFor),
			author,
			opens: (thread) => !begun.has(`${room.id} ${thread}`),
		});
		if (!says) {
			// XEP-0045 §8.1: a change of the subject has neither a body nor a thread.
			if (child(stanza, "subject")) return refusals.straySubject(stanza);
			pass(joined, stanza);
			return undefined;
		}
		if (says.unreadable) return refusals.encryptedLine(stanza);
		if (room.facts.levels && !mayDo(room.facts.levels, person, "speak")) return refusals.noVoice(stanza);
		const { at, unique } = context.now();
		const source = { network: context.of, room: room.source };
		const event = eventOf(stanza, says, {
			room: room.id,
			source,
			sender: person,
			author,
			at,
			unique: unique(),
		});
		const line = pendingLine(joined, event, stanza);
		pending.add(line);
		waiting.set(stanza, { room, event });
		if (!queues.add(stanza)) {
			pending.forget(line);
			return refusals.crowded(stanza);
		}
		if (says.thread) begun.set(`${room.id} ${says.thread.id}`, true);
		return undefined;
	}

	/** Shows what is no line to the people of XMPP: no other network has it, and no archive. */
	function pass({ room, occupant }: Joined, stanza: Element): void {
		if (!isPassing(stanza) || !mayPass(occupant.person.id)) return;
		const { attrs, children } = originalOf(stanza, context.component);
		const id = xml("occupant-id", { xmlns: "urn:xmpp:occupant-id:0", id: occupant.id });
		context.out.send(room.sessions.values(), (address) =>
			xml("message", { ...attrs, from: `${address}/${occupant.nick}` }, ...children, id),
		);
	}

	function pendingLine({ room, occupant, session }: Joined, event: Received, stanza: Element): Pending {
		const { from = "", to = "", id } = stanza.attrs;
		const head = xml("message", { type: "groupchat", from, to, id });
		const original = originalOf(stanza, context.component);
		return {
			...{ id: event.id, room: room.id, session, person: personKey(occupant.person), at: event.at },
			act: actOf(event, namedIn(event)),
			...(bytes(original) <= largestShown && { original }),
			settle(refused) {
				if (refused) send(refusals.refusalOf(refused)(head));
			},
		};
	}

	async function tell({ room, event }: Waiting): Promise<void> {
		const named = namedIn(event);
		context.tell([named.length === 0 ? event : withKnown(event, await known(room, named, event.sender))]);
	}

	return {
		take,
		/** Tells the client that sent a line that it does not reach the room; after a restart all clients of the person. */
		async refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void> {
			const line = pending.get(event.id);
			const room = context.rooms.get(event.room);
			const told = phrases.deliveryReport(error, target);
			if (error.partly) {
				// The line itself is in the room, so an error would tell its client the contrary.
				if (room) context.out.send(line ? [line.session] : clientsOf(room, event), (by) => notice(by, told));
				return;
			}
			if (line) {
				pending.forget(line);
				line.settle({ error, target });
				if (room) reflection.refused(room, line);
				return;
			}
			const id = sentId([{ network: event.sender.network, room: event.room, id: event.id }]);
			// Nobody waits any more for the answer to a line that was in doubt for hours.
			if (!room || id === undefined || context.now().at > event.at + answeredWithin) return;
			const answer = refusals.refusalOf({ error, target });
			for (const { jid, address } of clientsOf(room, event))
				send(answer(xml("message", { from: jid, to: address, id })));
		},
		/** Resolves when all lines that came in so far are with core. */
		settled: () => queues.settled(),
	};
}
export type Messages = ReturnType<typeof createMessages>;

/** Returns the clients of the sender of an event that are in the room. */
const clientsOf = (room: HostedRoom, { sender }: BridgeEvent): readonly Session[] => [
	...(occupantOf(room, sender)?.sessions.values() ?? []),
];

/** Returns words of the room for one client alone, without a place in the archive. */
const notice = (address: string, words: string): Element =>
	xml(
		"message",
		{ type: "groupchat", from: address },
		xml("body", {}, words),
		xml("no-store", { xmlns: "urn:xmpp:hints" }),
	);

function actOf(event: BridgeEvent, [target]: readonly MessageId[]): PendingAct {
	if (event.kind === "reaction" && target !== undefined)
		return { kind: "reaction", target, emoji: event.emoji };
	if (event.kind === "redaction" && target !== undefined) return { kind: "redaction", target };
	return { kind: event.kind === "edit" ? "edit" : "message" };
}
