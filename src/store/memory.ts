import { deletedKey, goneKey, type Kind, keyKinds, valuesOf } from "../core/dedupe.ts";
import type { BridgeEvent } from "../core/event.ts";
import type { Copy, MessageId } from "../core/ids.ts";
import type {
	DeadLetter,
	Entry,
	Journal,
	Lane,
	NewRow,
	Reaction,
	ReactionSet,
	Row,
} from "../core/journal.ts";
import type { Ghost, Mapping, Portal } from "../core/mapping.ts";
import { merged } from "../core/merged.ts";
import type { Person } from "../core/person.ts";
import { bounds, ranFor } from "./bounds.ts";
import { ghostKey, pairKey, placeKey } from "./keys.ts";
import { createMemoryPlaces } from "./memory-places.ts";

const noBackup = async () => {
	throw new Error("a store in memory has no backup");
};

/** The mapping without a disk: for tests, and the reference the engines are compared with. */
export function createMemoryMapping(): Mapping {
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
		takes: async () => true,
		async saveGhost(ghost) {
			const key = ghostKey(ghost.person.id, ghost.person.network, ghost.on);
			const address = placeKey(ghost.on, ghost.address);
			if ((addresses.get(address) ?? key) !== key) throw new Error(`${ghost.address} is taken`);
			const old = ghosts.get(key);
			if (old) addresses.delete(placeKey(old.on, old.address));
			ghosts.set(key, structuredClone(ghost));
			addresses.set(address, key);
		},
		picture: async (hash) => ghosts.values().find(({ picture }) => picture?.hash === hash)?.picture?.url,
		setting: async (key) => settings.get(key),
		async saveSetting(key, value) {
			settings.set(key, value);
		},
		async once(key, make) {
			const value = settings.get(key) ?? make();
			settings.set(key, value);
			return value;
		},
		backup: noBackup,
		count: async () => portals.size + ghosts.size + settings.size,
	};
}

/** The journal without a disk: for tests, and the reference the engines are compared with. */
export function createMemoryJournal(): Journal {
	const rows = new Map<number, Row>();
	const keys = new Map<string, number>();
	const copies = new Map<string, Readonly<{ copy: Copy; origin: Copy; at: number }>>();
	const rooms = new Map<string, Map<string, Person>>();
	const cursors = new Map<string, string>();
	const places = createMemoryPlaces();
	/** The shared ids of the last messages of each room: for each message its id and those. */
	const shared = new Map<string, { origin: Copy; ids: readonly MessageId[]; at: number }[]>();
	let reactions: (Omit<ReactionSet, "now"> & Readonly<{ shown: Reaction; at: number }>)[] = [];
	let dead: DeadLetter[] = [];
	/** The held events, in order. */
	let held: { position: number; event: BridgeEvent; rows: readonly NewRow[] }[] = [];
	let position = 0;
	let seq = 0;
	let running = 0;
	let pruned: number | undefined;

	const same = (a: Lane, b: Lane) => a.portal === b.portal && a.link === b.link;
	const samePlace = (a: Copy, b: Copy) => a.network === b.network && a.room === b.room;
	const sameSet = (a: Omit<ReactionSet, "now">, b: Omit<ReactionSet, "now">) =>
		a.network === b.network && a.room === b.room && a.message === b.message && a.sender === b.sender;
	const name = (copy: Copy) => JSON.stringify([copy.network, copy.room, copy.id]);
	const add = (row: NewRow, queuedAt: number): Row => {
		seq += 1;
		const added: Row = { ...row, seq, state: "waiting", attempts: 0, queuedAt };
		// As on disk, `begun` counts as the first attempt. It is no property of the stored row, so the next run does not see it.
		const { begun, ...stored } = added;
		rows.set(seq, structuredClone(begun ? { ...stored, state: "doubt", attempts: 1 } : stored));
		return added;
	};
	const originOf = ({ event }: Pick<NewRow, "event">): Copy => {
		return { network: event.sender.network, room: event.room, id: event.id };
	};
	const record = (copy: Copy, origin: Copy) => {
		// Re-inserting moves the copy to the end: the last one named is the newest.
		copies.delete(name(copy));
		copies.set(name(copy), { copy, origin, at: Date.now() });
	};
	/** Returns true if the event has rows in a lane or outside. */
	const waits = (of: Copy) => [...rows.values(), ...held].some((row) => name(originOf(row)) === name(of));
	const isOrigin = (of: Copy) => [...copies.values()].some(({ origin }) => name(origin) === name(of));
	const alsoKnown = (origin: Copy, aka: MessageId) => {
		const copy = { ...origin, id: aka };
		if (isOrigin(copy) || waits(copy)) return;
		if (samePlace(copies.get(name(copy))?.origin ?? origin, origin)) record(copy, origin);
	};
	const heldAt = (of: Copy) => held.filter((one) => name(originOf(one)) === name(of));
	/** Returns the event as JSON keeps it, without undefined parts. */
	const stored = (event: BridgeEvent) => JSON.parse(JSON.stringify(event)) as BridgeEvent;
	/** A message and the events that change it. */
	const ofMessage = (origin: Copy, row: Pick<NewRow, "event">) =>
		name(originOf(row)) === name(origin) ||
		[...copies.values()].some(
			(one) => name(one.copy) === name(originOf(row)) && name(one.origin) === name(origin),
		);
	/** Returns the messages that a further id (`aka`) or a shared id names. */
	const called = (of: Copy): readonly Copy[] => {
		const chosen = (shared.get(placeKey(of.network, of.room)) ?? []).filter(({ ids }) => ids.includes(of.id));
		const all = [copies.get(name(of))?.origin, ...chosen.map(({ origin }) => origin)];
		const found = new Map(all.filter((one) => one !== undefined).map((one) => [name(one), one]));
		return [...found.values()];
	};
	const several = (of: Copy) => !isOrigin(of) && called(of).length > 1;
	/** Returns the message that an id names. A message's own id wins over the further ids of another message. */
	const originFor = (of: Copy): Copy => (isOrigin(of) || several(of) ? of : (called(of)[0] ?? of));
	/** Returns the message that another one changes; undefined where the journal does not know it. */
	const changed = (of: Copy): Copy | undefined => {
		const origin = originFor(of);
		return waits(origin) || isOrigin(origin) ? origin : undefined;
	};
	const firstTime = (key: string) => {
		if (keys.has(key)) return false;
		keys.set(key, running);
		return true;
	};
	const forgetKeys = (beginning: string) => {
		for (const key of keys.keys()) if (key.startsWith(beginning)) keys.delete(key);
	};
	const isNew = ({ key, repeats, value }: Entry) => {
		const isRepeat = (known: string) =>
			repeats && ((known >= repeats.from && known <= repeats.to) || known === repeats.older);
		if (repeats && [...keys.keys()].some(isRepeat)) return false;
		if (value?.standing && keys.has(value.key)) return false;
		if (!firstTime(key)) return false;
		if (value) {
			forgetKeys(value.subject);
			firstTime(value.key);
		}
		return true;
	};
	const react = ({ now, ...of }: ReactionSet) => {
		reactions = reactions.filter((one) => !sameSet(one, of));
		for (const shown of now) reactions.push({ ...of, shown: { ...shown }, at: Date.now() });
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
				if (entry.cursor) cursors.set(entry.cursor.key, entry.cursor.value);
				if (!isNew(entry)) continue;
				if (entry.member) member(entry.member);
				if (entry.reaction) react(entry.reaction);
				const own = entry.rows[0] && originOf(entry.rows[0]);
				const original = own && entry.of !== undefined ? changed({ ...own, id: entry.of }) : undefined;
				// Claim the id before the rows exist: from now on it names this message only.
				if (own && original) alsoKnown(original, own.id);
				const later = entry.rows.filter((row) => row.held);
				const into = entry.into === undefined ? [] : heldAt({ ...(own as Copy), id: entry.into });
				for (const one of into) one.event = stored(merged(one.event, (later[0] as NewRow).event));
				if (later.length > 0 && into.length === 0)
					held.push({
						position: ++position,
						event: structuredClone((later[0] as NewRow).event),
						rows: later.map(({ held: _held, ...row }) => structuredClone(row)),
					});
				const waiting = { seq: 0, state: "waiting", attempts: 0, queuedAt } as const;
				if (into.length === 0)
					fresh.push(...entry.rows.map((row) => (row.held ? { ...row, ...waiting } : add(row, queuedAt))));
				if (own) for (const aka of entry.aka ?? []) alsoKnown(original ?? own, aka);
				if (own && entry.shared?.length) {
					const place = placeKey(own.network, own.room);
					const noted = { origin: original ?? own, ids: entry.shared, at: queuedAt };
					shared.set(place, [...(shared.get(place) ?? []), noted].slice(-bounds.shared.count));
				}
			}
			return fresh;
		},
		held: async (after, limit) =>
			held
				.filter((one) => one.position > after)
				.slice(0, limit)
				.map(({ position, event }) => {
					const origin = originOf({ event });
					const further = [...copies.values()].filter(
						(one) => name(one.origin) === name(origin) && samePlace(one.copy, origin),
					);
					const chosen = (shared.get(placeKey(origin.network, origin.room)) ?? []).filter(
						(one) => name(one.origin) === name(origin),
					);
					const ids = [...further.map(({ copy }) => copy.id), ...chosen.flatMap((one) => one.ids)];
					return { position, event, ids };
				}),
		async enter(events) {
			return events.flatMap((of) => {
				const found = heldAt(of);
				held = held.filter((one) => !found.includes(one));
				return found.flatMap(({ rows, event }) => rows.map((row) => add({ ...row, event }, Date.now())));
			});
		},
		once: async (key) => firstTime(key),
		cursor: async (key) => cursors.get(key),
		cursors: async (prefix) =>
			[...cursors]
				.filter(([key]) => key.startsWith(prefix))
				.map(([key, value]) => ({ key, value }))
				.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))),
		async saveCursor(key, value) {
			if (value === undefined) cursors.delete(key);
			else cursors.set(key, value);
		},
		async lanes() {
			const found: (Lane & { depth: number; oldest: number })[] = [];
			for (const { lane, queuedAt } of rows.values()) {
				const known = found.find((other) => same(other, lane));
				if (known) known.depth += 1;
				else found.push({ ...lane, depth: 1, oldest: queuedAt });
			}
			return found;
		},
		rows: async (lane, after, limit) =>
			[...rows.values()].filter((row) => same(row.lane, lane) && row.seq > after).slice(0, limit),
		async attempt({ seq, begun }, request) {
			const row = rows.get(seq);
			if (!row) return false;
			const rendered = request === undefined ? {} : { request };
			rows.set(seq, { ...row, ...rendered, state: "doubt", attempts: row.attempts + (begun ? 0 : 1) });
			return true;
		},
		async keep({ seq }, request) {
			const row = rows.get(seq);
			if (row) rows.set(seq, { ...row, request });
		},
		async release(unsent) {
			for (const { seq } of unsent) {
				const row = rows.get(seq);
				if (!row || row.attempts === 0) continue;
				const attempts = row.attempts - 1;
				rows.set(seq, { ...row, state: attempts > 0 ? "doubt" : "waiting", attempts });
				const origin = originFor(originOf(row));
				if (attempts > 0 || !keys.has(deletedKey(origin.network, origin.room, origin.id))) continue;
				rows.delete(seq);
				firstTime(goneKey(origin.network, origin.room, origin.id));
			}
		},
		async done({ seq }, target, ids) {
			const row = rows.get(seq);
			if (!row) return;
			rows.delete(seq);
			const own = originOf(row);
			const origin = row.event.kind === "edit" ? originFor(own) : own;
			for (const id of ids) record({ network: target.network, room: target.room, id }, origin);
		},
		expire: async ({ seq }) => rows.get(seq)?.attempts === 0 && rows.delete(seq),
		async refuse({ seq }, reason) {
			const row = rows.get(seq);
			if (!row) return;
			rows.delete(seq);
			dead.push({ ...row, reason, diedAt: Date.now() });
		},
		async cancel(of) {
			const origin = originFor(of);
			const ofEvent = (row: Pick<NewRow, "event">) => ofMessage(origin, row);
			const cancelled = [...rows.values()].filter((row) => row.attempts === 0 && ofEvent(row));
			for (const row of cancelled) rows.delete(row.seq);
			dead = dead.filter((letter) => !ofEvent(letter));
			if ([...rows.values()].some(ofEvent)) firstTime(deletedKey(of.network, of.room, origin.id));
			const heldBack = held.filter(ofEvent);
			held = held.filter((one) => !heldBack.includes(one));
			const waiting = { seq: 0, state: "waiting", attempts: 0, queuedAt: 0, held: true } as const;
			const all = [
				...cancelled,
				...heldBack.flatMap(({ rows, event }) => rows.map((row) => ({ ...row, event, ...waiting }))),
			];
			// Cancelled by the original: a sender deletes a message in the room where it began.
			if (all.length > 0) firstTime(goneKey(of.network, of.room, origin.id));
			return all;
		},
		gone: async (of) => keys.has(goneKey(of.network, of.room, originFor(of).id)),
		async copies(of) {
			if (several(of)) return [of];
			const origin = originFor(of);
			const found = [...copies.values()].filter((copy) => name(copy.origin) === name(origin));
			return found.length > 0 ? [origin, ...found.map(({ copy }) => copy)] : [];
		},
		places,
		reactions: async (network, room, message, sender) =>
			reactions.filter((one) => sameSet(one, { network, room, message, sender })).map(({ shown }) => shown),
		setReactions: async (network, room, message, sender, now) =>
			react({ network, room, message, sender, now }),
		async reactionAt(network, room, id) {
			const found = reactions.findLast(
				(one) => one.network === network && one.room === room && one.shown.id === id,
			);
			return found && { message: found.message, sender: found.sender, emoji: found.shown.emoji };
		},
		members: async (network, room) => [...(rooms.get(placeKey(network, room))?.values() ?? [])],
		async forget(network, room) {
			rooms.delete(placeKey(network, room));
			forgetKeys(valuesOf(network, room));
		},
		dead: async (limit, of) =>
			dead
				.toReversed()
				.filter(({ lane }) => of === undefined || lane.portal === of)
				.slice(0, limit),
		async revive({ lane, limit }) {
			const letters = dead.filter((letter) => !lane || same(letter.lane, lane)).slice(0, limit);
			dead = dead.filter((letter) => !letters.includes(letter));
			return letters.map(({ operation, trace, lane, event, state, attempts }) => {
				const row: Row = { ...add({ operation, trace, lane, event }, Date.now()), state, attempts };
				rows.set(row.seq, structuredClone(row));
				return row;
			});
		},
		async stats() {
			return {
				waiting: rows.size,
				oldest: rows.values().next().value?.queuedAt,
				dead: dead.length,
				held: held.length,
			};
		},
		backup: noBackup,
		async prune(now) {
			running += ranFor(pruned, now);
			pruned = now;
			const all = [...keys];
			for (const kind of Object.values<Kind>(keyKinds)) {
				const { prefix, age = Number.POSITIVE_INFINITY, newest = 0, most = all.length } = kind;
				const its = all.filter(([key]) => (prefix === "" ? !key.includes(" ") : key.startsWith(prefix)));
				const later = new Set(all.slice(all.length - newest));
				const old = its.filter((one) => one[1] < running - age && !later.has(one));
				const surplus = its.slice(0, Math.max(0, its.length - most));
				for (const [key] of [...old, ...surplus]) keys.delete(key);
			}
			let surplus = copies.size - bounds.copies.count;
			for (const [key, { at }] of copies)
				if (surplus-- > 0 || at < now - bounds.copies.age) copies.delete(key);
			for (const [place, noted] of shared)
				shared.set(
					place,
					noted.filter(({ at }) => at >= now - bounds.copies.age),
				);
			reactions = reactions.slice(-bounds.copies.count).filter(({ at }) => at >= now - bounds.copies.age);
			places.prune();
			dead = dead.slice(-bounds.dead.count).filter(({ diedAt }) => diedAt >= now - bounds.dead.age);
		},
	};
}
