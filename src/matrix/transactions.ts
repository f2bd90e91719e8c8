import { setTimeout as wait } from "node:timers/promises";
import { isProgrammingError } from "../core/errors.ts";
import type { BridgeEvent } from "../core/event.ts";
import type { RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Network } from "../core/network.ts";
import { type Client, MatrixError } from "./client.ts";
import { commandIn, obey } from "./commands.ts";
import { createEncryptionGuard } from "./encrypted-rooms.ts";
import type { MatrixEvent } from "./event.ts";
import type { EventCache } from "./event-cache.ts";
import { fromMatrix } from "./from-matrix.ts";
import type { Ghosts } from "./ghosts.ts";
import { createInvites } from "./invites.ts";
import { type Members, name } from "./members.ts";
import type { Rooms } from "./rooms.ts";
import type { SendOnce } from "./send-once.ts";

/** How long the homeserver is kept waiting for what is no message to be carried out, in ms. */
const patience = 2_000;

/** What a person asks of the bridge itself. */
type Request = Readonly<{ request: "invite" | "command"; carryOut(): Promise<void> }>;

/** What the homeserver sends: messages and people for core, commands and invites for ourselves. */
export function createTransactions(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	rooms: Rooms;
	doubt: SendOnce;
	recent: EventCache;
	bridge: Bridge;
	domain: string;
	bot: string;
	prefix: string;
	isOurs(mxid: string): boolean;
	refuse: Network["refuse"];
	log: Log;
}): (events: readonly MatrixEvent[]) => Promise<void> {
	const { members, recent, rooms, bridge, bot, isOurs, log } = deps;
	const invited = createInvites({ ...deps, take });
	const encrypted = createEncryptionGuard(deps);

	/** Each line we say comes back to us. */
	const isOurLine = ({ sender, state_key }: MatrixEvent) => state_key === undefined && isOurs(sender);

	async function take(events: readonly MatrixEvent[]): Promise<void> {
		let batch: BridgeEvent[] = [];
		const flush = async () => {
			await bridge.receive(batch);
			batch = [];
		};
		for (const event of events) {
			const found = await look(event).catch((error: unknown) => leftOut(event, error));
			if (!found) continue;
			if ("kind" in found) {
				batch.push(found);
				continue;
			}
			await flush();
			await inTime(found.carryOut(), found.request);
		}
		if (batch.length > 0) await flush();
	}

	/** What an event is to us: news for core, something a person asks of us, or nothing. */
	async function look(event: MatrixEvent): Promise<BridgeEvent | Request | undefined> {
		if (isOurLine(event)) {
			deps.doubt.heard(event);
			recent.note(event);
			return undefined;
		}
		const invite = event.type === "m.room.member" && event.content.membership === "invite";
		if (invite && isOurs(event.state_key ?? "") && !isOurs(event.sender))
			return { request: "invite", carryOut: () => invited(event) };
		const command = await commandOf(event);
		if (command !== undefined) return { request: "command", carryOut: () => obey(event, command, deps) };
		return understand(event);
	}

	/** A fault of ours: were it thrown, the homeserver would hand us this and nothing else for ever. */
	function leftOut({ event_id: event, room_id: room }: MatrixEvent, error: unknown): undefined {
		if (!isProgrammingError(error)) throw error;
		log.error({ err: error, room, event }, "an event is left out by a fault of our own; please report it");
	}

	async function commandOf(event: MatrixEvent): Promise<string | undefined> {
		const { room_id: room } = event;
		if (event.type !== "m.room.message" || !rooms.withBot.has(room)) return undefined;
		const alone = async () => {
			if (await bridge.portal(name, room as RoomId)) return false;
			if (!members.known(room)) await read(room, undefined);
			return members.of(room).size === 2;
		};
		return commandIn(event, deps.prefix, false) ?? commandIn(event, deps.prefix, await alone());
	}

	async function understand(event: MatrixEvent): Promise<BridgeEvent | undefined> {
		const { room_id: room, state_key: subject, sender } = event;
		const membership = event.type === "m.room.member" && subject !== undefined;
		if (membership && subject === bot) botMoved(event);
		const portal = await bridge.portal(name, room as RoomId);
		const previously = membership ? before(event, subject) : undefined;
		if (portal && !members.known(room)) await read(room, await rooms.speaker(room, portal));
		if (event.type === "m.room.encrypted" && (portal || rooms.withBot.has(room)))
			await inTime(encrypted(event, portal), "encrypted");
		if (!portal || isOurs(sender) || isOurs(subject ?? "")) {
			if (membership) members.apply(event);
			if (portal) recent.note(event);
			return undefined;
		}
		const around = await recent.around(event, await rooms.speaker(room, portal));
		recent.note(event);
		const neutral = fromMatrix(event, { ...around, before: () => previously });
		if (membership) {
			members.apply(event);
			if (event.content.membership === "join") rooms.cameBack(room, subject);
		}
		return neutral;
	}

	/** Where we may not look, people are called by their localpart: no reason to have the transaction repeated. */
	async function read(room: string, as: string | undefined): Promise<void> {
		await members.read(room, as).catch((error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
			log.warn({ err: error, room }, "the members of a room cannot be read");
		});
	}

	/**
	 * The name somebody had in the room before this change, if they were in it. What we read of the room may have this
	 * very change in it already, so the event itself is asked first, and a join that follows nothing is news.
	 */
	function before({ room_id: room, content, unsigned }: MatrixEvent, mxid: string): string | undefined {
		const { prev_content: previous } = unsigned ?? {};
		const localpart = members.person(mxid).name;
		if (typeof previous === "object" && previous !== null) {
			const { membership, displayname } = previous as { membership?: unknown; displayname?: unknown };
			if (membership !== "join") return undefined;
			return typeof displayname === "string" && displayname ? displayname : localpart;
		}
		if (content.membership === "join") return undefined;
		return members.known(room) ? members.of(room).get(mxid) : localpart;
	}

	function botMoved({ room_id: room, content }: MatrixEvent): void {
		if (content.membership === "join") rooms.withBot.add(room);
		else rooms.withBot.delete(room);
	}

	/** Requests of people that took longer than we wait, and are not through yet. */
	let overdue = 0;

	/**
	 * Waits for the work, but not for long; what fails is no reason to have the transaction repeated. While one request
	 * overstays, none is waited for: somebody who asks for slow servers again and again would stop the whole homeserver.
	 */
	async function inTime(work: Promise<void>, what: string): Promise<void> {
		const done = work.catch((error: unknown) =>
			log.error({ err: error, what }, "a request of a person failed"),
		);
		if (overdue > 0) return;
		const late = new AbortController();
		const over = wait(patience, true, { signal: late.signal }).catch(() => undefined);
		if (await Promise.race([done, over])) {
			overdue++;
			void done.then(() => overdue--);
		}
		late.abort();
	}

	return take;
}
