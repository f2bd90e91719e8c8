import { setTimeout as wait } from "node:timers/promises";
import { dataBytes } from "../core/bounded-map.ts";
import { PermanentError, TemporaryError } from "../core/errors.ts";
import type { RoomFacts } from "../core/hosting.ts";
import type { NetworkName, OperationId, RoomId } from "../core/ids.ts";
import { createRateLimit } from "../core/limits.ts";
import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Client, MatrixError } from "./client.ts";
import { prefixIn } from "./commands.ts";
import { isEncrypted } from "./encrypted-rooms.ts";
import { isEvent, type MatrixEvent, text } from "./event.ts";
import type { Ghosts } from "./ghosts.ts";
import { isHosted } from "./hosting/timeline.ts";
import type { Members } from "./members.ts";
import { ghostAddress, matrixNetwork, parts } from "./mxid.ts";
import type { OtherBridges } from "./other-bridges.ts";
import * as phrases from "./phrases.ts";
import type { Rooms } from "./rooms.ts";
import { answer } from "./to-matrix.ts";
import type { Upgrades } from "./upgrades.ts";

/** Backoff in ms before each retry; after the last retry the invite is declined. */
const retries = [2_000, 5_000, 15_000, 60_000];
/** Events read from before the join: clients send the first message right after the invite. */
const firstLines = 50;
/** Rate limit on new ghosts by invites of one local person, or of one remote server. Accounts cannot be deleted. */
const newGhosts = { perMinute: 2, burst: 20 };
/** Most invites of one local person or one remote server that are under way at once, and the bytes of all events of these. */
const [mostOfOne, mostBytes] = [50, 32 * 1_048_576];

/** Returns the handler of invites of the bot and of ghosts: it joins, or declines with the reason. */
export function createInvites(deps: {
	client: Client;
	members: Members;
	ghosts: Ghosts;
	rooms: Rooms;
	otherBridges: Pick<OtherBridges, "isGhost" | "wrote">;
	bridge: Bridge;
	domain: string;
	bot: string;
	upgrades: Pick<Upgrades, "arrived">;
	/** The prefix of commands in a room. */
	prefix: string;
	log: Log;
	/** Resolves with a room to which the ghost of a person has just been invited. */
	lookInvited(event: MatrixEvent, person: Person): Promise<RoomFacts>;
	/** Takes in the events from between the invite and the join. */
	take(events: readonly MatrixEvent[]): Promise<void>;
}) {
	const { client, members, ghosts, rooms, bridge, domain, bot, log } = deps;
	const mayMake = createRateLimit(newGhosts);
	/** The number of invites under way, by local person or remote server. */
	const underWay = new Map<string, number>();
	let bytes = 0;

	const inviterOf = (event: MatrixEvent): string => {
		const inviter = members.person(event.sender);
		return inviter.local ? inviter.id : inviter.domain;
	};

	/** Whether the invited ghost has an account, or the rate limit permits a new one. */
	async function mayBeAnswered(event: MatrixEvent): Promise<boolean> {
		const { state_key: guest = "" } = event;
		if (guest === bot || (await ghosts.person(guest))) return true;
		return mayMake(inviterOf(event));
	}

	async function findGhost(mxid: string): Promise<Person> {
		const known = await ghosts.person(mxid);
		const spelt = ghostAddress(mxid, domain);
		const person = known ?? (spelt && (await bridge.findPerson(spelt.network as NetworkName, spelt.address)));
		if (person && (await ghosts.ensure(person)) === mxid) return person;
		throw new PermanentError("not-found", phrases.nobody(spelt?.address.join(" ") ?? mxid));
	}

	/** @throws PermanentError when another bridge marks the inviter as its ghost: that is seen only from inside the room. */
	async function refuseOtherBridge(event: MatrixEvent, as: string | undefined): Promise<void> {
		if (await deps.otherBridges.wrote(event, as)) throw new PermanentError("forbidden", phrases.otherBridge);
	}

	/** Tells a room what the bot can do there. Its failure is no reason to leave the room again. */
	async function greet({ event_id: id, room_id: room }: MatrixEvent, by: Person): Promise<void> {
		const there = members.of(room);
		const person = members.person(by.id, there.get(by.id));
		try {
			const alone = there.size === 2 && !(await bridge.portal(matrixNetwork, room as RoomId));
			const where = { network: matrixNetwork, room: room as RoomId, prefix: prefixIn(deps.prefix, alone) };
			const words = await bridge.greeting(person, where);
			if (words === undefined) return;
			const says = (await isEncrypted(client, room)) ? phrases.greetingEncrypted : words;
			await client.send(room, "m.room.message", `greeting.${id}` as OperationId, {
				body: answer(says, undefined),
			});
		} catch (error) {
			log.warn({ err: error, room }, "the bot could not greet a room that it was invited to");
		}
	}

	/**
	 * Brings a person the invitation of their ghost to a group room: it stands until they come in or decline. Resolves with
	 * false if their network shows no such rooms. @throws PermanentError if no network can show the room
	 */
	async function bringInvitation(event: MatrixEvent, by: Person, to: Person): Promise<boolean> {
		const facts = await deps.lookInvited(event, to);
		if (facts.unfit === "encrypted") throw new PermanentError("invalid", phrases.encryptedRoom);
		if (facts.unfit === "space") throw new PermanentError("invalid", phrases.spaceNotShown);
		const { displayname } = await client.profile(by.id).catch((error: unknown) => {
			if (error instanceof MatrixError) return { displayname: undefined };
			throw error;
		});
		const inviter = members.person(by.id, displayname);
		return bridge.views.invited(facts, to, inviter, text(event.content.reason) || undefined);
	}

	/**
	 * Has a person invited to the room of their network that is linked to this one. The ghost comes with its person, maybe
	 * under another account, so it does not wait here. @throws PermanentError with the reason, TemporaryError
	 */
	async function passOn(event: MatrixEvent, person: Person): Promise<void> {
		const { room_id: room, sender, content } = event;
		const by = members.person(sender, members.of(room).get(sender));
		const reason = text(content.reason) || undefined;
		const there = await bridge.passOn(matrixNetwork, room as RoomId, { person, by, reason });
		if (there === undefined) throw new PermanentError("invalid", phrases.onlyDirect);
		await decline(event, phrases.passedOn(there));
	}

	/** Has a ghost leave a chat whose place another room took: its person would write there to nobody. */
	async function leaveFormer(room: RoomId, ghost: string): Promise<void> {
		try {
			await rooms.leave(room, ghost, phrases.chatMoved);
		} catch (error) {
			// The ghost may have been removed from there, which is why there is another room.
			if (!(error instanceof MatrixError)) throw error;
		}
		members.forget(room);
	}

	async function accept(event: MatrixEvent): Promise<void> {
		const { room_id: room, state_key: guest = "", sender } = event;
		const inviter = members.person(sender);
		if (deps.otherBridges.isGhost(sender)) throw new PermanentError("forbidden", phrases.otherBridge);
		if (!bridge.allows(inviter, "use")) throw new PermanentError("forbidden", phrases.blocked);
		if (guest === bot) {
			bridge.mayOpen(inviter);
			await client.join(room);
			rooms.botCame(room);
			await members.read(room);
			await refuseOtherBridge(event, undefined);
			await deps.upgrades.arrived(room as RoomId);
			await greet(event, inviter);
		} else {
			const portal = await bridge.portal(matrixNetwork, room as RoomId);
			const theirs = await findGhost(guest);
			if (!bridge.allows(theirs, "use")) throw new PermanentError("forbidden", phrases.blocked);
			if (portal && !isHosted(portal)) return passOn(event, theirs);
			// Matrix spec, "Direct Messaging": the invitation to a chat of two has this mark.
			if (event.content.is_direct !== true && (await bringInvitation(event, inviter, theirs))) return;
			if (portal) throw new PermanentError("invalid", phrases.onlyDirect);
			await client.join(room, guest);
			await members.read(room, guest);
			if (members.of(room).size > 2) throw new PermanentError("invalid", phrases.onlyDirect);
			await refuseOtherBridge(event, guest);
			const ours = members.person(sender, members.of(room).get(sender));
			const former = await bridge.openDirect(ours, theirs, room as RoomId);
			if (former !== undefined) await leaveFormer(former, guest);
		}
		const { chunk } = await client.messages(room, { limit: firstLines, ...(guest !== bot && { as: guest }) });
		const since = chunk
			.filter(isEvent)
			.filter((one) => one.origin_server_ts >= event.origin_server_ts && one.state_key === undefined);
		await deps.take(since.reverse());
	}

	async function decline(event: MatrixEvent, reason: string): Promise<void> {
		const { room_id: room, state_key: guest = "" } = event;
		try {
			await client.leave(room, guest === bot ? undefined : guest, reason);
		} catch (error) {
			// The invite may name a ghost without an account, and declining needs one.
			if (!(error instanceof MatrixError && error.status === 403)) throw error;
			await client.register(parts(guest)?.[0] ?? "");
			await client.setName(guest, ghostAddress(guest, domain)?.address.join(" ") ?? phrases.nobodyName);
			await client.leave(room, guest, reason);
		}
		// In a room with the bot the next message would have to wait until the members are read again.
		if (guest === bot || !rooms.withBot.has(room)) members.forget(room);
	}

	async function attend(event: MatrixEvent): Promise<void> {
		if (!(await mayBeAnswered(event))) {
			// Declining would need the account that the rate limit forbids.
			log.warn(
				{ room: event.room_id, sender: event.sender },
				"too many invites to new ghosts: left unanswered",
			);
			return;
		}
		for (const pause of [...retries, undefined]) {
			try {
				return await accept(event);
			} catch (error) {
				if (error instanceof TemporaryError && pause !== undefined) {
					log.warn({ err: error, room: event.room_id }, "an invite waits for a retry");
					await wait(pause, undefined, { ref: false });
					continue;
				}
				if (!(error instanceof PermanentError))
					log.warn({ err: error, room: event.room_id }, "an invite failed");
				const reason =
					error instanceof PermanentError
						? error.message
						: error instanceof MatrixError
							? phrases.homeserverRefused(error.message)
							: phrases.notReachable;
				return await decline(event, reason);
			}
		}
	}

	return async function invited(event: MatrixEvent): Promise<void> {
		const by = inviterOf(event);
		const size = dataBytes(event);
		const count = underWay.get(by) ?? 0;
		// An invite that waits for a slow server is kept in memory, and inviters can cause any number of them.
		if (count >= mostOfOne || bytes + size > mostBytes) {
			log.warn(
				{ room: event.room_id, sender: event.sender },
				"too many invites are under way: left unanswered",
			);
			return;
		}
		underWay.set(by, count + 1);
		bytes += size;
		try {
			await attend(event);
		} finally {
			bytes -= size;
			const left = (underWay.get(by) ?? 1) - 1;
			if (left > 0) underWay.set(by, left);
			else underWay.delete(by);
		}
	};
}
