import type { NetworkName } from "./ids.ts";
import type { Journal } from "./journal.ts";
import type { Mapping } from "./mapping.ts";
import type { Person } from "./person.ts";

/** The most people that are named as possibly meant. */
const most = 3;
/** The most people who are searched for one with a given address. */
const mostSearched = 50_000;
/** UTF-16 units of the longest text that is compared. */
const longest = 60;

/** Returns the number of letters to change, add or leave out to make one text of the other; at most `bound` + 1. */
function distance(one: string, other: string, bound: number): number {
	if (Math.abs(one.length - other.length) > bound) return bound + 1;
	let row = Array.from({ length: other.length + 1 }, (_, at) => at);
	for (let i = 0; i < one.length; i++) {
		const next = [i + 1];
		for (let j = 0; j < other.length; j++)
			next.push(
				Math.min((row[j] ?? 0) + (one[i] === other[j] ? 0 : 1), (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1),
			);
		row = next;
	}
	return Math.min(row.at(-1) ?? 0, bound + 1);
}

/** Returns the part of an address or name that people remember: its localpart, in lower case. */
const localpart = (text: string) =>
	(/^[@#!]?([^@:/]*)/.exec(text.toLowerCase())?.[1] ?? "").slice(0, longest);

/** Returns up to three people whose address or name is the typed one but for little, the most alike first. */
export function nearest(typed: string, people: Iterable<Person>): readonly Person[] {
	const wanted = localpart(typed);
	const bound = wanted.length < 5 ? 1 : 2;
	const found = new Map<string, { person: Person; far: number }>();
	if (wanted === "") return [];
	for (const person of people) {
		const spelled = [...person.handles, person.name ?? "", ...person.address].map(localpart).filter(Boolean);
		const far = Math.min(...spelled.map((one) => distance(wanted, one, bound)), bound + 1);
		if (far <= bound) found.set(`${person.network} ${person.id}`, { person, far });
	}
	return [...found.values()]
		.sort((a, b) => a.far - b.far)
		.slice(0, most)
		.map(({ person }) => person);
}

/** Resolves with the people of one network in all bridged rooms and chats, a person once for each. */
export async function peopleIn(
	{ mapping, journal }: { mapping: Pick<Mapping, "portals">; journal: Pick<Journal, "members"> },
	name: NetworkName,
): Promise<readonly Person[]> {
	const people: Person[] = [];
	for (const { links, between = [] } of await mapping.portals()) {
		people.push(...between.filter((one) => one.network === name));
		for (const link of links)
			if (link.network === name && link.room && people.length < mostSearched) {
				const members = await journal.members(name, link.room);
				people.push(...members.slice(0, mostSearched - people.length));
			}
	}
	return people;
}
