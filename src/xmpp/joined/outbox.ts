import { createBoundedMap } from "../../core/bounded-map.ts";
import { mayFollow, PermanentError, TemporaryError, unsent } from "../../core/errors.ts";
import { outboundItem } from "../../core/guard.ts";
import type { MessageId, OperationId } from "../../core/ids.ts";
import type { Outbound } from "../../core/network.ts";
import { Late, within } from "../deadline.ts";
import type { Sayable } from "../message/feature.ts";
import { messageId, spokenBy } from "../message-ids.ts";
import * as phrases from "../phrases.ts";
import { neutral, type StanzaError } from "../stanza-error.ts";
import type { Element } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import type { Context } from "./context.ts";
import { ensureJoined, ensureJoinedNow, rejoin, selfPing } from "./listener.ts";
import { enter, isAway, NoPlace, rename } from "./occupant.ts";
import { participantsOf } from "./participants.ts";
import { createResendCheck } from "./resend-check.ts";
import type { OwnOccupant, Room } from "./room.ts";
import { operationOf } from "./signed-ids.ts";

/** A room that refused us is asked again this long after, when somebody wants it. */
export const askAgainAfter = 60_000;
/** How long a line waits for its speaker to be let in before it goes through the listener. */
const joinWithin = 20_000;
/** How long the room has to reflect a line (XEP-0045 §7.4): that is our acknowledgement. */
const reflectWithin = 30_000;
/** For so long after we came in a room may put out one or the other of us, for what came back to it from before. */
const unsureFor = 10_000;
/** A speaker the room had no place for is not tried again for so long. */
const relayFor = 5 * 60_000;

type Ids = readonly MessageId[];
type Pending = {
	from: OwnOccupant;
	resolve(ids: Ids): void;
	reject(error: Error): void;
	settled: Promise<unknown>;
};

/** A line of ours as the room shows it. */
export type Reflection = Readonly<{
	operation: OperationId;
	/** The one it was sent under. */
	id: string | undefined;
	/** The room's own, where it gives any. */
	known: MessageId | undefined;
	/** Whose it is, where the nick is still theirs. */
	by: OwnOccupant | undefined;
}>;

/** Lines of ours on their way into MUCs. */
export function createOutbox(context: Context) {
	const pending = new Map<OperationId, Pending & { room: Room }>();
	/** Reflections seen, by operation: one that comes after we gave up waiting must not be sent again. */
	const reflected = createBoundedMap<OperationId, Ids>(20_000);
	/** By operation: who wrote it. */
	const writers = createBoundedMap<OperationId, string>(20_000);
	const inDoubt = createResendCheck(context, reflected, listening);

	/** Takes its turn in the room: what is called first is written first. A temporary error holds back all behind it. */
	function inTurn(room: Room, work: () => Promise<void>): Promise<void> {
		const mine = room.tail.then(work);
		const tail = mayFollow(mine);
		room.tail = tail;
		tail.catch(() => {
			if (room.tail === tail) room.tail = Promise.resolve();
		});
		return mine;
	}

	/** Resolves with the ids the line has in the room; with none where nothing was left to say. */
	async function say(room: Room, ours: OwnOccupant, out: Outbound, event: Sayable): Promise<Ids> {
		const { operation, refs, shown, reactions } = out;
		const known = (ids: Ids) => [...ids, spokenBy(operation, writers.get(operation) ?? ours.jid)];
		const seen = reflected.get(operation);
		if (seen) return known(seen);
		const doubt = out.attempt > 0 ? inDoubt(room, out) : undefined;
		doubt?.catch(() => undefined);
		let comes = ours.state !== "in";
		const speaker = speakerOf(room, ours);
		// Waits for its turn before anybody looks at it.
		speaker.catch(() => undefined);
		let reflection: Promise<Ids> | undefined;
		const { failures } = room;
		const turn = inTurn(room, async () => {
			const there = await doubt;
			if (there) {
				reflection = Promise.resolve(there);
				return;
			}
			let from = await speaker;
			if (from.state !== "in") {
				// Put out while it waited for its turn.
				comes = true;
				from = await speakerOf(room, ours);
			}
			// The room may have put out, or be about to, who spoke before, and not who speaks now: theirs comes first.
			const unsure = context.now().at - room.since < unsureFor;
			if (from === ours && (comes || unsure))
				await Promise.allSettled(
					[...pending.values()].map((one) => one.room === room && one.from !== from && one.settled),
				);
			// While it waited one before it failed, and has to be said first.
			if (room.failures !== failures) throw new TemporaryError("a line before it was not taken");
			const said = from === ours ? event : to.relayed(event, ours.name, shown);
			if (!said) return;
			const where = {
				...participantsOf(room),
				refs,
				shown,
				reactions,
				component: context.component,
			};
			const id = context.marks().of(operation, room.jid, from.nick);
			// Written before anything counts as sent: a fault in the writing concerns this line alone.
			const written = () => to.groupchat(from.jid, room.jid, id, to.draft(said, where));
			const stanza = context.guard.handle(outboundItem(out), written);
			reflection = confirmed(room, from, operation);
			reflection.catch(() => undefined);
			writers.set(operation, from.jid);
			try {
				await context.link.send(stanza);
			} catch (error) {
				pending.get(operation)?.reject(error as Error);
				throw error;
			}
			// Until one got through none is under way behind it: the room may come back between the two.
			if (!room.unproven) return;
			await reflection;
			room.unproven = false;
		});
		await turn.catch((error: unknown) => {
			throw reflection === undefined ? unsent(error) : error;
		});
		return reflection === undefined ? [] : known(await (reflection as Promise<Ids>));
	}

	/** The person themselves, or the listener where they cannot be had. */
	async function speakerOf(room: Room, ours: OwnOccupant): Promise<OwnOccupant> {
		await room.checking;
		await listening(room);
		// They may have been put out with the listener, and nobody has looked since.
		if (!ours.confirmed) await selfPing(room, ours, context);
		if (ours.state === "in") return ours;
		if (ours.barred) throw ours.barred;
		if (ours.relayedUntil > context.now().at) return relay(room);
		ours.wanted = true;
		try {
			await within(joinWithin, enter(room, ours, context));
			return ours;
		} catch (error) {
			if (!(error instanceof NoPlace) && !(error instanceof Late)) throw error;
			ours.relayedUntil = context.now().at + relayFor;
			context.log.warn({ room: room.jid, ours: ours.jid }, "speaks through the listener");
			return relay(room);
		}
	}

	/** Where the room does not let the listener in either, another person's ghost must not say what they did not. */
	function relay(room: Room): OwnOccupant {
		if (room.listener.state === "in") return room.listener;
		throw new PermanentError("busy", phrases.mucFull(room.jid));
	}

	/** `again`: a person comes, so a room that put us out, or did not let us in, is asked once more. */
	async function listening(room: Room, again = false): Promise<void> {
		if (room.activeListener.state === "in") return;
		if (room.barred && !(again && context.now().at - room.triedAt >= askAgainAfter)) throw room.barred;
		if (room.barred) room.listener.barred = undefined;
		await within(joinWithin, ensureJoinedNow(room, context));
		if ((room.activeListener.state as OwnOccupant["state"]) !== "in")
			throw new TemporaryError(phrases.mucNotAnswering(room.jid));
	}

	function confirmed(room: Room, from: OwnOccupant, operation: OperationId): Promise<Ids> {
		const { promise, resolve, reject } = Promise.withResolvers<Ids>();
		const settle = () => {
			clearTimeout(timer);
			pending.delete(operation);
		};
		const line = {
			room,
			from,
			settled: promise,
			resolve: (ids: Ids) => {
				settle();
				resolve(ids);
			},
			reject: (error: Error) => {
				settle();
				if (error instanceof TemporaryError) {
					room.failures++;
					room.unproven = true;
				}
				reject(error);
			},
		};
		const timer = setTimeout(() => {
			line.reject(new TemporaryError("the room did not reflect the line"));
			recheck(room);
		}, reflectWithin);
		pending.set(operation, line);
		return promise;
	}

	/** Whoever of us the room does not know any more comes in again; until that is known nobody speaks. */
	function recheck(room: Room): void {
		const check = async () => {
			await Promise.all([...room.ours.values()].map((one) => selfPing(room, one, context)));
			room.checking = undefined;
			for (const one of room.ours.values()) mend(room, one);
		};
		const failed = () => {
			room.checking = undefined;
		};
		room.checking ??= context.guard.run("check of a MUC", check, failed);
	}

	function mend(room: Room, ours: OwnOccupant): void {
		if (room.activeListener.state !== "in") ensureJoined(room, context).catch(() => undefined);
		else void context.guard.run("return to a MUC", () => rejoin(room, ours, context));
	}

	/** They are there from now on, as far as the room has place; where it has none they come when they speak. */
	async function come(room: Room, ours: OwnOccupant): Promise<void> {
		let entering = Promise.resolve();
		await inTurn(room, async () => {
			await listening(room, true);
			ours.wanted = true;
			ours.barred = undefined;
			entering = enter(room, ours, context);
			entering.catch(() => undefined);
		});
		try {
			await within(joinWithin, entering);
		} catch (error) {
			if (!(error instanceof NoPlace) && !(error instanceof Late)) throw error;
		}
	}

	/** They have another name from now on; where the room takes no form of it they keep the nick they have. */
	async function callThem(room: Room, ours: OwnOccupant): Promise<void> {
		await inTurn(room, async () => {
			try {
				await within(joinWithin, rename(room, ours, context));
			} catch (error) {
				if (!(error instanceof NoPlace) && !(error instanceof Late)) throw error;
				context.log.info({ err: error, room: room.jid, ours: ours.jid }, "keeps the old nick");
			}
		});
	}

	return {
		inTurn,
		say,
		come,
		callThem,
		/** The room, or its archive, has a line of ours. */
		reflection({ operation, id, known, by }: Reflection): void {
			const ids = [
				...(known === undefined ? [] : [messageId("sid", known)]),
				...(id === undefined ? [] : [messageId("msg", id)]),
			];
			if (by && !writers.has(operation)) writers.set(operation, by.jid);
			reflected.set(operation, ids);
			pending.get(operation)?.resolve(ids);
		},
		/** The room refused a line of `ours`. True when it was one that waits. */
		refused(room: Room, ours: OwnOccupant, stanza: Element, error: StanzaError): boolean {
			const line = pending.get(operationOf(stanza.attrs.id ?? ""));
			if (line?.room !== room) return false;
			// XEP-0045 §7.4: we are no occupant any more, whatever we thought. item-not-found: the room itself is gone.
			if (error.condition === "not-acceptable" || error.condition === "item-not-found") {
				room.nicks.delete(ours.nick);
				ours.state = "out";
				line.reject(new TemporaryError(error.message, { cause: error }));
				recheck(room);
			} else if (isAway(error)) line.reject(new TemporaryError(error.message, { cause: error }));
			else if (error.condition === "forbidden")
				line.reject(new PermanentError("forbidden", phrases.mucNoVoice(room.jid), { cause: error }));
			else line.reject(neutral(error));
			return true;
		},
		/** The link broke: nothing that waits can be confirmed any more. */
		lost(cause: string, of?: Room): void {
			for (const line of [...pending.values()])
				if (!of || line.room === of) line.reject(new TemporaryError(cause));
		},
	};
}
