import type { Person } from "../../core/person.ts";
import type { Context } from "./context.ts";
import type { Room } from "./room.ts";

/**
 * The people of a MUC whom it banned (XEP-0045 §9.1), by their bare JIDs, on disk: the MUC names the JID alone when it lifts
 * a ban, which may be in a later run. A ghost may be older than the bridge's right to see the JID.
 */

/** The most people of one MUC. A ban beyond them is not lifted in the portal's other rooms. */
const most = 1_000;

const prefixOf = (room: Room) => `outcast ${room.jid} `;

/** Notes a ban. Each of our occupants hears of it. */
export function noteOutcast(room: Room, jid: string, person: Person, context: Context): void {
	if (room.outcasts.get(jid)?.id === person.id) return;
	room.outcasts.set(jid, person);
	void context.guard.run("note of a ban", async () => {
		if ((await context.cursors(prefixOf(room))).length < most)
			context.save({ key: prefixOf(room) + jid, value: JSON.stringify(person) });
	});
}

/** Resolves with the person whom the MUC banned under a bare JID; undefined for nobody. */
export async function outcastAt(room: Room, jid: string, context: Context): Promise<Person | undefined> {
	const known = room.outcasts.get(jid);
	if (known) return known;
	const stored = await context.cursor(prefixOf(room) + jid);
	return stored === undefined ? undefined : (JSON.parse(stored) as Person);
}

/** Resolves with the bare JID under which the MUC banned a person. */
export async function jidOfOutcast(
	room: Room,
	{ id }: Person,
	context: Context,
): Promise<string | undefined> {
	const all = await context.cursors(prefixOf(room));
	const found = all.find(({ value }) => (JSON.parse(value) as Person).id === id);
	return found?.key.slice(prefixOf(room).length);
}

/** Forgets a ban that the MUC has lifted. */
export function forgetOutcast(room: Room, jid: string, context: Context): void {
	room.outcasts.delete(jid);
	context.save({ key: prefixOf(room) + jid, value: undefined });
}

/** Forgets the bans of a MUC whose link has ended. */
export async function forgetOutcasts(room: Room, context: Context): Promise<void> {
	for (const { key } of await context.cursors(prefixOf(room))) context.save({ key, value: undefined });
}
