import type { Person } from "../../../core/person.ts";
import { faceOf } from "../../faces.ts";
import { account } from "../../from-xmpp.ts";
import { bare, domain, resource } from "../../jid.ts";
import { photoIn } from "../../photo.ts";
import { child, type Element, text } from "../../stream/xml.ts";
import { roomJid } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import type { Loader } from "../load.ts";
import { nickRefusal } from "../nick-changes.ts";
import * as refusals from "../refusals.ts";
import { isRefusal, type Refusal, refuse } from "../refusals.ts";
import { placeOf } from "../returns.ts";
import { type HostedRoom, occupantOf } from "../room.ts";
import type { StoredSession } from "../sessions.ts";
import {
	admit,
	type Client,
	entryNick,
	isFull,
	isNickTaken,
	leaveUnused,
	showAsAway,
	store,
	turnAway,
} from "./admission.ts";
import { createFinder, type Goal } from "./find-room.ts";
import { letIn } from "./let-in.ts";
import type { Attempt, JoinQueue } from "./queue.ts";

/** How long a client waits for the answer to a join, in ms. Clients give up after 30 s, the most impatient ones. */
const answerWithin = 25_000;

/** How often a person is let in who is put out again at once. */
const attempts = 3;

/** Takes the joins of clients (XEP-0045 §7.2). Each one is answered. */
export function createJoins(
	context: HostedContext,
	loader: Loader,
	queue: JoinQueue,
	/** Begins the room that the sender of a join makes under an alias. */
	make: (alias: string, person: Person, stanza: Element) => void,
) {
	const find = createFinder(context);
	/** The joins that a break of the link to the XMPP server has ended. */
	const brokenOff: Element[] = [];

	/**
	 * Resolves with the room once the person's ghost is in it, and the name of the ghost there, or with the refusal.
	 * @throws PermanentError, TemporaryError
	 */
	async function enter(
		goal: Goal,
		person: Person,
		client: Client,
		password: string | undefined,
	): Promise<Readonly<{ room: HostedRoom; called: string | undefined }> | Refusal> {
		const { room: known, view, facts } = goal;
		const occupant = known && occupantOf(known, person);
		let called = occupant ? occupant.person.name : person.name;
		// The ghost of an occupant is in, also while the person has no session.
		if (!occupant) {
			const nick = entryNick(known, person, client);
			const one = nick === undefined ? person : { ...person, name: nick };
			const entered = await letIn(goal, one, { nameIsFree: nick !== undefined, password }, context);
			if (entered === "password") return refusals.noPassword;
			if (entered.kind === "refused") return refusals.notEntered(entered);
			called = entered.name ?? one.name;
		}
		const room = await loader.load(view, facts);
		const unfit = refusals.unfit(room.facts, (address) => roomJid(address, context.component));
		if (!unfit) return { room, called };
		context.rooms.remove(room);
		leaveUnused(room, person, client, context);
		return unfit;
	}

	/** Takes a join to its end. Resolves with the refusal, if it is refused. @throws PermanentError, TemporaryError */
	async function work(attempt: Attempt): Promise<Refusal | undefined> {
		const { from = "", to = "" } = attempt.stanza.attrs;
		const [address, nick = ""] = [bare(to), resource(to)];
		const client = { jid: from, address };
		const person = { ...account(from), name: nick, ...faceOf(bare(from), photoIn(attempt.stanza)) };
		const goal = await find(address, person);
		if (isRefusal(goal)) return goal;
		if ("alias" in goal) {
			// Several clients may have asked at once.
			if (context.locked.at(address)) return refusals.unknownRoom;
			if (attempt.state === "open") make(goal.alias, person, attempt.stanza);
			return undefined;
		}
		if (context.records.of(goal.view).domains.has(domain(from))) return refusals.domainBanned;
		if (goal.room && isFull(goal.room, person)) return refusals.full;
		if (goal.room && isNickTaken(goal.room, person, client)) return refusals.nickTaken;
		const admitted = (room: HostedRoom, called: string | undefined) => {
			if (attempt.state !== "open") {
				stayOut(room, called === undefined ? person : { ...person, name: called }, client, attempt.state);
				return undefined;
			}
			// The number of people in a room that nobody had joined is known only now.
			const refused = isFull(room, person)
				? turnAway(room, person, client, context)
				: admit(room, person, attempt.stanza, context, called);
			const { name } = room.facts;
			if (!refused) context.entered(bare(from), { jid: address, name, nick });
			return refused;
		};
		const x = child(attempt.stanza, "x", "http://jabber.org/protocol/muc");
		const { id } = attempt.stanza.attrs;
		const join = { ...(id !== undefined && { id }) };
		return bringIn(goal, person, client, admitted, { password: x && text(x, "password"), join });
	}

	/**
	 * Has the ghost of a person enter a room, and `admitted` make an occupant of the client. `join`: that the client waits for.
	 * Resolves with the refusal, if there is one. @throws PermanentError, TemporaryError
	 */
	async function bringIn(
		goal: Goal,
		person: Person,
		client: Client,
		admitted: (room: HostedRoom, called: string | undefined) => Refusal | undefined,
		{ password, join }: Readonly<{ password?: string | undefined; join?: StoredSession["join"] }> = {},
	): Promise<Refusal | undefined> {
		const { source, view } = goal;
		const place = { source, view, id: goal.facts.id };
		const stored = { ...client, nick: person.name ?? "", ...place };
		// If the bridge is killed from here on, the next run knows whose ghost may be in the room, and who waits.
		if (!context.rooms.joinedAs(client)) await context.store.save({ ...stored, ...(join && { join }) });
		const entering = context.memberships.beginJoin(source, person);
		try {
			for (let n = 1; ; n++) {
				entering.putOut = false;
				const entered = await enter(goal, person, client, password);
				if (isRefusal(entered)) return entered;
				const { room, called } = entered;
				await store(room, person, client, context);
				// Somebody has put the person out meanwhile, and the source tells whether for good; or the room was forgotten.
				const isStale = entering.putOut || context.rooms.get(room.id) !== room;
				if (isStale && n < attempts) continue;
				if (isStale) return refusals.slow;
				context.rooms.addAddress(room, client.address);
				return admitted(room, called);
			}
		} catch (error) {
			// The ghost may be in, or come in later.
			context.returns.expect(place, person, client);
			throw error;
		} finally {
			context.memberships.endJoin(entering);
			if (!context.rooms.joinedAs(client))
				void (context.returns.awaits(source, person)
					? context.store.told(stored)
					: context.store.remove(client));
		}
	}

	/** Shows a person whose ghost is in and whose client, which asked for it, is not. */
	function stayOut(room: HostedRoom, person: Person, client: Client, why: "answered" | "left"): void {
		showAsAway(room, person, context);
		// The client tries again soon, and then finds its person in the room.
		if (why === "answered") context.returns.expect(placeOf(room), person, client);
		else leaveUnused(room, person, client, context);
	}

	async function attend(stanza: Element): Promise<void> {
		const attempt = queue.begin(stanza);
		const answer = (refusal: Refusal) => {
			queue.answered(attempt);
			void context.link.send(refuse(stanza, refusal)).catch(() => undefined);
		};
		const late = () => attempt.state === "open" && answer(refusals.slow);
		const timer = setTimeout(late, answerWithin);
		try {
			const refusal = await work(attempt).catch((error: unknown) => {
				const known = refusals.failed(error);
				if (!known) context.log.error({ err: error }, "a join failed");
				return known ?? refusals.broken;
			});
			if (refusal && attempt.state === "open") answer(refusal);
		} finally {
			clearTimeout(timer);
			queue.end(attempt);
		}
	}

	return {
		bringIn,
		/** Takes a join. Returns the refusal if it is refused at once; else the answer follows. */
		take(stanza: Element): Element | undefined {
			const refusal =
				nickRefusal(resource(stanza.attrs.to ?? "")) ?? (queue.isFull(stanza) ? refusals.tooMany : undefined);
			if (refusal) return refuse(stanza, refusal);
			void context.guard.run("join of a hosted room", () => attend(stanza));
			return undefined;
		},
		/** Ends all joins that are under way: the link to the XMPP server is broken, so no client would get all of its join. */
		offline(): void {
			brokenOff.push(...queue.endAll().map(({ stanza }) => stanza));
		},
		/** Answers the joins that the link did not see the end of, unless their clients have asked again. */
		async online(): Promise<void> {
			for (const stanza of brokenOff.splice(0))
				if (!context.rooms.joined(stanza) && !queue.has(stanza))
					await context.link.send(refuse(stanza, refusals.slow)).catch(() => undefined);
		},
		/** Answers all joins that are under way: the bridge stops. */
		async stop(): Promise<void> {
			for (const attempt of queue.endAll())
				await context.link.send(refuse(attempt.stanza, refusals.stopping)).catch(() => undefined);
		},
	};
}
export type Joins = ReturnType<typeof createJoins>;
