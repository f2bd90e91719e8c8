import type { LookAlikes } from "../../core/confusable.ts";
import type { Guard } from "../../core/guard.ts";
import type { Hosting, RoomFacts, RoomView } from "../../core/hosting.ts";
import type { NetworkName, RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Mapping } from "../../core/mapping.ts";
import type { Person } from "../../core/person.ts";
import { createTurns } from "../../core/turns.ts";
import type { Client } from "../client.ts";
import type { MatrixEvent } from "../event.ts";
import type { EventCache } from "../event-cache.ts";
import type { Faces } from "../faces.ts";
import type { Ghosts } from "../ghosts.ts";
import type { Members } from "../members.ts";
import { ghostAddress, matrixNetwork, parts as mxidParts } from "../mxid.ts";
import type { OwnAliases } from "../own-aliases.ts";
import type { Rooms } from "../rooms.ts";
import { createAccounts } from "./accounts.ts";
import { idOf, spell, typedRoom } from "./addresses.ts";
import { createArchive } from "./archive.ts";
import { createDirectory } from "./directory.ts";
import { createEventStore } from "./event-store.ts";
import { factsOfInvite } from "./facts.ts";
import { createLook, type LookLimits } from "./look.ts";
import { createMadeRooms } from "./made-rooms.ts";
import { createMembership } from "./membership.ts";
import { createModeration } from "./moderation.ts";
import { createReadingGhosts } from "./reading-ghosts.ts";
import { createRoomEnds } from "./room-ends.ts";
import { createRoomStates } from "./room-state.ts";
import { createSee } from "./see.ts";

/**
 * The rooms of Matrix as other networks show them in full: looking at a room, coming in, its members and state, its
 * timeline and its archive.
 */
export function createHosting(deps: {
	client: Client;
	ghosts: Ghosts;
	faces: Faces;
	members: Members;
	rooms: Rooms;
	eventCache: EventCache;
	mapping: Mapping;
	domain: string;
	bot: string;
	isOurs(mxid: string): boolean;
	isLike: LookAlikes;
	/** The account that reads a room for the bridge: a ghost in it, or the bot (undefined). */
	speaker(room: RoomId): Promise<string | undefined>;
	/** Resolves with true if the room is in a portal. */
	isServed(room: RoomId): Promise<boolean>;
	/** Begins a room anew: nobody of ours was in it to be told of its events, which are history. */
	begin(room: RoomId): Promise<void>;
	/** Has the next events of a room wait until the room was read: perhaps nobody of ours was in it. */
	suspect(room: RoomId): void;
	/** Runs `work`; a refusal by the homeserver becomes a PermanentError that a person reads. */
	ask<T>(work: () => Promise<T>): Promise<T>;
	/** As {@link Network.personAt} of that network. */
	personAt(network: NetworkName, address: readonly string[]): Person | undefined;
	/** Names rooms outside our namespaces. */
	aliases: OwnAliases;
	limits?: Partial<LookLimits>;
	guard: Guard;
	log: Log;
}) {
	const { client, ghosts, members, rooms, bot, domain, isOurs, speaker, ask } = deps;
	const mxidOf = createAccounts(deps);
	/** Two changes of the levels of one room at once would undo each other. */
	const inTurn = createTurns();
	const readingGhosts = createReadingGhosts(deps);
	const look = createLook(deps);
	const listed = createDirectory(client, domain);
	const states = createRoomStates({ client, members, personOf, bot, domain });
	const store = createEventStore({ client, isOpenToMembers: states.isOpenToMembers, isIn: members.has });
	const archive = createArchive({ ...deps, store, alwaysOpen: states.wasAlwaysOpen, personOf });
	const membership = createMembership({
		...deps,
		mxidOf,
		isMade: (room) => isMade(room),
		via: look.via,
		isOutside: look.isOutside,
		async coming(room, ghost, first) {
			rooms.comes(room, ghost);
			if (!first) return;
			// Our knowledge of the room is from the time when somebody of ours was there.
			if (await readingGhosts.some(room)) deps.suspect(room);
			else await deps.begin(room);
			states.forget(room);
		},
		async came(room, ghost, first) {
			await readingGhosts.came(room, ghost);
			if (members.known(room) && !first) members.came(room, ghost);
			else await members.read(room, ghost);
		},
	});

	const isMade = async (room: RoomId): Promise<boolean> => states.wasMade(room, await speaker(room));
	const moderation = createModeration({ ...deps, mxidOf, inTurn, isMade });
	const ends = createRoomEnds(deps);
	const made = createMadeRooms({
		...{ ...deps, mxidOf, inTurn, ends },
		moved: look.moved,
		isIn: members.has,
		listed: states.noteListed,
		facts: (room) => states.facts(room, undefined),
	});

	const see = createSee({
		...deps,
		states,
		ghosts: readingGhosts,
		keep: store.note,
		keepLooks: membership.keepLooks,
		addressed,
		isNobody: ({ network, id }) => network === matrixNetwork && id !== deps.bot && isOurs(id),
	});

	/** Returns the person whose ghost would have this MXID, also before it has an account. */
	function addressed(mxid: string): Person | undefined {
		const found = ghostAddress(mxid, domain);
		return found && deps.personAt(found.network as NetworkName, found.address);
	}

	/** Resolves with the person of an MXID under their name in a room; for a ghost, the person that it stands for. */
	async function personOf(mxid: string, room: string): Promise<Person> {
		const name = members.of(room).get(mxid);
		const person = isOurs(mxid) ? ((await ghosts.person(mxid)) ?? addressed(mxid)) : undefined;
		return person ? { ...person, ...(name && { name }) } : members.inRoom(room, mxid);
	}

	async function view(room: RoomId): Promise<RoomView> {
		const as = await speaker(room);
		if (!members.known(room)) await members.read(room, as);
		const facts = await states.facts(room, as);
		// People do not meet the bot in a room that it has made for them.
		const shown = [...members.of(room).keys()].filter((mxid) => mxid !== bot || !facts.made);
		const people = shown.map((mxid) => personOf(mxid, room));
		return { facts: { ...facts, count: people.length }, members: await Promise.all(people) };
	}

	const hosting: Hosting = {
		look: (address, by) => ask(() => look.look(address, by)),
		spell: (address) => spell(address, domain),
		typed: (text) => typedRoom(text, domain),
		listed: (limit, after, words) => ask(() => listed(limit, after, words)),
		enter: (room, person, knows) => ask(() => membership.enter(room, person, knows)),
		leave: (room, person, reason) => ask(() => membership.leave(room, person, reason)),
		rename: (room, person) => ask(() => membership.rename(room, person)),
		setTopic: (room, by, topic) => ask(() => membership.setTopic(room, by, topic)),
		invite: (room, by, whom, reason) => ask(() => membership.invite(room, by, whom, reason)),
		moderate: (room, by, act, whom, reason) => ask(() => moderation.act(room, by, act, whom, reason)),
		setLevels: (room, by, changes) => ask(() => moderation.setLevels(room, by, changes)),
		banDomain: (room, by, name, ban) => ask(() => moderation.banDomain(room, by, name, ban)),
		absent: (room, reader, as) => ask(() => moderation.absent(room, reader, as)),
		takesAlias: made.takesAlias,
		create: (alias, by, settings, seed) => ask(() => made.create(alias, by, settings, seed)),
		configure: (room, by, settings) => ask(() => made.configure(room, by, settings)),
		setPicture: (room, by, picture) => ask(() => made.setPicture(room, by, picture)),
		destroy: (room, by, reason) => ask(() => made.destroy(room, by, reason)),
		view: (room) => ask(() => view(room)),
		events: (room, ids, reader) => ask(() => archive.events(room, ids, reader)),
		earlier: (room, before, limit, reader) => ask(() => archive.earlier(room, before, limit, reader)),
	};
	return {
		hosting,
		see,
		mark: membership.mark,
		/** Resolves with a room to which the ghost of a person has just been invited. */
		async lookInvited(event: MatrixEvent, person: Person): Promise<RoomFacts> {
			const { room_id: room, sender } = event;
			look.invited(room, mxidParts(sender)?.[1] ?? domain);
			return (await look.look({ kind: "id", id: idOf(room) }, person)) ?? factsOfInvite(event, domain);
		},
		/** Reads the members of a room at the start, as a ghost that is in it; false if none is. */
		readMembers: readingGhosts.readMembers,
		/** Goes on with the ends of rooms that the last run did not finish. */
		start: ends.resume,
		stop: ends.stop,
	};
}
