import { levelOf, type RoomFacts, type Seen } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import { endStaleRoles } from "./administration/role-ends.ts";
import type { HostedContext } from "./context.ts";
import { showFaces } from "./faces.ts";
import { addMember } from "./occupants.ts";
import { createHostedRoom, type HostedRoom } from "./room.ts";

/** Changes of one room that are kept while it is read. Past that, it is read again. */
const mostKept = 10_000;

/** Brings rooms into memory. Joins of one room share the work, and what happens there meanwhile is applied to the result. */
export function createLoader(
	context: HostedContext,
	/** Applies a change to a room that is in memory. */
	apply: (room: HostedRoom, seen: Seen) => void,
) {
	type Loading = { room: Promise<HostedRoom>; changes: Seen[] | "too many" };
	const loading = new Map<RoomId, Loading>();

	async function read(view: RoomId, { room: source }: RoomFacts, one: Loading): Promise<HostedRoom> {
		for (;;) {
			const own = await context.settings.of(view);
			one.changes = [];
			const { facts, members } = await context.bridge().views.source(context.of).view(source);
			const changes = one.changes as Loading["changes"];
			if (changes === "too many") continue;
			const room = createHostedRoom(view, facts, context.records.of(view), own);
			// A nick that a client got before is not altered for a member of this name. A join under way asks for its nick later.
			const ours = members.filter((one) => isOurs(one) && !context.memberships.isEntering(source, one));
			const others = members.filter((one) => !isOurs(one)).toSorted(byStanding(facts));
			for (const person of [...ours, ...others]) addMember(room, person, context.occupantId(room, person));
			context.rooms.add(room);
			for (const seen of changes) apply(room, seen);
			endStaleRoles(room, context);
			showFaces(room, context);
			return room;
		}
	}
	/** Of people with one name, the one of the highest standing has it as the nick, at each reading of the room. */
	const byStanding = ({ levels }: RoomFacts) => {
		const level = (person: Person) => (levels ? levelOf(levels, person) : 0);
		const local = (person: Person) => (person.local ? 1 : 0);
		return (one: Person, other: Person): number =>
			level(other) - level(one) || local(other) - local(one) || (one.id < other.id ? -1 : 1);
	};
	const isOurs = ({ network }: Readonly<{ network: string }>) => network === xmppNetwork;

	return {
		/** Resolves with the room of a view, which is in memory then. @throws as {@link Hosting.view} */
		load(view: RoomId, facts: RoomFacts): Promise<HostedRoom> {
			const known = context.rooms.get(view);
			if (known) return Promise.resolve(known);
			const shared = loading.get(view);
			if (shared) return shared.room;
			const one: Loading = { room: Promise.resolve(undefined as never), changes: [] };
			loading.set(view, one);
			one.room = read(view, facts, one).finally(() => loading.delete(view));
			return one.room;
		},
		/** Keeps what happens in a room that is being read. Lines are in its archive, where the joining clients find them. */
		keep(view: RoomId, seen: Seen): void {
			const one = loading.get(view);
			if (!one || one.changes === "too many" || seen.what.kind === "said" || seen.what.kind === "deleted")
				return;
			if (one.changes.length < mostKept) one.changes.push(seen);
			else one.changes = "too many";
		},
	};
}
export type Loader = ReturnType<typeof createLoader>;
