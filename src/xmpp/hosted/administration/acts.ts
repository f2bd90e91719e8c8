import { createBoundedMap } from "../../../core/bounded-map.ts";
import { PermanentError } from "../../../core/errors.ts";
import { personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import type { Happening } from "../presences.ts";
import { type HostedRoom, occupantOf } from "../room.ts";

/** How long, in ms, the source may take to show an act, and the acts that may be under way. */
const [within, most] = [60_000, 1_000];

/** The parts of a presence that an act has and its echo in the source does not. */
export type Act = Readonly<Pick<Happening, "codes" | "affiliation" | "actor" | "reason">>;

/** The removal of a person, or a change of their power level. */
type Kind = "removal" | "rank";

/**
 * The acts of moderators on XMPP until the source shows them. The source may name the bot as the actor, and it knows only
 * some of the reasons why XEP-0045 has people leave.
 */
export function createActs(now: () => number) {
	const acts = createBoundedMap<string, Act & { at: number }>(most);
	const keyOf = (room: HostedRoom, person: Pick<Person, "network" | "id">, kind: Kind) =>
		`${room.id} ${kind} ${personKey(person)}`;
	return {
		/**
		 * Runs `work`, by which the source carries out acts of one kind, each upon a person. Acts that it refuses, or that no
		 * presence shows, are not noted: they would tell of a later change. @throws as `work`
		 */
		async during(
			room: HostedRoom | undefined,
			kind: Kind,
			all: readonly (readonly [Person, Act])[],
			work: () => Promise<void>,
		): Promise<void> {
			const noted = new Map<string, Act & { at: number }>();
			for (const [person, act] of all)
				if (room && occupantOf(room, person)) noted.set(keyOf(room, person, kind), { ...act, at: now() });
			for (const [key, act] of noted) acts.set(key, act);
			try {
				await work();
			} catch (error) {
				// After any other error the source may have carried the act out.
				if (error instanceof PermanentError)
					for (const [key, act] of noted) if (acts.get(key) === act) acts.delete(key);
				throw error;
			}
		},
		/** Returns, once, the act behind a change that the source shows. */
		take(room: HostedRoom, person: Pick<Person, "network" | "id">, kind: Kind): Act | undefined {
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
