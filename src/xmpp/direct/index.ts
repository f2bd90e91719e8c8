import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { mayFollow, PermanentError, unsent } from "../../core/errors.ts";
import type { BridgeEvent } from "../../core/event.ts";
import { createGuard, type Guard, outboundItem, SetAside } from "../../core/guard.ts";
import type { MessageId, RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge, Outbound } from "../../core/network.ts";
import type { Person } from "../../core/person.ts";
import { account, fromChat, nowhere, parseMessage, stanzaOf, xmppNetwork } from "../from-xmpp.ts";
import { bare, domain, local } from "../jid.ts";
import { heldSince } from "../message/delay.ts";
import type { Participants, ReadContext, Sayable } from "../message/feature.ts";
import { messageId, speakerIn, spokenBy } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { type ErrorType, errorReply, neutral, stanzaError } from "../stanza-error.ts";
import { stanzaItem } from "../stanza-item.ts";
import { stanzaMemory } from "../stanza-memory.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element, xml } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";

/** How long a first line waits for the other server's no. The lines after it go at full speed. */
const graceMs = 3_000;

/** Lines of one sender that may wait: to look up whom they are for can take long, and can be made to. */
const waitingAtMost = 5_000;
/** Bytes that waiting lines take in memory, as trees: those of one sender, and of all. */
const waitingBytes = { sender: 16 * 1_048_576, all: 64 * 1_048_576 };
/** Pairs and sends that are remembered, and bytes of each such memory. */
const [remembered, rememberedBytes] = [10_000, 4 * 1_048_576];

/** The room of a pair: whose it is stands in it, so that it is found without I/O. A bare JID holds no space. */
export const pairRoom = (theirs: string, ghost: string) => `${bare(theirs)} ${bare(ghost)}` as RoomId;
export const pairOf = (room: string): readonly [theirs: string, ghost: string] => {
	const [theirs = "", ghost = ""] = room.split(" ");
	return [theirs, ghost];
};

/** 1:1 chats between XMPP accounts and our ghosts. */
export function createDirectChats(deps: {
	link: Pick<Component, "send">;
	confirm(): Promise<void>;
	resource: string;
	bridge(): Pick<Bridge, "portal">;
	/** Whom the ghost at a JID stands for; undefined where it is nobody's. @throws TemporaryError while that cannot be known. */
	who(ghost: string): Promise<Person | undefined>;
	/** The one JID of their ghost. */
	ghost(person: Person): string;
	/** A client of an account wrote to a ghost. */
	wrote(client: string, ghost: string): void;
	tell(events: readonly BridgeEvent[]): void;
	paused(): boolean;
	now(): { at: number; unique(): string };
	/** Notes which line is in hand. */
	guard?: Guard;
	log: Log;
}) {
	const { link, log, guard = createGuard(deps.log) } = deps;
	/** Sends an error can still come for. */
	const open = createBoundedMap<string, { room: string; reject?: (error: Error) => void }>(remembered, {
		bytes: rememberedBytes,
		of: (operation, { room }) => textBytes(operation, room) + 100,
	});
	/** The name the ghost last gave itself in a pair. */
	const named = createBoundedMap<string, string>(remembered, { bytes: rememberedBytes, of: textBytes });
	/** The pairs in which lines get through, as far as we know. */
	const reached = createBoundedMap<string, true>(remembered, {
		bytes: rememberedBytes,
		of: (room) => textBytes(room),
	});
	/**
	 * By pair: what its next line waits for. While a line is to show whether lines get through none goes along, so that none
	 * else is in doubt.
	 */
	const tails = new Map<string, Promise<unknown>>();
	/** Ends the waiting for a no: they wrote to us. */
	const heard = new Map<string, () => void>();
	/** The client that wrote last: an error to a bare JID would be dropped on its way (RFC 6121 §8.5.2.1.1). */
	const clients = createBoundedMap<string, string>(remembered, { bytes: rememberedBytes, of: textBytes });
	/** Lines of one sender are looked at one after the other. */
	const lines = new Map<string, { last: Promise<void>; waiting: number; bytes: number }>();
	let bytesOfAll = 0;

	async function send(out: Outbound): Promise<readonly MessageId[]> {
		const { room } = out;
		const before = tails.get(room);
		if (!before && reached.has(room)) return write(out);
		// Also when they have been heard from meanwhile: whoever waits holds their place.
		const turn = Promise.resolve(before).then(
			() => begin(out),
			(error: unknown) => {
				throw unsent(error);
			},
		);
		const tail = turn.then(({ shown }) => shown);
		tails.set(room, tail);
		const settled = () => {
			if (tails.get(room) === tail) tails.delete(room);
		};
		tail.then(settled, settled);
		return (await turn).sent;
	}

	/** `shown` is what the line behind waits for: nothing where lines get through. */
	function begin(out: Outbound): { sent: Promise<readonly MessageId[]>; shown?: Promise<unknown> } {
		const sent = write(out);
		if (reached.has(out.room)) return { sent };
		return { sent, shown: mayFollow(sent) };
	}

	async function write(out: Outbound): Promise<readonly MessageId[]> {
		const { event, operation, room, refs, shown, reactions } = out;
		if (!isSayable(event)) return [];
		const [theirs, ghost] = pairOf(room);
		const about = event.kind === "redaction" ? refs[event.target.id] : undefined;
		if (about && speakerIn(about) === undefined) throw new PermanentError("forbidden", phrases.notYours);
		const place = placeOf(theirs, ghost, event.sender);
		const where = { ...place, refs, shown, reactions, component: domain(ghost) };
		const said = guard.handle(outboundItem(out), () => to.draft(event, where));
		if (said.body === undefined && said.parts.length === 0) return [];
		const name = event.sender.name ?? event.sender.address[0] ?? "";
		const known = named.get(room) === name;
		const refused = new Promise<never>((_, reject) => open.set(operation, { room, reject }));
		refused.catch(() => undefined);
		const id = messageId("msg", operation);
		const from = `${ghost}/${deps.resource}`;
		await link.send(to.chat(from, theirs, operation, said, known ? undefined : name));
		await Promise.race([deps.confirm(), refused]);
		if (!reached.has(room)) await Promise.race([shownBySilence(room), refused]);
		named.set(room, name);
		reached.set(room, true);
		// An error from here on is news to the room.
		open.set(operation, { room });
		if (event.kind === "message") return [id, spokenBy(operation, ghost)];
		return event.kind === "edit" ? [id] : [];
	}

	/** No error for a moment, or a line of theirs. */
	function shownBySilence(room: string): Promise<void> {
		return new Promise((resolve) => {
			const done = () => {
				clearTimeout(timer);
				if (heard.get(room) === done) heard.delete(room);
				resolve();
			};
			const timer = setTimeout(done, graceMs);
			heard.set(room, done);
		});
	}

	function failed(stanza: Element): void {
		const line = open.get(stanza.attrs.id ?? "");
		const from = stanza.attrs.from ?? "";
		// An error counts only from whom the line was for (RFC 6120 §8.3.1), or from our own server in their name.
		if (!line || pairOf(line.room)[0] !== bare(from)) return;
		open.delete(stanza.attrs.id ?? "");
		reached.delete(line.room);
		const error = stanzaError(stanza);
		if (line.reject) {
			line.reject(neutral(error));
			return;
		}
		const { at, unique } = deps.now();
		const id = `notice ${unique()}` as MessageId;
		const text = phrases.xmppNoDelivery(error.text ?? error.condition);
		deps.tell([
			{ kind: "message", style: "notice", id, room: line.room as RoomId, sender: account(from), at, text },
		]);
	}

	/** One line to a ghost. Resolves to the answer it needs, if any. */
	async function take(stanza: Element): Promise<Element | undefined> {
		const { from = "", to: ghost = "" } = stanza.attrs;
		const author = bare(from);
		const hearing = (to: Person): ReadContext => ({
			...placeOf(author, bare(ghost), to),
			author,
			opens: () => true,
		});
		const words = (to?: Person) =>
			guard.handle(
				stanzaItem(stanza),
				() => (to && parseMessage(stanza, hearing(to))) ?? parseMessage(stanza, nowhere),
			);
		let room = pairRoom(from, ghost);
		const portal = await deps.bridge().portal(xmppNetwork, room);
		const known = portal?.between?.find((one) => one.network !== xmppNetwork);
		// Looked at before anybody is asked who it is for.
		const first = words(known);
		if (!first) return undefined;
		if (first.unreadable) return errorReply(stanza, "modify", "not-acceptable", phrases.encryptedRefused);
		if (local(from) === undefined) return errorReply(stanza, "cancel", "service-unavailable");
		if (deps.paused()) return errorReply(stanza, "wait", "recipient-unavailable", phrases.xmppStopping);
		let other: Person | undefined;
		try {
			other = known ?? (await deps.who(bare(ghost)));
		} catch (error) {
			if (error instanceof PermanentError)
				return errorReply(stanza, "cancel", "item-not-found", error.message);
			log.warn({ err: error }, "could not look the addressee up");
			return errorReply(stanza, "wait", "remote-server-timeout");
		}
		if (!other) return errorReply(stanza, "cancel", "item-not-found", phrases.xmppNobody);
		// An address may be typed in more than one way; the chat is one, and is answered from one.
		room = pairRoom(from, deps.ghost(other));
		clients.set(bare(from), from);
		deps.wrote(from, bare(ghost));
		reached.set(room, true);
		heard.get(room)?.();
		const { at: now, unique } = deps.now();
		const at = Math.min(now, heldSince(stanza, domain(ghost)) ?? now);
		const says = known ? first : (words(other) ?? first);
		const event = fromChat(stanza, says, { room, to: other, at, missing: unique() });
		deps.tell([event]);
		return undefined;
	}

	return {
		send,
		failed,
		/** Takes a line in, in the order the sender wrote. The answer is for one too many. */
		message(stanza: Element): Element | undefined {
			const key = bare(stanza.attrs.from ?? "");
			const line = lines.get(key) ?? { last: Promise.resolve(), waiting: 0, bytes: 0 };
			const bytes = stanzaMemory(stanza);
			// One line alone is taken whatever its size.
			const large =
				bytesOfAll > 0 && (line.bytes + bytes > waitingBytes.sender || bytesOfAll + bytes > waitingBytes.all);
			if (line.waiting >= waitingAtMost || large)
				return child(stanza, "body") && errorReply(stanza, "wait", "resource-constraint");
			line.waiting++;
			line.bytes += bytes;
			bytesOfAll += bytes;
			line.last = line.last
				.then(() => take(stanza))
				.catch((error: unknown) => {
					if (error instanceof SetAside) return errorReply(stanza, "cancel", "not-acceptable", error.message);
					log.error({ err: error }, "could not take a message");
					return errorReply(stanza, "wait", "internal-server-error");
				})
				.then((answer) => answer && link.send(answer))
				.catch((error: unknown) => log.debug({ err: error }, "answer not sent"))
				.then(() => {
					line.bytes -= bytes;
					bytesOfAll -= bytes;
					if (--line.waiting === 0) lines.delete(key);
				});
			lines.set(key, line);
			return undefined;
		},
		/** All lines that came in have been handed on. */
		settled: async () => {
			await Promise.all(lines.values().map(({ last }) => last));
		},
		/** Tells the sender that nobody got the line. */
		async refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void> {
			// It tells of an error of theirs. // RFC 6120 §8.3.1: an error is not answered with one
			if (event.kind === "message" && event.style === "notice") return;
			const [theirs, ghost] = pairOf(event.room);
			const client = clients.get(theirs);
			const why = phrases.notDelivered(target, error.message);
			const [type, condition] = refusals[error.reason];
			// After a restart the client is not known any more; a line of the ghost's reaches them all.
			await link.send(
				client
					? errorReply(
							xml("message", { from: client, to: ghost, id: stanzaOf(event.id) }),
							type,
							condition,
							why,
						)
					: to.chat(`${ghost}/${deps.resource}`, theirs, deps.now().unique(), to.words(why)),
			);
		},
	};
}

const isSayable = (event: BridgeEvent): event is Sayable =>
	["message", "edit", "redaction", "reaction"].includes(event.kind);

/** There are but two. */
const placeOf = (theirs: string, ghost: string, ours: Person): Participants => ({
	named: "msg",
	at: (jid) => (bare(jid) === ghost ? ours : bare(jid) === theirs ? account(theirs) : undefined),
	known: () => undefined,
	of: (person) =>
		person.network !== xmppNetwork ? { jid: ghost } : person.id === theirs ? { jid: theirs } : {},
});

const refusals = {
	forbidden: ["auth", "forbidden"],
	"not-found": ["cancel", "item-not-found"],
	invalid: ["modify", "not-acceptable"],
	busy: ["wait", "resource-constraint"],
	failed: ["cancel", "service-unavailable"],
	expired: ["wait", "remote-server-timeout"],
} as const satisfies Record<PermanentError["reason"], readonly [ErrorType, string]>;
