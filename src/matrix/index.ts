import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { BridgeEvent, Person } from "../core/event.ts";
import type { MessageId, NetworkName, RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Link, Mapping, Portal } from "../core/mapping.ts";
import type { Bridge, Network, Outbound } from "../core/network.ts";
import * as phrases from "../core/phrases.ts";
import { appservice } from "./appservice.ts";
import { capabilities } from "./capabilities.ts";
import { MatrixError, matrixClient } from "./client.ts";
import { keepGhosts } from "./ghosts.ts";
import { keepMembers, name } from "./members.ts";
import { aliasAddress, ghostAddress, isGhost, personMxid, portalAlias } from "./mxid.ts";
import { refusals } from "./refusals.ts";
import { differences, readRegistration } from "./registration.ts";
import { keepRooms } from "./rooms.ts";
import { asFile, type Content, fits, toMatrix } from "./to-matrix.ts";
import { transactions } from "./transactions.ts";

export type MatrixOptions = Readonly<{
	/** URL of the client-server API. */
	homeserver: string;
	/** The server name in MXIDs. */
	domain: string;
	/** Localpart of the bridge bot. */
	bot: string;
	/** What a command in a room begins with. */
	prefix: string;
	appservice: Readonly<{
		listen: Readonly<{ host: string; port: number }>;
		url: string;
		/** The file. */
		registration: string;
	}>;
}>;

/** Whose people have ghosts here; each has its namespace in the registration. */
export const bridgedNetworks: readonly string[] = ["xmpp", "mqtt"];
const botName = "Trivium";
/** How long another homeserver may take to tell us about one of its people, in ms. */
const lookup = 10_000;
/** Uploads kept in mind, so that a retry sends the same file. */
const remembered = 1_000;

/** Matrix, as an application service of one homeserver. */
export function matrix(options: MatrixOptions, deps: { mapping: Mapping; log: Log }): Network {
	const { mapping, log } = deps;
	const { domain } = options;
	const bot = `@${options.bot}:${domain}`;
	const isOurs = (mxid: string) => mxid === bot || isGhost(mxid, bridgedNetworks, domain);
	const registration = readRegistration(readFileSync(options.appservice.registration, "utf8"));
	const client = matrixClient({ homeserver: options.homeserver, token: registration.as_token });
	const members = keepMembers(client, domain);
	const ghosts = keepGhosts({ client, mapping, domain });
	const rooms = keepRooms({ client, mapping, members, ghosts, domain, bot, isOurs });
	const tell = refusals(client);
	/** How people write a room, as far as we were told. */
	const aliases = new Map<string, string>();
	const uploaded = new Map<string, string>();
	let listener: ReturnType<typeof appservice> | undefined;
	let bridge: Bridge;

	/** A definite no of the homeserver is the end of a delivery; the sender is told. */
	async function definite<T>(work: () => Promise<T>): Promise<T> {
		try {
			return await work();
		} catch (error) {
			if (!(error instanceof MatrixError)) throw error;
			const reason = error.status === 403 ? "forbidden" : error.status === 404 ? "not-found" : "failed";
			throw new PermanentError(reason, phrases.homeserverRefused(error.message), { cause: error });
		}
	}

	async function send({ event, operation, room, link, portal }: Outbound): Promise<readonly MessageId[]> {
		if (event.kind === "membership" && event.change === "leave") {
			const gone = await ghosts.known(event.sender);
			const there = gone && (!members.known(room) || members.has(room, gone));
			if (there) await rooms.leave(room, gone, event.reason);
			return [];
		}
		const ghost = await ghosts.ensure(event.sender);
		switch (event.kind) {
			case "membership":
				if (!members.has(room, ghost)) await rooms.join(room, ghost);
				return [];
			case "profile":
				return [];
			case "message":
			case "state": {
				const person = link.role === "direct" && portal.between?.find((one) => one.network === name);
				if (person) await rooms.askBack(room, person.id, ghost);
				const body = await sized(toMatrix(event, operation), operation, ghost);
				const query = { ts: event.late ? event.at : undefined };
				const { event_id } = await rooms.inside(room, ghost, () =>
					client.send(room, "m.room.message", operation, { as: ghost, body, query }),
				);
				return [event_id as MessageId];
			}
			default:
				return event satisfies never;
		}
	}

	/** The content, or the file that has all of what is too long for an event. */
	async function sized(content: Content, operation: string, ghost: string): Promise<Content> {
		if (fits(content)) return content;
		const bytes = Buffer.from(String(content.body));
		let url = uploaded.get(operation);
		if (!url) {
			url = (await client.upload(bytes, "text/plain; charset=utf-8", "message.txt", ghost)).content_uri;
			uploaded.set(operation, url);
			if (uploaded.size > remembered) uploaded.delete(uploaded.keys().next().value as string);
		}
		return asFile(content, url, bytes.length);
	}

	async function refuse(event: BridgeEvent, error: PermanentError, target: string): Promise<void> {
		const portal = await bridge.portal(name, event.room);
		const as = await rooms.speaker(event.room, portal);
		await tell({ room: event.room, event: event.id, as }, error, target);
	}

	async function findPerson(address: readonly string[]): Promise<Person | undefined> {
		const mxid = personMxid(address, domain);
		if (!mxid) throw new PermanentError("invalid", phrases.noMatrixAddress(address.join(":")));
		if (isOurs(mxid)) return undefined;
		try {
			const { displayname } = await client.profile(mxid, lookup);
			return members.person(mxid, displayname);
		} catch (error) {
			if (error instanceof MatrixError) return undefined;
			throw error;
		}
	}

	async function attach(portal: Portal, link: Link): Promise<void> {
		const room = link.room as RoomId;
		await definite(async () => {
			if (link.role !== "direct" && !rooms.withBot.has(room)) {
				await client.join(room);
				rooms.withBot.add(room);
			}
			const as = await rooms.speaker(room, portal);
			await members.read(room, as);
			const failed = (error: unknown) => log.warn({ err: error, room }, "a room is only partly served");
			// Not awaited: core holds its own turn while it attaches.
			if (link.role !== "direct") bridge.sync(name, room, people(room)).catch(failed);
			// A room we do not govern may not let us say so; it works all the same.
			rooms.describe(room, portal, as).catch(failed);
		});
	}

	const people = (room: string): readonly Person[] =>
		[...members.of(room)]
			.filter(([mxid]) => !isOurs(mxid))
			.map(([mxid, called]) => members.person(mxid, called));

	/** Whether the room of this alias exists, now that somebody asked; made if it can be. */
	async function alias(asked: string): Promise<boolean> {
		const wanted = aliasAddress(asked, domain);
		if (!wanted || !bridgedNetworks.includes(wanted.network)) return false;
		try {
			const room = await bridge.openRoom(name, wanted.network as NetworkName, wanted.address);
			// An alias spelt otherwise than ours has to lead there too.
			await client.setAlias(asked, room).catch((error: unknown) => {
				if (!(error instanceof MatrixError && error.status === 409)) throw error;
			});
			return true;
		} catch (error) {
			if (error instanceof PermanentError) return false;
			throw error;
		}
	}

	async function user(mxid: string): Promise<boolean> {
		if (mxid === bot || (await ghosts.person(mxid))) return true;
		const wanted = ghostAddress(mxid, domain);
		if (!wanted || !bridgedNetworks.includes(wanted.network)) return false;
		try {
			const person = await bridge.findPerson(wanted.network as NetworkName, wanted.address);
			return person !== undefined && (await ghosts.ensure(person)) === mxid;
		} catch (error) {
			if (error instanceof PermanentError) return false;
			throw error;
		}
	}

	/** Waits for the homeserver, however long; only a wrong registration ends it. */
	async function meetHomeserver(): Promise<void> {
		for (let pause = 1_000; ; pause = Math.min(pause * 2, 30_000)) {
			try {
				await client.register(options.bot);
				const { displayname } = await client.profile(bot);
				if (!displayname || displayname === options.bot) await client.setName(bot, botName);
				for (const room of (await client.joinedRooms()).joined_rooms) rooms.withBot.add(room);
				return;
			} catch (error) {
				if (!(error instanceof TemporaryError)) throw error;
				log.warn({ err: error, retryMs: pause }, "waiting for the homeserver");
				await wait(pause);
			}
		}
	}

	return {
		name,
		title: "Matrix",
		commands: [],
		// Two requests at once may arrive in either order.
		window: 1,
		async start(core) {
			bridge = core;
			for (const difference of differences(registration, {
				url: options.appservice.url,
				domain,
				bot: options.bot,
				networks: bridgedNetworks,
			}))
				log.warn(
					{ difference },
					"the registration differs from the config; the homeserver goes by the former",
				);
			await meetHomeserver();
			const take = transactions({
				...options,
				bot,
				client,
				members,
				ghosts,
				rooms,
				bridge,
				isOurs,
				refuse,
				log,
			});
			const { listen } = options.appservice;
			listener = appservice(
				{ homeserver: options.homeserver, domain, listen, registration },
				{ transaction: take, user, alias },
				log,
			);
			await listener.start();
			// Ends the back-off of a homeserver that found us away, which grows to minutes.
			client
				.ping(registration.id)
				.catch((error: unknown) => log.warn({ err: error }, "the homeserver does not reach us by its url"));
		},
		async pause() {
			await listener?.stop();
		},
		async stop() {
			client.close();
		},
		capabilities: () => capabilities,
		send: (out) => definite(() => send(out)),
		refuse,
		findPerson,
		async findRoom([typed = ""]) {
			if (typed.startsWith("!")) return { room: typed as RoomId };
			const valid = /^#[^\s:]+:\S+$/.test(typed);
			if (!valid) throw new PermanentError("invalid", phrases.noMatrixAddress(typed));
			try {
				const { room_id } = await client.alias(typed);
				aliases.set(room_id, typed);
				return { room: room_id as RoomId, name: typed };
			} catch (error) {
				if (!(error instanceof MatrixError)) throw error;
				throw new PermanentError("not-found", phrases.noMatrixRoom(typed), { cause: error });
			}
		},
		attach,
		async detach(_portal, link) {
			await definite(() => rooms.abandon(link.room as string, link.ours === true));
		},
		createRoom: (of, address, info) =>
			definite(async () => {
				const room = await rooms.create(of, address, info);
				rooms.withBot.add(room);
				aliases.set(room, portalAlias(of, address, domain));
				return room as RoomId;
			}),
		openDirect: (ours, theirs) => definite(async () => (await rooms.openDirect(ours, theirs)) as RoomId),
		invite: (room, person) =>
			definite(async () =>
				rooms.invite(room, person.id, await rooms.speaker(room, await bridge.portal(name, room))),
			),
		show: ({ room = "?" }) => aliases.get(room) ?? room,
		members: (room) =>
			definite(async () => {
				await members.read(room, await rooms.speaker(room, await bridge.portal(name, room as RoomId)));
				return people(room);
			}),
	};
}
