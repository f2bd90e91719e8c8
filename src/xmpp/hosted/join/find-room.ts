import { PermanentError, TemporaryError } from "../../../core/errors.ts";
import type { Looked, RoomFacts } from "../../../core/hosting.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import * as phrases from "../../phrases.ts";
import { roomJid, viewOf } from "../addresses.ts";
import type { HostedContext } from "../context.ts";
import type { Refusal } from "../refusals.ts";
import * as refusals from "../refusals.ts";
import type { HostedRoom } from "../room.ts";

/** The room that somebody wants to join, in memory or to be loaded. */
export type Goal = Readonly<{ view: RoomId; source: RoomId; facts: RoomFacts; room?: HostedRoom }>;
/** There is no room at an address, and the person may make one under this alias. */
export type NewRoom = Readonly<{ alias: string }>;

/** Returns the function that finds the room at an address, if the policy lets the person there. */
export function createFinder(context: HostedContext) {
	const { aliases, component, of, rooms } = context;
	const goal = (room: HostedRoom): Goal => ({
		...{ view: room.id, source: room.source, facts: room.facts, room },
	});

	/** Resolves with the room that the person may make at an address, or with the refusal. @throws PermanentError */
	async function mayMake(
		address: string,
		alias: string,
		person: Person,
		looked: Exclude<Looked, { kind: "room" }>,
	): Promise<NewRoom | Refusal> {
		const { views, findPerson } = context.bridge();
		if (!views.makesRooms(person) && !views.mayMake(person)) return refusals.notFound(looked);
		if (!views.source(of).takesAlias(alias)) return refusals.noSuchAddress;
		const plain = aliases.aliasAt(address) !== undefined;
		if (plain && (context.isOwn(address) || (await isPerson(findPerson(of, [alias])))))
			return refusals.addressOfPerson;
		if (context.locked.isFull(person)) return refusals.tooManyLocked;
		views.mayMake(person);
		return { alias };
	}

	/** Resolves with the room, or the refusal. @throws PermanentError, TemporaryError */
	return async function find(address: string, person: Person): Promise<Goal | NewRoom | Refusal> {
		// XEP-0045 §10.1.3
		if (context.locked.at(address)) return refusals.unknownRoom;
		await context.making.get(address);
		if (context.making.has(address)) throw new TemporaryError(phrases.hostedSlow);
		const known = rooms.at(address);
		if (known) return goal(known);
		const spelled = aliases.at(address);
		const plain = aliases.aliasAt(address);
		const asked = spelled ?? (plain === undefined ? undefined : { kind: "alias" as const, parts: [plain] });
		if (!asked) return refusals.unknownRoom;
		const { views } = context.bridge();
		const looked = await views.look(of, asked, person);
		if (looked.kind !== "room") {
			const [alias, server] = plain !== undefined ? [plain] : asked.kind === "alias" ? asked.parts : [];
			const isNew = looked.kind === "refused" && looked.why === "unknown" && server === undefined;
			return isNew && alias !== undefined
				? mayMake(address, alias, person, looked)
				: refusals.notFound(looked);
		}
		const { facts } = looked;
		if (facts.successor) return refusals.moved(roomJid(facts.successor, component));
		// A plain address stands for an alias only until a room has the alias: else it would be that of a person.
		if (!spelled) return refusals.moved(roomJid(asked, component));
		const view = viewOf(facts.id, component);
		if (asked.kind === "alias") {
			const first = await aliases.roomOf(address);
			if (first === undefined) await aliases.note(address, facts.id);
			else if (first !== facts.id) return refusals.moved(view);
		}
		const loaded = rooms.get(view);
		if (loaded) return goal(loaded);
		await views.open(of, facts.room, view, person);
		return { view, source: facts.room, facts };
	};
}

/** Resolves with true if there is a person. */
const isPerson = (found: Promise<Person | undefined>): Promise<boolean> =>
	found.then(
		(person) => person !== undefined,
		(error: unknown) => {
			if (error instanceof PermanentError) return false;
			throw error;
		},
	);
