import { setTimeout as wait } from "node:timers/promises";
import { backoff } from "../core/backoff.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { BridgeEvent } from "../core/event.ts";
import { createGuard, type Guard } from "../core/guard.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Link, Mapping, Portal } from "../core/mapping.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import type { Bridge, Network, Outbound } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { createAppservice, type Transaction } from "./appservice.ts";
import { createBackfill } from "./backfill/index.ts";
import { capabilities } from "./capabilities.ts";
import { createMatrixClient, MatrixError } from "./client.ts";
import { createDelivery } from "./deliver.ts";
import { isEvent } from "./event.ts";
import { createEventCache } from "./event-cache.ts";
import { createGhosts, type GhostLimits } from "./ghosts.ts";
import { recoverIds } from "./id-recovery.ts";
import { createLookup } from "./lookup.ts";
import { createMediaStore } from "./media.ts";
import { createMembers, name, title } from "./members.ts";
import { createMessageStatus } from "./message-status.ts";
import { isGhost, portalAlias } from "./mxid.ts";
import { createOtherBridges } from "./other-bridges.ts";
import * as phrases from "./phrases.ts";
import { differences, loadRegistration } from "./registration.ts";
import { createRooms } from "./rooms.ts";
import { createSendOnce } from "./send-once.ts";
import { isForeign } from "./timeline.ts";
import { createTransactions } from "./transactions.ts";

export type MatrixOptions = Readonly<{
	/** URL of the client-server API. */
	homeserver: string;
	/** The server name in MXIDs. */
	domain: string;
	/** Localpart of the bridge bot. */
	bot: string;
	/** What a command in a room begins with. */
	prefix: string;
	/** Globs over the MXIDs of the ghosts of other bridges. */
	bridges?: readonly string[];
	appservice: Readonly<{
		listen: Readonly<{ host: string; port: number }>;
		url: string;
		/** The file. */
		registration: string;
	}>;
}>;

const botName = "Trivium";
/**
 * How long a transaction of nothing but what we said ourselves is held before it is acknowledged, in ms: meanwhile more of
 * that gathers in the next one. One for each line would cost the homeserver, and us, as much as the line itself.
 */
const gathering = 10;

/** Matrix, as an application service of one homeserver. */
export function createMatrix(
	options: MatrixOptions,
	deps: {
		mapping: Mapping;
		log: Log;
		/** Networks whose people have ghosts here; each has its namespace in the registration. */
		ghostsOf: readonly string[];
		limits?: GhostLimits;
		/** Notes which event or row is in hand. */
		guard?: Guard;
		/** Fetches files from where the homeserver sends us to. */
		fetch?: (url: string, range?: ByteRange) => Promise<Opened>;
	},
) {
	const { mapping, log, ghostsOf, guard = createGuard(deps.log) } = deps;
	const { domain } = options;
	const bot = `@${options.bot}:${domain}`;
	const isOurs = (mxid: string) => mxid === bot || isGhost(mxid, ghostsOf, domain);
	const registration = loadRegistration(options.appservice.registration);
	const client = createMatrixClient({ homeserver: options.homeserver, token: registration.as_token });
	const { fetch = () => Promise.reject(new PermanentError("failed", phrases.fileRefused)) } = deps;
	const files = createMediaStore({
		homeserver: options.homeserver,
		token: registration.as_token,
		client,
		fetch,
	});
	const members = createMembers(client, domain);
	const ghosts = createGhosts({ client, mapping, domain, ...(deps.limits && { limits: deps.limits }) });
	const rooms = createRooms({ client, mapping, members, ghosts, domain, bot, isOurs });
	const sendOnce = createSendOnce(client, isOurs, log);
	const eventCache = createEventCache({ client, members, ghosts, isOurs, log });
	const otherBridges = createOtherBridges({ globs: options.bridges ?? [], client, isOurs });
	const tell = createMessageStatus(client);
	/** How people write a room, as far as we were told; kept for the next start. */
	const aliases = new Map<string, string>();
	const aliasOf = (room: string) => `matrix alias ${room}`;
	/** What needs core to work; made at start. */
	let side!: ReturnType<typeof compose>;
	/** Why the homeserver is of no use to us, as far as we were told. */
	let down: string | undefined = "not asked yet";

	async function named(room: string, alias: string): Promise<void> {
		if (aliases.get(room) === alias) return;
		aliases.set(room, alias);
		await mapping.saveSetting(aliasOf(room), alias);
	}

	function compose(bridge: Bridge) {
		const common = {
			client,
			members,
			ghosts,
			rooms,
			sendOnce,
			eventCache,
			bridge,
			files,
			domain,
			bot,
			isOurs,
			guard,
			log,
		};
		const find = createLookup({ ...common, networks: ghostsOf, named });
		const take = createTransactions({
			...common,
			prefix: options.prefix,
			otherBridges,
			refuse,
			confirm: sendOnce.confirm,
			// Core has no use for echoes. A room hosted for another network will show them in their place among these.
			receive: async (entries) => {
				const foreign = entries.filter(isForeign);
				if (foreign.length > 0) await bridge.receive(foreign);
			},
		});
		const backfill = createBackfill({
			...common,
			registration: registration.id,
			linkOf,
			reader: speaker,
			take,
			away: (cause) => {
				down = cause;
			},
			back: () => {
				down = undefined;
				bridge.resume(name);
			},
		});
		const transaction = async ({ id, events }: Transaction) => {
			const known = events.filter(isEvent);
			if (known.length < events.length)
				log.warn({ count: events.length - known.length }, "the homeserver sent what is no event");
			await backfill.taken(id, known);
			if (known.length > 0 && known.every((event) => isOurs(event.sender))) await wait(gathering);
		};
		const { listen } = options.appservice;
		const user = async (mxid: string) => mxid === bot || find.ghost(mxid);
		const listener = createAppservice(
			{ homeserver: options.homeserver, domain, listen, registration },
			{ transaction, alias: find.alias, user },
			log,
		);
		return { bridge, find, listener, backfill, deliver: createDelivery(common) };
	}

	/** Waits for the homeserver, however long; only what it will never accept ends that. */
	async function meetHomeserver(): Promise<void> {
		for (let failures = 0; ; failures++) {
			try {
				await client.register(options.bot);
				const { displayname } = await client.profile(bot);
				if (!displayname || displayname === options.bot) await client.setName(bot, botName);
				for (const room of (await client.joinedRooms()).joined_rooms) rooms.withBot.add(room);
				down = undefined;
				return;
			} catch (error) {
				if (!(error instanceof TemporaryError)) throw error;
				down = error.message;
				const retryMs = backoff(failures, { first: 1_000, most: 30_000 });
				log.warn({ err: error, retryMs }, "waiting for the homeserver");
				await wait(retryMs);
			}
		}
	}

	/** A definite no of the homeserver is the end of a delivery or request; a person is told. */
	async function definite<T>(work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} catch (error) {
			if (error instanceof TemporaryError) side.backfill.checkNow();
			if (!(error instanceof MatrixError)) throw error;
			const reason = error.status === 403 ? "forbidden" : error.status === 404 ? "not-found" : "failed";
			throw new PermanentError(reason, phrases.homeserverRefused(error.message), { cause: error });
		}
	}

	const portalOf = (room: RoomId) => side.bridge.portal(name, room);
	const speaker = async (room: RoomId) => rooms.speaker(room, await portalOf(room));
	const linkOf = async (room: RoomId) => (await portalOf(room))?.links.find((link) => link.room === room)?.id;
	const people = (room: string): readonly Person[] =>
		[...members.of(room)]
			.filter(([mxid]) => !isOurs(mxid))
			.map(([mxid, called]) => members.person(mxid, called));

	async function refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void> {
		// Clients show no answer to a reaction, or to what changes a message.
		const about = "target" in event ? event.target.id : event.id;
		await tell({ room: event.room, event: event.id, about, as: await speaker(event.room) }, error, target);
	}

	async function attach(portal: Portal, link: Link): Promise<void> {
		await serve(portal, link).catch((error: unknown) => {
			if (error instanceof TemporaryError)
				void guard.run("later try to serve a room", () => serveLater(portal, link));
			throw error;
		});
	}

	let stopped = false;
	/** The homeserver was away just then, and core does not ask again. */
	async function serveLater(portal: Portal, link: Link): Promise<void> {
		for (let failures = 0; ; failures++) {
			await wait(backoff(failures, { first: 1_000, most: 60_000 }), undefined, { ref: false });
			try {
				if (stopped || (await linkOf(link.room as RoomId)) !== link.id) return;
				return await serve(portal, link);
			} catch (error) {
				if (error instanceof TemporaryError) continue;
				return log.warn({ err: error, room: link.room }, "a room is not served");
			}
		}
	}

	async function serve(portal: Portal, link: Link): Promise<void> {
		const room = link.room as RoomId;
		if (link.role !== "direct" && !rooms.withBot.has(room)) {
			await client.join(room);
			rooms.withBot.add(room);
		}
		const alias = aliases.get(room) ?? (await mapping.setting(aliasOf(room)));
		if (alias) aliases.set(room, alias);
		const as = await rooms.speaker(room, portal);
		await members.read(room, as);
		const partly = (error: unknown) => log.warn({ err: error, room }, "a room is only partly served");
		side.backfill.follow(room, link.id).catch(partly);
		// Not awaited: core may hold its own turn while it attaches. In a chat of two nobody has to be introduced.
		if (link.role !== "direct") side.bridge.sync(name, room, people(room)).catch(partly);
		rooms.describe(room, portal, as).catch((error: unknown) => {
			// A room that is not ours need not let us say what it is bridged to: all else works.
			if (!(error instanceof MatrixError && error.errcode === "M_FORBIDDEN")) return partly(error);
			log.debug({ err: error, room }, "a room does not let us say what it is bridged to");
		});
	}

	return {
		name,
		title,
		// Two requests at once may arrive in either order.
		window: 1,
		reactionsHaveIds: true,
		async start(bridge) {
			const config = {
				url: options.appservice.url,
				domain,
				bot: options.bot,
				networks: ghostsOf,
			};
			for (const difference of differences(registration, config))
				log.warn(
					{ difference },
					"the registration differs from the config; the homeserver goes by the former",
				);
			side = compose(bridge);
			await meetHomeserver();
			await side.listener.start();
			side.backfill.start();
		},
		async pause() {
			await side?.backfill.pause(side.listener.stop());
		},
		async stop() {
			stopped = true;
			side?.backfill.stop();
			client.close();
		},
		status: () => (down === undefined ? { up: true } : { up: false, cause: down }),
		capabilities: () => capabilities,
		open: files.open,
		send: (out: Outbound): Promise<readonly MessageId[]> =>
			definite(async () => {
				const since = Date.now();
				const ids = await side.deliver(out);
				if (ids.length > 0) side.backfill.said(since);
				return ids;
			}),
		refuse,
		recentMessages: (room) =>
			definite(async () => recoverIds(room, await speaker(room), { client, members, isOurs })),
		findPerson: (address) => side.find.person(address),
		findRoom: (address) => side.find.room(address),
		attach: (portal, link) => definite(() => attach(portal, link)),
		detach: (_portal, link) => definite(() => rooms.abandon(link.room as string, link.ours === true)),
		createRoom: (of, address, info) =>
			definite(async () => {
				const room = await rooms.create(of, address, info);
				rooms.withBot.add(room);
				await named(room, portalAlias(of, address, domain));
				return room as RoomId;
			}),
		openDirect: (ours, theirs) => definite(async () => (await rooms.openDirect(ours, theirs)) as RoomId),
		invite: (room, person) => definite(async () => rooms.invite(room, person.id, await speaker(room))),
		show: ({ room = "?" }) => aliases.get(room) ?? room,
		members: (room) =>
			definite(async () => {
				await members.read(room, await speaker(room));
				return people(room);
			}),
	} satisfies Network;
}
