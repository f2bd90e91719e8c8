import type { Person } from "../core/event.ts";
import type { Copy, DeadLetter, Entry, Journal, Lane, Row } from "../core/journal.ts";
import type { Ghost, Mapping, Portal } from "../core/mapping.ts";
import { bounds, ranFor } from "./bounds.ts";
import { ghostKey, pairKey, placeKey } from "./keys.ts";

/** The mapping without a disk: for tests, and the reference the engines are compared with. */
export function memoryMapping(): Mapping {
	const portals = new Map<string, Portal>();
	const ghosts = new Map<string, Ghost>();
	const addresses = new Map<string, string>();
	const settings = new Map<string, string>();
	const sorted = () => [...portals.values()].sort((a, b) => (a.id < b.id ? -1 : 1));

	return {
		async open() {},
		async close() {},
		portals: async () => sorted(),
		portal: async (id) => portals.get(id),
		portalsOf: async (network, room) =>
			sorted().filter(({ links }) => links.some((link) => link.network === network && link.room === room)),
		portalBetween: async (one, other) =>
			sorted().find(({ between }) => between && pairKey(...between) === pairKey(one, other)),
		async savePortal(portal) {
			portals.set(portal.id, structuredClone(portal));
		},
		async removePortal(id) {
			portals.delete(id);
		},
		ghost: async (person, of, on) => ghosts.get(ghostKey(person, of, on)),
		ghostAt: async (on, address) => ghosts.get(addresses.get(placeKey(on, address)) ?? ""),
		async saveGhost(ghost) {
			const key = ghostKey(ghost.person.id, ghost.person.network, ghost.on);
			const address = placeKey(ghost.on, ghost.address);
			if ((addresses.get(address) ?? key) !== key) throw new Error(`${ghost.address} is taken`);
			const old = ghosts.get(key);
			if (old) addresses.delete(placeKey(old.on, old.address));
			ghosts.set(key, structuredClone(ghost));
			addresses.set(address, key);
		},
		setting: async (key) => settings.get(key),
		async saveSetting(key, value) {
			settings.set(key, value);
		},
		async once(key, make) {
			const value = settings.get(key) ?? make();
			settings.set(key, value);
			return value;
		},
		count: async () => portals.size + ghosts.size + settings.size,
	};
}

/** The journal without a disk: for tests, and the reference the engines are compared with. */
export function memoryJournal(): Journal {
	const rows = new Map<number, Row>();
	const keys = new Map<string, number>();
	const copies = new Map<string, Readonly<{ copy: Copy; origin: Copy; at: number }>>();
	const rooms = new Map<string, Map<string, Person>>();
	let dead: DeadLetter[] = [];
	let seq = 0;
	let running = 0;
	let pruned: number | undefined;

	const same = (a: Lane, b: Lane) => a.portal === b.portal && a.link === b.link;
	const name = (copy: Copy) => JSON.stringify([copy.network, copy.room, copy.id]);
	const firstTime = (key: string) => {
		if (keys.has(key)) return false;
		keys.set(key, running);
		return true;
	};
	const member = ({ network, room, person, present }: NonNullable<Entry["member"]>) => {
		const place = placeKey(network, room);
		const people = rooms.get(place) ?? new Map<string, Person>();
		if (present) people.set(placeKey(person.network, person.id), structuredClone(person));
		else people.delete(placeKey(person.network, person.id));
		rooms.set(place, people);
	};

	return {
		async open() {
			pruned = undefined;
		},
		async close() {},
		async accept(entries) {
			const queuedAt = Date.now();
			const fresh: Row[] = [];
			for (const entry of entries) {
				if (!firstTime(entry.key)) continue;
				if (entry.member) member(entry.member);
				for (const row of entry.rows) {
					seq += 1;
					fresh.push({ ...row, seq, state: "waiting", attempts: 0, queuedAt });
				}
			}
			for (const row of fresh) rows.set(row.seq, structuredClone(row));
			return fresh;
		},
		once: async (key) => firstTime(key),
		async lanes() {
			const found: (Lane & { depth: number })[] = [];
			for (const { lane } of rows.values()) {
				const known = found.find((other) => same(other, lane));
				if (known) known.depth += 1;
				else found.push({ ...lane, depth: 1 });
			}
			return found;
		},
		rows: async (lane, after, limit) =>
			[...rows.values()].filter((row) => same(row.lane, lane) && row.seq > after).slice(0, limit),
		async attempt({ seq }) {
			const row = rows.get(seq);
			if (row) rows.set(seq, { ...row, state: "doubt", attempts: row.attempts + 1 });
		},
		async done({ seq }, target, ids) {
			const row = rows.get(seq);
			if (!row) return;
			rows.delete(seq);
			const origin = { network: row.event.sender.network, room: row.event.room, id: row.event.id };
			for (const id of ids) {
				const copy = { network: target.network, room: target.room, id };
				copies.delete(name(copy));
				copies.set(name(copy), { copy, origin, at: Date.now() });
			}
		},
		async refuse({ seq }, reason) {
			const row = rows.get(seq);
			if (!row) return;
			rows.delete(seq);
			dead.push({ ...row, reason, diedAt: Date.now() });
		},
		async copies(of) {
			const origin = copies.get(name(of))?.origin ?? of;
			const found = [...copies.values()].filter((copy) => name(copy.origin) === name(origin));
			return found.length > 0 ? [origin, ...found.map(({ copy }) => copy)] : [];
		},
		members: async (network, room) => [...(rooms.get(placeKey(network, room))?.values() ?? [])],
		async forget(network, room) {
			rooms.delete(placeKey(network, room));
		},
		dead: async (limit) => dead.toReversed().slice(0, limit),
		async stats() {
			return { waiting: rows.size, oldest: rows.values().next().value?.queuedAt, dead: dead.length };
		},
		async prune(now) {
			running += ranFor(pruned, now);
			pruned = now;
			const old = [...keys].slice(0, -bounds.keys.count);
			for (const [key, at] of old) if (at < running - bounds.keys.age) keys.delete(key);
			let surplus = copies.size - bounds.copies.count;
			for (const [key, { at }] of copies)
				if (surplus-- > 0 || at < now - bounds.copies.age) copies.delete(key);
			dead = dead.filter(({ diedAt }) => diedAt >= now - bounds.dead.age);
		},
	};
}
