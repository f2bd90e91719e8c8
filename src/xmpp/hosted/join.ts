import type { RoomFacts } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { account } from "../from-xmpp.ts";
import { bare, resource } from "../jid.ts";
import type { Element } from "../stream/xml.ts";
import { roomAt, roomJid, viewOf } from "./addresses.ts";
import { admit, leaveUnused, showAsAway, store } from "./admission.ts";
import type { HostedContext } from "./context.ts";
import type { Attempt, JoinQueue } from "./join-queue.ts";
import type { Loader } from "./load.ts";
import { nickRefusal } from "./nick-changes.ts";
import * as refusals from "./refusals.ts";
import { isRefusal, type Refusal, refuse } from "./refusals.ts";
import { type HostedRoom, occupantOf } from "./room.ts";

/** How long a client waits for the answer to a join, in ms. Clients give up after 30 s, the most impatient ones. */
const answerWithin = 25_000;

/** The room that somebody wants to join, in memory or to be loaded. */
type Goal = Readonly<{ view: RoomId; source: RoomId; facts: RoomFacts; room?: HostedRoom }>;

/** Takes the joins of clients (XEP-0045 §7.2). Each one is answered. */
export function createJoins(context: HostedContext, loader: Loader, queue: JoinQueue) {
	/** Resolves with the room at an address, if the policy lets the person there. @throws PermanentError, TemporaryError */
	async function find(address: string, person: Person): Promise<Goal | Refusal> {
		const { component, of, rooms } = context;
		const goal = (room: HostedRoom): Goal => ({
			...{ view: room.id, source: room.source, facts: room.facts, room },
		});
		const known = rooms.at(address);
		if (known) return goal(known);
		const asked = roomAt(address, component);
		if (!asked) return refusals.unknownRoom;
		const { views } = context.bridge();
		const looked = await views.look(of, asked, person);
		if (looked.kind !== "room") return refusals.notFound(looked);
		const { facts } = looked;
		if (facts.successor) return refusals.moved(roomJid(facts.successor, component));
		const view = viewOf(facts.id, component);
		const loaded = rooms.get(view);
		if (loaded) return goal(loaded);
		await views.open(of, facts.room, view, person);
		return { view, source: facts.room, facts };
	}

	/**
	 * Resolves with the room once the person's ghost is in it, or with the refusal. `seen` gets the room as soon as it is in
	 * memory.
	 */
	async function enter(goal: Goal, person: Person): Promise<HostedRoom | Refusal> {
		const { room, source, view, facts } = goal;
		if (!(room && occupantOf(room, person)?.sessions.size)) {
			const entered = await context.memberships.enter(source, person);
			if (entered.kind === "refused") return refusals.notEntered(entered);
		}
		try {
			return await loader.load(view, facts);
		} catch (error) {
			context.returns.expect({ source, view, id: facts.id }, person);
			throw error;
		}
	}

	/** Does all that a join needs, and answers it unless that took too long. */
	async function work(attempt: Attempt): Promise<Refusal | undefined> {
		const { from = "", to = "" } = attempt.stanza.attrs;
		const [address, nick = ""] = [bare(to), resource(to)];
		const client = { jid: from, address };
		const person = { ...account(from), name: nick };
		const goal = await find(address, person);
		if (isRefusal(goal)) return goal;
		const end = context.memberships.beginJoin(goal.source, person);
		try {
			const room = await enter(goal, person);
			if (isRefusal(room)) return room;
			context.rooms.addAddress(room, address);
			await store(room, person, client, context);
			const refusal = attempt.state === "open" ? admit(room, person, attempt.stanza, context) : undefined;
			if (!context.rooms.joinedAs(client)) void context.store.remove(client);
			if (attempt.state !== "open") stayOut(room, person, attempt.state);
			return refusal;
		} finally {
			end();
		}
	}

	/** The person's ghost is in, and the client that asked for it is not. */
	function stayOut(room: HostedRoom, person: Person, why: "answered" | "left"): void {
		showAsAway(room, person, context);
		// The client tries again soon, and then finds its person in the room.
		if (why === "answered")
			context.returns.expect({ source: room.source, view: room.id, id: room.facts.id }, person);
		else leaveUnused(room, person, context);
	}

	async function attend(stanza: Element): Promise<void> {
		const attempt = queue.begin(stanza);
		const answer = (refusal: Refusal) => {
			attempt.state = "answered";
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
		/** Takes a join. Returns the refusal if it is refused at once; else the answer follows. */
		take(stanza: Element): Element | undefined {
			const refusal =
				nickRefusal(resource(stanza.attrs.to ?? "")) ?? (queue.isFull(stanza) ? refusals.tooMany : undefined);
			if (refusal) return refuse(stanza, refusal);
			void context.guard.run("join of a hosted room", () => attend(stanza));
			return undefined;
		},
		/** Answers all joins that are under way: the bridge stops. */
		async stop(): Promise<void> {
			for (const attempt of queue.endAll())
				await context.link.send(refuse(attempt.stanza, refusals.stopping)).catch(() => undefined);
		},
	};
}
export type Joins = ReturnType<typeof createJoins>;
