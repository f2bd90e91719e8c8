import { PermanentError } from "../../core/errors.ts";
import type { Seen } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import { createRateLimit } from "../../core/limits.ts";
import { hosted } from "../capabilities.ts";
import type { Conversation } from "../conversation.ts";
import { account, xmppNetwork } from "../from-xmpp.ts";
import { bare, resource } from "../jid.ts";
import { invitedDirectly, isInvite } from "../muc/invite-stanzas.ts";
import * as phrases from "../phrases.ts";
import type { Element } from "../stream/xml.ts";
import { isRoomJid, roomJid } from "./addresses.ts";
import { createHistory } from "./archive/history.ts";
import { createArchives, isForArchive } from "./archive/index.ts";
import { takeFacts } from "./configuration.ts";
import { createContext } from "./create-context.ts";
import { createCreation } from "./creation/index.ts";
import { makeRest } from "./creation/make.ts";
import { showFace } from "./faces.ts";
import { createOrder } from "./in-order.ts";
import { createInvites } from "./invites.ts";
import { createJoins } from "./join/index.ts";
import { createJoinQueue } from "./join/queue.ts";
import { closeRoom } from "./leaving.ts";
import { createLines } from "./lines/index.ts";
import { isModeration } from "./lines/moderation.ts";
import { createLiveness } from "./liveness.ts";
import { createLoader } from "./load.ts";
import { noteForRecord, takeMember } from "./membership.ts";
import { createPresences } from "./presence-updates.ts";
import { isJoin } from "./presences.ts";
import { createPrivateVenue } from "./private-chats.ts";
import { createQueries } from "./queries/index.ts";
import { createRestarts } from "./restarts.ts";
import { reveal } from "./reveal.ts";
import { type HostedRoom, occupantOf } from "./room.ts";
import { createSourceSignals } from "./signals.ts";
import type { World } from "./world.ts";

/** How often a sweep looks for work that is due, in ms. */
const sweepEvery = 10_000;

/** The rooms of another network, shown as MUCs of our component. */
export function createHostedRooms(world: World) {
	const { component, log, guard } = world;
	let secret = "";
	const context = createContext(
		world,
		() => secret,
		(joined, asked) => history(joined, asked),
	);
	const { rooms, returns, aliases } = context;
	const isSpelled = (jid: string) => aliases.at(jid) !== undefined;
	const lines = createLines(context);
	const history = createHistory(context, lines);
	const inOrder = createOrder<HostedRoom>((error) =>
		log.error({ err: error }, "an event could not be shown"),
	);
	const loader = createLoader(context, (room, seen) => inOrder(room, () => apply(room, seen)));
	const queue = createJoinQueue(
		rooms,
		createRateLimit(world.requests, () => world.now().at),
	);
	const creation = createCreation(context, () => joins);
	const joins = createJoins(context, loader, queue, creation.begin);
	const liveness = createLiveness(context);
	const presences = createPresences(context, { joins, queue, liveness });
	const restarts = createRestarts(context);
	const answerQuery = createQueries(context);
	const answerArchive = createArchives(context, lines, { load: loader.load, settled: queue.settled });
	const invites = createInvites(context);
	const signals = createSourceSignals(context, lines);
	let sweeping: NodeJS.Timeout | undefined;

	/** Shows one event of the source of a room. Returns a promise where later events have to wait. */
	function apply(room: HostedRoom, seen: Seen): void | Promise<void> {
		const { what } = seen;
		switch (what.kind) {
			case "said":
			case "topic": {
				const speaker = occupantOf(room, seen.sender);
				if (speaker && !reveal(room, speaker, context)) showFace(room, speaker, context);
				return lines.show(room, seen);
			}
			case "deleted":
				return lines.show(room, seen);
			case "member":
				takeMember(room, what, context);
				break;
			case "facts":
				takeFacts(room, what.facts, context);
				break;
			case "domain":
				break;
			default:
				what satisfies never;
		}
	}

	/** Returns true for a join at a plain address, by somebody who may make a room there. */
	function makesRoom(stanza: Element): boolean {
		const { from = "", to = "", type } = stanza.attrs;
		if (type !== undefined || aliases.aliasAt(bare(to)) === undefined) return false;
		return isJoin(stanza) && world.bridge().views.makesRooms(account(from));
	}

	function takePresence(stanza: Element): Element | undefined {
		const { from, to = "" } = stanza.attrs;
		const locked = context.locked.at(bare(to));
		return locked && locked.jid === from ? creation.presence(locked, stanza) : presences.take(stanza);
	}

	function takeMessage(stanza: Element): Element | undefined {
		const { type, from, to = "" } = stanza.attrs;
		if (type === "error") {
			if (!invites.takeError(stanza)) liveness.takeError(stanza);
			return undefined;
		}
		const locked = context.locked.at(bare(to));
		if (locked && locked.jid === from) return creation.message(stanza);
		const joined = rooms.joined(stanza);
		if (joined) joined.session.heard = world.now().at;
		if (isInvite(stanza) || !aliases.isRoom(to)) {
			void guard.run("invitation into a hosted room", async () => {
				const refusal = await invites.take(stanza);
				if (refusal) await world.link.send(refusal);
			});
			return undefined;
		}
		return resource(to) === undefined ? lines.message(joined, stanza) : lines.privateMessage(joined, stanza);
	}

	async function answerIq(stanza: Element): Promise<Element | undefined> {
		const locked = context.locked.at(bare(stanza.attrs.to ?? ""));
		if (locked) return creation.iq(locked, stanza);
		const joined = rooms.joined(stanza);
		if (joined) joined.session.heard = world.now().at;
		if (isForArchive(stanza)) return answerArchive(stanza);
		return isModeration(stanza) ? lines.moderate(joined, stanza) : answerQuery(stanza);
	}

	/** Returns the address of a room as people write it: by its alias, where that is known. */
	function show(room: RoomId): string {
		const parts = rooms.get(room)?.facts.alias;
		return parts ? roomJid({ kind: "alias", parts }, component) : room;
	}

	const conversation = {
		// The room of a chat of two holds a space.
		owns: (room) => !room.includes(" ") && isRoomJid(room, component),
		/** The portal of the room has ended: an admin of the source wants that, or nobody used it. */
		async detach({ room: id }) {
			const room = id && rooms.get(id);
			if (room) closeRoom(room, { reason: phrases.hostedEnded }, context);
		},
		capabilities: () => hosted,
		show,
		label(room) {
			const name = rooms.get(room)?.facts.name;
			return name ? phrases.named(name, show(room)) : show(room);
		},
		members(room) {
			const people = [...(rooms.get(room)?.people.values() ?? [])].map(({ person }) => person);
			return people.filter(({ network }) => network === xmppNetwork);
		},
		occupant: (room, nick) => rooms.get(room)?.occupants.get(nick)?.person,
		// Core makes no rows for a view: the timeline of its source is shown.
		send: () => Promise.reject(new PermanentError("failed", phrases.unlinked)),
		signal: async (out) => signals.show(out),
		hears: signals.hears,
		delivered: async (_room, all) => all.map(() => []),
		refuse: lines.refuse,
		settled: lines.settled,
		// Of the stanzas to ghosts, the invitations into a room of ours.
		claims: (stanza) =>
			aliases.isRoom(stanza.attrs.to ?? "") ||
			context.locked.at(bare(stanza.attrs.to ?? "")) !== undefined ||
			makesRoom(stanza) ||
			invitedDirectly(stanza, isSpelled) !== undefined,
		invites: true,
		stanza: (stanza) => (stanza.name === "presence" ? takePresence(stanza) : takeMessage(stanza)),
		iq: answerIq,
		online() {
			sweeping ??= setInterval(() => void guard.run("sweep of hosted rooms", sweep), sweepEvery);
			returns.online();
			void guard.run("ends of sessions", restarts.online);
			void guard.run("ends of joins", joins.online);
		},
		offline() {
			joins.offline();
			restarts.offline();
			returns.offline();
		},
		async stop() {
			clearInterval(sweeping);
			sweeping = undefined;
			await joins.stop();
			await creation.stop();
			await restarts.stop();
		},
	} satisfies Conversation;

	function sweep(): void {
		returns.sweep();
		liveness.sweep();
		presences.sweep();
		creation.sweep();
	}

	return {
		conversation,
		aliases,
		/** The rooms as a place of private chats. */
		venue: createPrivateVenue(context),
		/**
		 * Does the work that is due, and asks the clients that were silent for
		 * long; called every few seconds while the link is up.
		 */
		sweep,
		/** As `inviteToView` of core's Network. */
		bringInvite: invites.bring,
		/** Reads the stores of the last run. Called before the link to the XMPP server is up. */
		async start(): Promise<void> {
			secret = await world.bridge().secret("occupant ids");
			await context.records.load();
			await aliases.start();
			await restarts.start();
			await makeRest(context);
		},
		/** Shows the events of the source of a view, in this order. */
		reflect(view: RoomId, timeline: readonly Seen[]): void {
			for (const seen of timeline) {
				const room = rooms.get(view);
				noteForRecord(view, seen.what, context);
				if (!room) loader.keep(view, seen);
				else {
					lines.begin(seen);
					inOrder(room, () => apply(room, seen));
				}
			}
		},
	};
}
