import { createHash } from "node:crypto";
import { createLookAlikes } from "../core/confusable.ts";
import { PermanentError } from "../core/errors.ts";
import type { BridgeEvent } from "../core/event.ts";
import { createGuard, type Guard } from "../core/guard.ts";
import type { MessageId, RoomId } from "../core/ids.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Mapping, Portal } from "../core/mapping.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import type { Bridge, Network, Outbound } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { createAddresses } from "./addresses.ts";
import { capabilities } from "./capabilities.ts";
import { createMatrixClient, MatrixError } from "./client.ts";
import { createDelivery } from "./deliver.ts";
import { isEncrypted } from "./encrypted-rooms.ts";
import { createEventCache } from "./event-cache.ts";
import { createFaces } from "./faces.ts";
import { partsOf } from "./ghost-name.ts";
import { createGhosts, type GhostLimits } from "./ghosts.ts";
import { botName, createHomeserverLink } from "./homeserver-link.ts";
import { createHosting } from "./hosting/index.ts";
import type { LookLimits } from "./hosting/look.ts";
import { isHosted } from "./hosting/timeline.ts";
import { recoverIds } from "./id-recovery.ts";
import { createInbound } from "./inbound.ts";
import { createLookup } from "./lookup.ts";
import { createMediaStore } from "./media.ts";
import { createMembers } from "./members.ts";
import { createMessageStatus } from "./message-status.ts";
import { isGhost, matrixNetwork, matrixTitle, portalAlias } from "./mxid.ts";
import { createNewcomers } from "./newcomers.ts";
import { createOtherBridges } from "./other-bridges.ts";
import { createOwnAliases } from "./own-aliases.ts";
import { createPeopleSearch } from "./people-search.ts";
import * as phrases from "./phrases.ts";
import { createPolicyLists } from "./policy-lists.ts";
import { createPresences } from "./presence.ts";
import { createRanks } from "./ranks.ts";
import { differences, loadRegistration } from "./registration.ts";
import { createRoomAliases } from "./room-aliases.ts";
import { createRoomCreation } from "./room-creation.ts";
import { createRoomDescriptions } from "./room-descriptions.ts";
import { createRoomLabels } from "./room-labels.ts";
import { createRoomPictures } from "./room-pictures.ts";
import { createRooms } from "./rooms.ts";
import { createReturnOfGhosts, liftOwnBan } from "./send-moderation.ts";
import { createSendOnce } from "./send-once.ts";
import { createRoomService } from "./serve-rooms.ts";
import { createSignals, typingLasts } from "./signals.ts";
import { answer } from "./to-matrix.ts";
import { createUpgrades } from "./upgrades.ts";

export type MatrixOptions = Readonly<{
	/** URL of the client-server API. */
	homeserver: string;
	/** The server name in MXIDs. */
	domain: string;
	/** Localpart of the bridge bot. */
	bot: string;
	/** The prefix of commands in a room. */
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

/** Matrix, as an application service of one homeserver. */
export function createMatrix(
	options: MatrixOptions,
	deps: {
		mapping: Mapping;
		log: Log;
		/** Networks whose people have ghosts here; each has its namespace in the registration. */
		ghostsOf: readonly string[];
		limits?: GhostLimits & Partial<LookLimits>;
		/** Read positions are shown in rooms of at most this many members; in chats of two always. */
		readReceipts?: number;
		/** Notes which event or row is in hand. */
		guard?: Guard;
		/** Fetches files from the addresses to which the homeserver redirects. */
		fetch?: (url: string, range?: ByteRange) => Promise<Opened>;
	},
) {
	const { mapping, log, ghostsOf, guard = createGuard(deps.log) } = deps;
	const { homeserver, domain } = options;
	const bot = `@${options.bot}:${domain}`;
	const isOurs = (mxid: string) => mxid === bot || isGhost(mxid, ghostsOf, domain);
	const registration = loadRegistration(options.appservice.registration);
	/** A line an hour: the homeserver may limit each request. */
	const mayTell = createRateLimit({ perMinute: 1 / 60, burst: 1 });
	const limited = () => {
		if (mayTell("limited"))
			log.warn({ cure: phrases.rateLimited }, "the homeserver limits the rate of the bridge");
	};
	// A homeserver that ends closes all connections, whether we ask it something or not.
	const closed = () => parts?.backfill.checkNow();
	const client = createMatrixClient({ homeserver, token: registration.as_token, limited, closed });
	const { fetch = () => Promise.reject(new PermanentError("failed", phrases.fileRefused)) } = deps;
	const files = createMediaStore({ homeserver, token: registration.as_token, client, fetch });
	const members = createMembers(client, domain);
	const isLike = createLookAlikes();
	const ghosts = createGhosts({
		...{ client, mapping, domain },
		...(deps.limits && { limits: deps.limits }),
		comparison: (ghost, room = "") => ({
			isMistakable: (name) =>
				isLike(name, [botName, ...members.named(room, (mxid) => mxid === bot || !isOurs(mxid))]),
			isTaken: (name) =>
				!members.known(room) ||
				isLike(name, [botName, ...members.named(room, (mxid) => mxid !== ghost).flatMap(partsOf)]),
		}),
	});
	const faces = createFaces({
		...{ client, mapping, files, guard, log },
		open: (source) => parts.bridge.open(source),
	});
	const ranks = createRanks({ client, members, mapping, bot, guard, log });
	const rooms = createRooms({ client, members, ghosts, bot, isOurs });
	const creation = createRoomCreation({ client, ghosts, rooms, domain });
	const aliases = createRoomAliases(mapping);
	const sendOnce = createSendOnce(client, isOurs, log);
	const eventCache = createEventCache({ client, members, ghosts, isOurs, log });
	const otherBridges = createOtherBridges({ globs: options.bridges ?? [], client, isOurs });
	const policyLists = createPolicyLists({
		...{ client, rooms, domain, guard },
		changed: (room) => parts.bridge.policyChanged(matrixNetwork, room),
	});
	const tell = createMessageStatus(client);
	const letBackIn = createReturnOfGhosts({ ghosts, rooms });
	const link = createHomeserverLink({ client, rooms, bot, localpart: options.bot, log });
	const ownAliases = createOwnAliases({ client, homeserver, localpart: options.bot });
	const hosted = createHosting({
		aliases: ownAliases,
		...{
			client,
			ghosts,
			faces,
			members,
			rooms,
			eventCache,
			mapping,
			domain,
			bot,
			isOurs,
			isLike,
			guard,
			log,
		},
		...(deps.limits && { limits: deps.limits }),
		ask: (work) => ask(work),
		speaker: (room) => speaker(room),
		isServed: async (room) => (await portalOf(room)) !== undefined,
		suspect: (room) => parts.backfill.suspect(room),
		personAt: (network, address) => parts.bridge.personAt(network, address),
		async begin(room) {
			await parts.backfill.begin(room);
			await parts.bridge.beginArchive(matrixNetwork, room);
		},
	});
	const { readReceipts = 50 } = deps;
	const searchPeople = createPeopleSearch({ client, ghosts, members, isOurs });
	const presences = createPresences({ client, guard, log });
	const signal = createSignals({
		client,
		ghosts,
		presences,
		members,
		readReceipts,
		speaker: (room) => speaker(room),
	});
	/** The parts that need core; made at start. */
	let parts!: ReturnType<typeof compose>;

	function compose(bridge: Bridge) {
		const upgrades = createUpgrades({ client, rooms, bridge, bot, guard, log });
		const common = {
			homeserver,
			client,
			mapping,
			members,
			ghosts,
			faces,
			ranks,
			rooms,
			creation,
			aliases,
			sendOnce,
			eventCache,
			otherBridges,
			policyLists,
			upgrades,
			bridge,
			networks: ghostsOf,
			files,
			domain,
			bot,
			isOurs,
			people,
			linkOf,
			refuse,
			guard,
			log,
		};
		const lookup = createLookup({ ...common, named: aliases.save });
		const inbound = createInbound({
			...common,
			prefix: options.prefix,
			listen: options.appservice.listen,
			registration,
			reader: speaker,
			isWhole: async (room) => isHosted(await portalOf(room as RoomId)),
			lookup,
			see: hosted.see,
			lookInvited: hosted.lookInvited,
			newcomer: createNewcomers({ members, ghosts, markIn: hosted.mark, isLike, bot, isOurs, guard }),
			away: link.away,
			back: () => {
				link.back();
				bridge.resume(matrixNetwork);
			},
		});
		const { backfill } = inbound;
		const service = createRoomService({ ...common, readReceipts, backfill, readMembers: hosted.readMembers });
		return { bridge, lookup, inbound, backfill, upgrades, service, deliver: createDelivery(common) };
	}

	/** Does what may be refused by the homeserver, for a person who then reads why. */
	const ask = <T>(work: () => Promise<T>) => link.ask(work, () => parts.backfill.checkNow());
	const portalOf = (room: RoomId): Promise<Portal | undefined> => parts.bridge.portal(matrixNetwork, room);
	async function speaker(room: RoomId): Promise<string | undefined> {
		const portal = await portalOf(room);
		// After a start nobody knows yet which ghosts are in a room without the bot.
		const isUnread = isHosted(portal) && !members.known(room) && !rooms.withBot.has(room);
		if (isUnread) await hosted.readMembers(room);
		return rooms.speaker(room, portal);
	}
	const linkOf = async (room: RoomId) => (await portalOf(room))?.links.find((link) => link.room === room)?.id;
	const people = (room: string): readonly Person[] =>
		[...members.of(room).keys()].filter((mxid) => !isOurs(mxid)).map((mxid) => members.inRoom(room, mxid));

	const label = createRoomLabels({ client, members, aliases, domain, people });

	async function refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void> {
		const portal = await portalOf(event.room);
		const as = await speaker(event.room);
		if (as !== undefined && isHosted(portal))
			// Without the bot only ghosts are there, and each stands for a person who did not say this.
			return log.debug(
				{ err: error, room: event.room, event: event.id },
				"a sender without the bot is not told",
			);
		// Clients show no answer to a reaction, or to what changes a message.
		const about = "target" in event ? event.target.id : event.id;
		await tell({ room: event.room, event: event.id, about, as }, error, target);
		await letBackIn(event);
	}

	return {
		name: matrixNetwork,
		title: matrixTitle,
		// Two requests at once may arrive in either order.
		window: 1,
		reactionsHaveIds: true,
		async start(bridge) {
			const { url } = options.appservice;
			const config = { url, domain, bot: options.bot, networks: ghostsOf };
			for (const difference of differences(registration, config))
				log.warn(
					{ difference },
					"the registration differs from the config; the homeserver goes by the former",
				);
			parts = compose(bridge);
			await link.meet();
			await parts.inbound.start();
			await hosted.start();
			await parts.upgrades.start();
		},
		async pause() {
			await parts?.inbound.pause();
		},
		async stop() {
			parts?.service.stop();
			parts?.backfill.stop();
			presences.stop();
			hosted.stop();
			await ownAliases.stop();
			client.close();
		},
		status() {
			const status = link.status();
			const cause = status.up ? parts?.backfill.notReached() : undefined;
			return cause === undefined ? status : { up: false, cause };
		},
		capabilities: () => capabilities,
		open: files.open,
		send: (out: Outbound): Promise<readonly MessageId[]> =>
			ask(async () => {
				const since = Date.now();
				const ids = await parts.deliver(out);
				if (ids.length > 0) parts.backfill.noteSent(since);
				return ids;
			}),
		signal,
		typingLasts,
		refuse,
		recentMessages: (room) =>
			ask(async () => recoverIds(room, await speaker(room), { client, members, isOurs })),
		async presence(of, to) {
			const as = await ghosts.known(to);
			return as === undefined ? undefined : presences.read(of.id, as);
		},
		findPerson: (address) => parts.lookup.person(address),
		searchPeople: (words, by) => ask(() => searchPeople(words, by)),
		findRoom: (address) => parts.lookup.room(address),
		attach: (portal, link) => ask(() => parts.service.attach(portal, link)),
		detach: (portal, link) =>
			ask(async () => {
				await parts.service.detach(portal, link);
				await ranks.ends(link.room as string);
				// Our ghosts in it have to be known to leave it.
				if (link.role === "hosted" && !members.known(link.room as string))
					await hosted.readMembers(link.room as string);
				await rooms.abandon(link.room as string, link.ours === true);
			}),
		restate: (portal, link) => parts.service.restate(portal, link),
		createRoom: (of, address, info) =>
			ask(async () => {
				const room = await creation.create(of, address, info);
				rooms.botCame(room);
				await aliases.save(room, portalAlias(of, address, domain));
				return room as RoomId;
			}),
		openDirect: (ours, theirs) => ask(async () => (await creation.openDirect(ours, theirs)) as RoomId),
		announce: (room, text) =>
			ask(async () => {
				const as = await speaker(room);
				const txn = createHash("sha256").update(`${room} ${text}`).digest("base64url");
				const body = answer(text, undefined);
				await client.send(room, "m.room.message", `announce.${txn}`, { ...(as && { as }), body });
			}),
		describe: createRoomDescriptions({ client, mapping, guard, log }),
		showPicture: createRoomPictures({ client, mapping, faces, bot, guard, log }),
		invite: (room, person, words) =>
			ask(async () => {
				const portal = await portalOf(room);
				const chat = portal?.between !== undefined;
				if (!chat) await liftOwnBan(client, room, person.id, bot);
				await rooms.invite(room, person.id, { chat, as: await rooms.speaker(room, portal), reason: words });
			}),
		...createAddresses(aliases, domain),
		label: ({ room = "" }) => ask(async () => label(room, await speaker(room as RoomId))),
		hasMessage: async (room, id) => {
			try {
				await client.event(room, id, await speaker(room));
				return true;
			} catch (error) {
				if (error instanceof MatrixError) return false;
				throw error;
			}
		},
		mayLink: (room, to) =>
			ask(async () => {
				const as = await speaker(room);
				if (await isEncrypted(client, room, as)) throw new PermanentError("invalid", phrases.encryptedRoom);
				const other = await otherBridges.linking(room, to, as);
				if (other !== undefined) throw new PermanentError("invalid", phrases.linkedByOther(other));
			}),
		mayGiveRights: (room) => ask(() => ranks.mayGive(room)),
		policyLists: {
			follow: (address) => ask(() => policyLists.follow(address)),
			bans: policyLists.bans,
		},
		hosting: hosted.hosting,
		members: (room) =>
			ask(async () => {
				const as = await speaker(room);
				await members.read(room, as);
				return otherBridges.single(people(room), room, await portalOf(room), as);
			}),
	} satisfies Network;
}
