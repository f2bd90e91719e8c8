import type { Guard } from "../core/guard.ts";
import type { Seen } from "../core/hosting.ts";
import type { RoomId } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Bridge, Network } from "../core/network.ts";
import { createCallRefusal, isCall } from "./calls.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import { commandIn, obey } from "./commands.ts";
import { createEncryptionGuard } from "./encrypted-rooms.ts";
import { isContent, itemOf, type MatrixEvent, type ReadContext, text } from "./event.ts";
import type { EventCache } from "./event-cache.ts";
import { fromMatrix } from "./from-matrix.ts";
import type { Ghosts } from "./ghosts.ts";
import { isHosted } from "./hosting/timeline.ts";
import { createInvites } from "./invites.ts";
import type { MediaStore } from "./media.ts";
import type { Members } from "./members.ts";
import { avatarAt } from "./message/attachments.ts";
import { matrixNetwork } from "./mxid.ts";
import { createOngoing } from "./ongoing.ts";
import type { OtherBridges } from "./other-bridges.ts";
import type { PolicyRooms } from "./policy-lists.ts";
import type { Ranks } from "./ranks.ts";
import type { RoomCreation } from "./room-creation.ts";
import type { Rooms } from "./rooms.ts";
import { echoOf, type Foreign, type TimelineEntry } from "./timeline.ts";
import type { Upgrades } from "./upgrades.ts";

/** A request of a person to the bridge itself. */
export type Request = Readonly<{
	kind: "request";
	request: "invite" | "command";
	carryOut(): Promise<void>;
	/** The event as a network shows it that shows the whole room. */
	seen?: Seen;
}>;

/** Returns the function that reads one Matrix event: an entry of the timeline, a request of a person, or nothing for us. */
export function createEventReader(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	rooms: Rooms;
	creation: RoomCreation;
	eventCache: EventCache;
	files: Pick<MediaStore, "store">;
	bridge: Bridge;
	domain: string;
	bot: string;
	prefix: string;
	otherBridges: OtherBridges;
	policyLists: Pick<PolicyRooms, "note">;
	/** Takes the member event of a person of a portal's room, after it was applied. `hosted`: a view shows the room. */
	newcomer(event: MatrixEvent, hosted: boolean): void;
	ranks: Pick<Ranks, "note">;
	isOurs(mxid: string): boolean;
	refuse: Network["refuse"];
	guard: Guard;
	log: Log;
	/** Hands over the events that people sent before we joined a room. */
	take(events: readonly MatrixEvent[]): Promise<void>;
	upgrades: Upgrades;
	inTime(work: Promise<void>, what: string): Promise<void>;
	/** Resolves with the account that reads a room for the bridge: a ghost in it; undefined is the bot. */
	reader(room: RoomId): Promise<string | undefined>;
	/** Resolves with a room to which the ghost of a person has just been invited. */
	lookInvited: Parameters<typeof createInvites>[0]["lookInvited"];
	/** Resolves with what a view shows of an event; `as`: a ghost in the room. */
	see(event: MatrixEvent, around: ReadContext, as: string | undefined): Promise<Seen | undefined>;
}): (event: MatrixEvent) => Promise<TimelineEntry | Request | undefined> {
	const { members, eventCache, rooms, otherBridges, bridge, bot, isOurs, guard, log, inTime } = deps;
	const invited = createInvites(deps);
	const encrypted = createEncryptionGuard(deps);
	const declined = createCallRefusal(deps);
	const ongoing = createOngoing();

	/** Resolves with true if a person and the bot are alone in a room: there each message is a command. */
	async function isAlone(room: string): Promise<boolean> {
		if (await bridge.portal(matrixNetwork, room as RoomId)) return false;
		if (!members.known(room)) await readMembers(room, undefined);
		return members.of(room).size === 2;
	}

	/** The command in a message to the bot, and whether its sender and the bot are alone in the room. */
	async function commandOf(event: MatrixEvent): Promise<{ text: string; alone: boolean } | undefined> {
		const { room_id: room } = event;
		if (event.type !== "m.room.message" || !rooms.withBot.has(room)) return undefined;
		const alone = await isAlone(room);
		const text = commandIn(event, deps.prefix, alone);
		return text === undefined || (await otherBridges.wrote(event)) ? undefined : { text, alone };
	}

	/** Resolves with what a view of the room shows of an echo; undefined if no other network shows the room. */
	async function seenEcho(event: MatrixEvent): Promise<Seen | undefined> {
		const { room_id: room } = event;
		const portal = await bridge.portal(matrixNetwork, room as RoomId);
		if (!portal || !isHosted(portal)) return undefined;
		const as = await deps.reader(room as RoomId);
		if (!members.known(room)) await readMembers(room, as);
		const around = await eventCache.around(event, as);
		return deps.see(event, { ...around, before: () => undefined, phase: ongoing.note(event) }, as);
	}

	/** The event for core, if its room is in a portal: for other rooms where somebody else sent it, and for a view. */
	async function translate(event: MatrixEvent): Promise<Foreign | undefined> {
		const { room_id: room, state_key: subject, sender } = event;
		const membership = event.type === "m.room.member" && subject !== undefined;
		if (membership && subject === bot) botMoved(event);
		const portal = await bridge.portal(matrixNetwork, room as RoomId);
		const previously = membership ? nameBefore(event, subject) : undefined;
		if (portal && !members.known(room)) await readMembers(room, await deps.reader(room as RoomId));
		if (event.type === "m.room.encrypted" && (portal || rooms.withBot.has(room)))
			await inTime(encrypted(event, portal), "encrypted");
		const own = isOurs(sender) || isOurs(subject ?? "");
		const hosted = isHosted(portal);
		/** A moderator acts upon a ghost, or the bot upon a person, which the rooms of others have to follow. */
		const acts = membership && !hosted && subject !== bot && isOurs(sender) !== isOurs(subject);
		if (!portal || (own && !hosted && !acts)) {
			if (membership) members.apply(event);
			if (portal) eventCache.note(event);
			return undefined;
		}
		const as = await deps.reader(room as RoomId);
		const comesFrom = own ? [] : await otherBridges.comeFrom(room, membership ? subject : sender, as);
		const around = {
			...(await eventCache.around(event, as)),
			before: () => previously,
			comesFrom,
			...(portal.between && { chat: true as const }),
			phase: ongoing.note(event),
		};
		const isDouble = membership && otherBridges.isDouble(comesFrom, portal);
		const neutral = guard.handle(itemOf(event), () => {
			eventCache.note(event);
			return (own && !acts) || isDouble ? undefined : fromMatrix(event, around);
		});
		const isPicture = event.type === "m.room.avatar" && subject === "";
		// Two bridges must not hand one picture to and fro.
		if (isPicture && !own && comesFrom.length === 0 && bridge.allows(members.inRoom(room, sender), "use"))
			void guard.run("picture of a room", () =>
				bridge.pictured(matrixNetwork, room as RoomId, avatarAt(event.content.url)),
			);
		if (event.type === "m.room.tombstone" && subject === "" && !own && !hosted)
			await deps.upgrades.replaced(event);
		const seen = hosted ? await deps.see(event, around, as) : undefined;
		if (isCall(event)) await inTime(declined(event, portal, neutral !== undefined), "call");
		if (membership) {
			members.apply(event);
			deps.newcomer(event, hosted);
			if (event.content.membership === "join") rooms.cameBack(room, subject);
		}
		if (!neutral && !seen) return undefined;
		return { kind: "foreign", ...(neutral && { event: neutral }), ...(seen && { seen }) };
	}

	/** Reads a room's members. If the homeserver refuses, people are named by their localparts. */
	async function readMembers(room: string, as: string | undefined): Promise<void> {
		// Nobody of ours is in the room: one of our ghosts is invited there.
		if (as === undefined && !rooms.withBot.has(room)) return;
		await members.read(room, as).catch((error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
			// The ghost may be about to join, or have left meanwhile: the next event of the room has them read again.
			const isOut = as !== undefined && hasCode(error, "M_FORBIDDEN");
			log[isOut ? "debug" : "warn"]({ err: error, room }, "the members of a room cannot be read");
		});
	}

	/**
	 * The name a member had in the room before this change, if they were in it. The members that we read may include this
	 * very change, so the event itself is asked first, and a join without a previous content is news.
	 */
	function nameBefore({ room_id: room, content, unsigned }: MatrixEvent, mxid: string): string | undefined {
		const { prev_content: previous } = unsigned ?? {};
		const localpart = members.person(mxid).name;
		if (isContent(previous))
			return previous.membership === "join" ? text(previous.displayname) || localpart : undefined;
		if (content.membership === "join") return undefined;
		return members.known(room) ? members.of(room).get(mxid) : localpart;
	}

	function botMoved({ room_id: room, content }: MatrixEvent): void {
		if (content.membership === "join") rooms.botCame(room);
		else rooms.botWent(room);
	}

	/** A view shows a request to the bridge as everybody in the room sees it; other rooms do not get it. */
	async function shown(event: MatrixEvent): Promise<Pick<Foreign, "seen">> {
		if (!isHosted(await bridge.portal(matrixNetwork, event.room_id as RoomId))) return {};
		const seen = (await translate(event))?.seen;
		return seen ? { seen } : {};
	}

	return async function read(event) {
		const { sender, state_key: subject } = event;
		if (subject === undefined && isOurs(sender)) {
			const seen = await seenEcho(event);
			eventCache.note(event);
			return { ...echoOf(event), ...(seen && { seen }) };
		}
		otherBridges.note(event);
		deps.policyLists.note(event);
		deps.ranks.note(event);
		const invite = event.type === "m.room.member" && event.content.membership === "invite";
		if (invite && isOurs(subject ?? "") && !isOurs(sender))
			return { ...(await shown(event)), kind: "request", request: "invite", carryOut: () => invited(event) };
		const command = await commandOf(event);
		if (command !== undefined)
			return {
				...(await shown(event)),
				...{ kind: "request", request: "command", carryOut: () => obey(event, command, deps) },
			};
		return translate(event);
	};
}
