import { createBoundedMap, dataBytes } from "../../core/bounded-map.ts";
import type { Levels, RoomFacts } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import { type Client, hasCode } from "../client.ts";
import { asObject, type Content, type MatrixEvent, text } from "../event.ts";
import type { Members } from "../members.ts";
import { isListed } from "./directory.ts";
import { type FactState, type FactType, factsOfState, factTypes, isFactType, seedIn } from "./facts.ts";
import { creatorsOf, levelsOf, ranked } from "./levels.ts";

/** Rooms whose state is kept, and the bytes of all of it. An evicted room is read again. */
const [kept, bytes] = [1_000, 16 * 1_048_576];

/**
 * The state of a room that other networks show: the contents of its events, and whether the directory lists it.
 * `settled`: the history visibility is as it was when the room was made.
 */
type RoomState = Readonly<{
	state: FactState;
	creator: string | undefined;
	listed: boolean;
	settled: boolean;
	/** The MXID and the time of the last change of the topic. */
	topicSet?: Readonly<{ by: string; at: number }>;
}>;

export type RoomStates = ReturnType<typeof createRoomStates>;

/** Keeps the state of hosted rooms: read once through a ghost, then updated from transactions. */
export function createRoomStates(deps: {
	client: Pick<Client, "state" | "call" | "visibility">;
	members: Pick<Members, "of" | "known" | "read">;
	/** Resolves with the person of an MXID, which may be a ghost's. */
	personOf(mxid: string, room: string): Promise<Person>;
	bot: string;
	domain: string;
}) {
	const { client, members, personOf, bot, domain } = deps;
	const states = createBoundedMap<string, RoomState>(kept, {
		bytes,
		of: (room, one) => dataBytes(room) + dataBytes(one),
	});

	const readings = new Map<string, Promise<RoomState>>();

	/** Resolves with the content of a state event; undefined if the room has none. */
	async function content(room: string, type: FactType, as: string | undefined): Promise<Content | undefined> {
		try {
			return asObject(await client.state<Content>(room, type, "", as));
		} catch (error) {
			if (hasCode(error, "M_NOT_FOUND")) return undefined;
			throw error;
		}
	}

	/** Resolves with a state event itself, without its content if the homeserver gives nothing else. */
	async function whole(room: string, type: FactType, as: string | undefined): Promise<Content> {
		const path = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}/state/${type}/`;
		try {
			const query = { format: "event" };
			return asObject(await client.call<Content>("GET", path, { query, ...(as && { as }) }));
		} catch (error) {
			if (hasCode(error, "M_NOT_FOUND")) return {};
			throw error;
		}
	}

	async function read(room: string, as: string | undefined): Promise<RoomState> {
		const [listed, ...contents] = await Promise.all([
			isListed(client, room),
			...factTypes.map((type) => content(room, type, as)),
		]);
		const found = factTypes.flatMap((type, index) =>
			contents[index] ? [[type, contents[index]] as const] : [],
		);
		const state: FactState = Object.fromEntries(found);
		const [create, visibility, topic] = await Promise.all([
			whole(room, "m.room.create", as),
			whole(room, "m.room.history_visibility", as),
			state["m.room.topic"] ? whole(room, "m.room.topic", as) : {},
		]);
		// Until room version 11 the creator stood in the content. // Matrix spec, room version 11
		const creator = text(state["m.room.create"]?.creator) || text(create.sender) || undefined;
		const { replaces_state: earlier } = asObject(visibility.unsigned);
		const settled =
			!state["m.room.history_visibility"] || (text(visibility.sender) !== "" && earlier === undefined);
		return { state, creator, listed, settled, ...topicSetBy(topic) };
	}

	/** Resolves with the state. Concurrent calls share one reading, so that none puts an older state in place of a newer one. */
	async function stateOf(room: string, as: string | undefined): Promise<RoomState> {
		const known = states.get(room);
		if (known) return known;
		const underWay = readings.get(room);
		if (underWay !== undefined) return underWay;
		const reading = read(room, as).then((found) => {
			if (readings.get(room) === reading) states.set(room, found);
			return found;
		});
		readings.set(room, reading);
		const done = () => readings.get(room) === reading && readings.delete(room);
		reading.then(done, done);
		return reading;
	}

	async function levels(room: string, one: RoomState): Promise<Levels> {
		const { state, creator } = one;
		// People do not meet the bot in a room that it has made for them, so it is none of the owners.
		const hidden = isMade(one) ? bot : undefined;
		const creators = creatorsOf(asObject(state["m.room.create"]), creator === hidden ? undefined : creator);
		const content = without(state["m.room.power_levels"], hidden);
		const people = new Map<string, Person>();
		for (const mxid of ranked(content, creators)) people.set(mxid, await personOf(mxid, room));
		return levelsOf(content, creators, (mxid) => people.get(mxid) as Person);
	}

	/** Returns true for a room that the bot has made for people of other networks. */
	const isMade = ({ creator, state }: RoomState): boolean =>
		creator === bot && seedIn(asObject(state["m.room.create"])) !== undefined;

	async function factsNow(room: string, one: RoomState): Promise<RoomFacts> {
		const { listed, topicSet } = one;
		const more = {
			...{ count: members.of(room).size, listed, levels: await levels(room, one) },
			...(isMade(one) && { made: true as const }),
			...(topicSet &&
				topicSet.by !== bot && { topicSet: { by: await personOf(topicSet.by, room), at: topicSet.at } }),
		};
		return factsOfState(room, one.state, more, domain);
	}

	/** Returns true if everybody who is in the room may read all that was said while this setting is in force. */
	function isOpenToMembers(room: string): boolean {
		const known = states.get(room);
		// Matrix spec, "Room History Visibility": the default is `shared`.
		const visibility = text(known?.state["m.room.history_visibility"]?.history_visibility) || "shared";
		return known !== undefined && (visibility === "shared" || visibility === "world_readable");
	}

	return {
		/** Resolves with the facts of a room, read as `as`, an account in it. @throws MatrixError, TemporaryError */
		facts: async (room: string, as: string | undefined): Promise<RoomFacts> =>
			factsNow(room, await stateOf(room, as)),
		/** Resolves with the facts of a room after this state event. */
		async after(event: MatrixEvent, as: string | undefined): Promise<RoomFacts | undefined> {
			const { room_id: room, type, content } = event;
			if (event.state_key !== "" || !isFactType(type)) return undefined;
			const known = states.get(room);
			// The state that is read now may precede the event, or follow later ones, whose turn comes.
			const before = known ?? (await stateOf(room, as));
			const settled = before.settled && type !== "m.room.history_visibility";
			const topicSet = type === "m.room.topic" ? topicSetBy(event) : {};
			const now = { ...before, state: { ...before.state, [type]: content }, settled, ...topicSet };
			states.set(room, now);
			return factsNow(room, now);
		},
		isOpenToMembers,
		/** Resolves with true for a room that the bot has made for people of other networks. `as`: an account in the room. */
		wasMade: async (room: string, as: string | undefined): Promise<boolean> =>
			isMade(await stateOf(room, as)),
		/** Returns true for a room that the bot has made for people of other networks, as far as its state is known. */
		isMade(room: string): boolean {
			const known = states.get(room);
			return known !== undefined && isMade(known);
		},
		/** Resolves with true if all members may read what was ever said. `as`: an account in the room. */
		async wasAlwaysOpen(room: string, as: string | undefined): Promise<boolean> {
			const { settled } = await stateOf(room, as);
			return settled && isOpenToMembers(room);
		},
		/** Notes that the directory lists a room now, or no more: no event tells that. */
		noteListed(room: string, listed: boolean): void {
			const known = states.get(room);
			if (known) states.set(room, { ...known, listed });
		},
		forget(room: string): void {
			states.delete(room);
			readings.delete(room);
		},
	};
}

/** Returns power levels without that of one account. */
function without(levels: Content | undefined, mxid: string | undefined): Content | undefined {
	if (!levels || mxid === undefined) return levels;
	const users = Object.entries(asObject(levels.users)).filter(([one]) => one !== mxid);
	return { ...levels, users: Object.fromEntries(users) };
}

/** Returns the sender and the time of a topic's event, if the homeserver gives them. */
function topicSetBy({ sender, origin_server_ts: at }: Content | MatrixEvent): Pick<RoomState, "topicSet"> {
	return typeof sender === "string" && typeof at === "number" ? { topicSet: { by: sender, at } } : {};
}
