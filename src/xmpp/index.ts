import { randomUUID } from "node:crypto";
import { TemporaryError } from "../core/errors.ts";
import { createGuard } from "../core/guard.ts";
import type { RoomId } from "../core/ids.ts";
import { usualLimits } from "../core/limits.ts";
import type { Bridge, Network, Received } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { createTrouble } from "../core/trouble.ts";
import { createAddresses } from "./addresses.ts";
import { createAnswers } from "./answers.ts";
import { createPartSender } from "./attachments.ts";
import { createBot } from "./bot.ts";
import { createConcurrencyLimit } from "./concurrency-limit.ts";
import { createContacts } from "./contacts/index.ts";
import type { Conversation } from "./conversation.ts";
import { within } from "./deadline.ts";
import type { XmppDeps } from "./deps.ts";
import { createClientFeatures } from "./direct/client-features.ts";
import { createDirectChats } from "./direct/index.ts";
import { pairRoom } from "./direct/pair.ts";
import { createDispatch } from "./dispatch.ts";
import { createFaces } from "./faces.ts";
import { createFinding } from "./finding/index.ts";
import { account, xmppNetwork } from "./from-xmpp.ts";
import { createGhostLookup } from "./ghost-lookup.ts";
import { createGhosts } from "./ghosts.ts";
import { createHealth } from "./health.ts";
import { createHostedRooms } from "./hosted/index.ts";
import { createInbox } from "./inbox.ts";
import { capabilities } from "./iq/index.ts";
import { bare, ghostJid, personAt } from "./jid.ts";
import { createJoinedConversation } from "./joined/conversation.ts";
import { createJoinedRooms } from "./joined/index.ts";
import { createSignedIds, type SignedIds } from "./joined/signed-ids.ts";
import { createOpener } from "./open.ts";
import { createOutgoingFiles } from "./outgoing-files.ts";
import { photoFor } from "./photo.ts";
import * as phrases from "./phrases.ts";
import { createPictures } from "./pictures.ts";
import { createPrivateChats } from "./private/chats.ts";
import { createProfileNews } from "./profile-news.ts";
import { createRouter } from "./routing.ts";
import { type ComponentOptions, createComponent } from "./stream/component.ts";
import { createConflictWatch } from "./stream/connection-conflict.ts";
import { createPathWatch } from "./stream/path-watch.ts";
import { createServerAck } from "./stream/server-ack.ts";

/** The nick of the listener in MUCs, and the name of the component. */
const nick = "Trivium";
const title = "XMPP";
/**
 * Lines of a chat of two that are written and not confirmed. A kill of the bridge repeats them, since no server tells
 * the lines that arrived, so they are few. They share one ping, so fewer would cost more.
 */
const unconfirmedAtMost = 8;
/** The resource of all ghosts. It never changes, so that a session replaces the one that an earlier run left. */
const resource = "trivium";
/** MUCs of one service that are discovered, and that are joined, at the same time. */
const roomsAtOnce = 20;
/** How long the start waits for the XMPP server, in ms; the other networks start after that. */
const startWithin = 5_000;
/** How long a stop waits for lookups of ghosts, in ms; lines whose ghost is not known by then are answered with an error. */
const lookedUpBeforeStop = 1_000;
/** How long reading from the XMPP server waits for lookups of ghosts, in ms. A homeserver can be slow to answer them. */
const lookedUpWithin = 1_000;
/** Lines that wait for the journal. Past that, new lines of a MUC are dropped and read from its archive later. */
const crowd = 5_000;

/** The network XMPP, as a component (XEP-0114) of an XMPP server. */
export function createXmpp(options: ComponentOptions, deps: XmppDeps) {
	const { log, readReceipts = 50 } = deps;
	const guard = deps.guard ?? createGuard(log);
	const guarded = { guard };
	const software = { name: nick, version: deps.version ?? "", uri: `xmpp:${options.component}` };
	const namespace = { component: options.component, ...deps.namespace };
	let bridge: Bridge;
	let inbox: ReturnType<typeof createInbox>;
	let stopping = false;
	/** Rejects when a stop waits for lookups no longer. */
	const lookupsEnd = Promise.withResolvers<never>();
	lookupsEnd.promise.catch(() => undefined);
	/** Of the link to the XMPP server. */
	const trouble = createTrouble("no connection yet");

	const link = createComponent(
		{ ...options, log },
		{
			stanza: (element) => route.take(element),
			skip: (from, to, name, type) => conversations.some((one) => one.skips?.(from, to, name, type)),
			async taken() {
				await within(lookedUpWithin, route.settled()).catch(() => undefined);
				await inbox.reached();
			},
			online() {
				trouble.end();
				conflictWatch.online();
				pathWatch.online();
				for (const one of conversations) one.online?.();
				void guard.run("look for an upload service", outgoing.look);
				void guard.run("answers of the last link", answers.sendKept);
				bridge.resume(xmppNetwork);
			},
			offline(cause) {
				trouble.begin(cause);
				conflictWatch.offline();
				pathWatch.offline();
				for (const one of conversations) one.offline?.(cause);
			},
			fatal(cause) {
				trouble.begin(cause);
			},
		},
	);
	const conflictWatch = createConflictWatch(link, options.component, log);
	const pathWatch = createPathWatch(link, options.component, log);
	const settings = deps.mapping ?? { setting: async () => undefined, saveSetting: async () => undefined };
	const answers = createAnswers({ link, settings, log });
	let sealed: SignedIds;
	const outgoing = createOutgoingFiles({
		...{ link, log, given: deps.files },
		component: options.component,
		open: (source, range) => bridge.open(source, range),
	});
	const { files } = outgoing;
	const now = () => ({ at: Date.now(), unique: randomUUID });

	const who = createGhostLookup(async (ghost) => {
		const address = personAt(ghost, namespace);
		return address && Promise.race([bridge.findPerson(address.network, address.address), lookupsEnd.promise]);
	});
	const ghost = (person: Pick<Person, "network" | "address">) =>
		ghostJid(person.network, person.address, namespace);
	/** The bare JID of the bot. */
	const stated = ghostJid(namespace.plain, [deps.bot ?? "trivium"], namespace);
	const faces = createPictures({ open: (source) => bridge.open(source), now: Date.now, log });
	const people = createFaces({
		link,
		now: Date.now,
		asker(jid) {
			if (rooms.has(bare(jid))) return rooms.asker(bare(jid));
			return `${contacts.watching(bare(jid)) ?? stated}/${resource}`;
		},
	});
	const rooms = createJoinedRooms(
		{
			link,
			component: options.component,
			log,
			...guarded,
			tell(events) {
				inbox.events(events);
				for (const event of events)
					if (event.kind === "membership" && event.change === "leave")
						privately.left(event.room, event.sender);
			},
			privately: (whisper) => privately.take(whisper),
			privateError: (stanza) => privately.failed(stanza),
			signal: (signal) => bridge.signal(signal),
			changed: (room) => bridge.changed(xmppNetwork, room.jid as RoomId),
			readReceipts,
			idleAfter: deps.idleAfter,
			cursor: (key) => bridge.cursor(key),
			cursors: (prefix) => bridge.cursors(prefix),
			save: (cursor) => inbox.save(() => bridge.saveCursor(cursor)),
			settled: () => inbox.reached(),
			crowded: () => inbox.depth() > crowd,
			signedIds: () => sealed,
			// The rosters of MUCs that the bridge leaves are no news.
			sync: (room) => {
				if (!stopping)
					inbox.after(() => bridge.sync(xmppNetwork, room.jid as RoomId, rooms.others(room.jid)));
			},
			personAt: (jid) => who(jid),
			ended: (room, why) =>
				void guard.run("end of a link", () => bridge.ended(xmppNetwork, room.jid as RoomId, why)),
			resume: () => bridge.resume(xmppNetwork),
			paced: createConcurrencyLimit(roomsAtOnce),
			faces,
			fullName: people.fullName,
			sealer: deps.sealer,
			described: (room, description) =>
				void guard.run("looks of a MUC", () =>
					bridge.described(xmppNetwork, room.jid as RoomId, description),
				),
			pictured: (room, picture) =>
				void guard.run("picture of a MUC", () => bridge.pictured(xmppNetwork, room.jid as RoomId, picture)),
			now,
		},
		{
			ghost,
			stated,
			nick,
			resource,
		},
	);
	const { component } = options;
	const clients = createClientFeatures(link, resource, log, (client, ghost) =>
		bridge.changed(xmppNetwork, pairRoom(client, ghost)),
	);
	const ghostCapabilities = capabilities(software);
	const news = createProfileNews({ who, ghost, faces, link, guard });
	const ghostPayloads = () => [ghostCapabilities];
	const confirm = createServerAck(link, component);
	const tell = (events: readonly Received[]) => inbox.events(events);
	const privately = createPrivateChats({
		venues: () => [hosted.venue, rooms.venue],
		bridge: () => bridge,
		...{ confirm, ghost, now, guard, tell },
		...(deps.taken && { taken: deps.taken }),
	});
	const contacts = createContacts({
		...{ link, component, resource, who, guard, log, now, tell, faces },
		payloads: (person) => [ghostCapabilities, ...(person ? photoFor(person, faces.hash) : [])],
		bridge: () => bridge,
	});
	const chats = createDirectChats({
		...{ link, clients, contacts, confirm, tell, resource, who, ghost, now, log },
		faces: people,
		bridge: () => bridge,
		answer: answers.send,
		...guarded,
		...(deps.taken && { taken: deps.taken }),
	});
	const { membersMirrored } = deps;
	const hosted = createHostedRooms({
		link,
		component,
		of: namespace.plain,
		bridge: () => bridge,
		log,
		guard,
		tell: (events) => inbox.events(events),
		ghost,
		resource,
		standsFor: (jid) => personAt(jid, namespace),
		isOwn: rooms.isListener,
		readReceipts,
		requests: (deps.limits ?? usualLimits).requests,
		software,
		ghostPayloads,
		faces,
		pictureOf: people.picture,
		files,
		partly: (event, error) => bridge.partly(event, error, title),
		privately: privately.take,
		left: privately.left,
		entered: contacts.entered,
		now,
	});
	/** A stanza goes to the first that claims it: a private message in a MUC belongs to no chat of two. */
	const conversations: readonly Conversation[] = [
		hosted.conversation,
		createJoinedConversation(rooms, { software, membersMirrored, log }),
		privately.conversation,
		chats,
	];
	const { owner, conversationOf, methods } = createDispatch(conversations);
	const addresses = createAddresses({
		link,
		component,
		namespace,
		owner,
		isMuc: rooms.has,
		unlock: rooms.unlock,
	});

	const bot = createBot({
		bridge: () => bridge,
		component,
		jid: stated,
		resource,
		isMuc: rooms.has,
		ownsMuc: rooms.owns,
		paused: () => stopping,
		now,
		files,
		log,
	});
	const route = createRouter({
		...guarded,
		link,
		answer: answers.send,
		granted: contacts.granted,
		conversations,
		bot,
		ghosts: createGhosts({
			...{ who, bridge: () => bridge },
			occupant: rooms.ownPerson,
			picture: faces.soon,
			bot,
			contacts,
			personUrl: (person) => bridge.personUrl(person),
			finding: createFinding({
				...{ bridge: () => bridge, component, aliases: hosted.aliases, of: namespace.plain, ghost },
			}),
			present: chats.present,
			contact: deps.contact ?? [],
			software,
			resource,
			log,
		}),
		allowed: (jid) => bridge.allows(account(jid), "use"),
		component,
		log,
	});

	const health = createHealth({
		...{ link, component, trouble, conflictWatch, pathWatch, log },
		service: options.service,
		publicFiles: deps.files !== undefined,
	});

	return {
		...methods,
		name: xmppNetwork,
		title,
		window: 20,
		chatWindow: unconfirmedAtMost,
		threadsHaveIds: true,
		commandsAlone: true,

		async start(of) {
			bridge = of;
			inbox = createInbox(bridge, log);
			await answers.load();
			await contacts.load();
			sealed = createSignedIds(await bridge.secret("xmpp lines"));
			await hosted.start();
			let timer: NodeJS.Timeout | undefined;
			const late = new Promise<void>((resolve) => {
				timer = setTimeout(resolve, startWithin);
			});
			await Promise.race([link.start(), late]);
			clearTimeout(timer);
		},
		// The server sends no stanza twice, so each one that comes before it has closed the stream is taken or answered.
		async pause() {
			stopping = true;
		},
		async stop() {
			stopping = true;
			for (const one of conversations)
				await one.stop?.().catch((error: unknown) => log.warn({ err: error }, "the MUCs could not be left"));
			await link.stop();
			const timer = setTimeout(
				() => lookupsEnd.reject(new TemporaryError("the bridge stops")),
				lookedUpBeforeStop,
			);
			await route.settled();
			clearTimeout(timer);
			await inbox?.settled();
			await answers.save();
		},

		status: health.status,
		check: health.check,
		capabilities: (room) => ({
			...conversationOf(room).capabilities(room),
			...(!files() && { media: "text" }),
		}),
		lacks: { media: phrases.noPublic },
		send: createPartSender(
			news.through((out) => conversationOf(out.room).send(out)),
			files,
			(event, error) => bridge.partly(event, error, title),
		),
		open: createOpener({ link, people, fetch: deps.fetch }),
		admits: rooms.admits,
		async successor({ room }) {
			const next = room && (await rooms.alternate(room));
			return next ? [next] : undefined;
		},
		showPicture: rooms.showPicture,
		reflect: news.seen(hosted.reflect),
		...{ inviteToView: hosted.bringInvite, inviteFrom: rooms.inviteFrom },

		...addresses,
		async openDirect(ours, theirs) {
			if (ours.address.length !== 1) return privately.room(ours, theirs);
			return pairRoom(ours.id, ghostJid(theirs.network, theirs.address, namespace));
		},
	} satisfies Network;
}
