import { createBoundedMap } from "../../../core/bounded-map.ts";
import { personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import type { Happening } from "../presences.ts";
import type { HostedRoom } from "../room.ts";

/** How long, in ms, the source may take to show an act, and the acts that may be under way. */
const [within, most] = [60_000, 1_000];

/** The parts of a presence that an act has and its echo in the source does not. */
export type Act = Readonly<Pick<Happening, "codes" | "affiliation" | "actor" | "reason">>;

/**
 * The acts of moderators on XMPP until the source shows them. The source may name the bot as the actor, and it knows only
 * some of the reasons why XEP-0045 has people leave.
 */
export function createActs(now: () => number) {
	const acts = createBoundedMap<string, Act & { at: number }>(most);
	const keyOf = (room: HostedRoom, person: Pick<Person, "network" | "id">, kind: "removal" | "rank") =>
		`${room.id} ${kind} ${personKey(person)}`;
	return {
		/** Notes an act: the removal of a person, or a change of their power level. */
		expect(room: HostedRoom, person: Person, kind: "removal" | "rank", act: Act): void {
			acts.set(keyOf(room, person, kind), { ...act, at: now() });
		},
		/** Returns, once, the act behind a change that the source shows. */
		take(
			room: HostedRoom,
			person: Pick<Person, "network" | "id">,
			kind: "removal" | "rank",
		): Act | undefined {
			const key = keyOf(room, person, kind);
			const found = acts.get(key);
			acts.delete(key);
			if (!found || found.at < now() - within) return undefined;
			const { at: _, ...act } = found;
			return act;
		},
	};
}
export type Acts = ReturnType<typeof createActs>;
