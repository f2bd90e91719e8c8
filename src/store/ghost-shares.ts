import type { Person } from "../core/person.ts";
import { placeKey } from "./keys.ts";

/** Counts the ghosts of each room and domain, so that the people of one cannot use up the documents of all. */
export function createGhostShares(most: Readonly<{ room: number; domain: number }>) {
	const counts = new Map<string, number>();

	/** The places whose ghosts are counted together. An occupant's address begins with their room. */
	function placesOf({ network, address, domain }: Person): readonly (readonly [key: string, most: number])[] {
		const [room = "", nick] = address;
		return [
			[`domain ${placeKey(network, domain)}`, most.domain],
			...(nick === undefined ? [] : [[`room ${placeKey(network, room)}`, most.room] as const]),
		];
	}

	return {
		add(person: Person): void {
			for (const [key] of placesOf(person)) counts.set(key, (counts.get(key) ?? 0) + 1);
		},
		takes: (person: Person): boolean =>
			placesOf(person).every(([key, share]) => (counts.get(key) ?? 0) < share),
	};
}
