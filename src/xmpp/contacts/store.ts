import { textBytes } from "../../core/bounded-map.ts";
import type { RoomId } from "../../core/ids.ts";
import type { Log } from "../../core/log.ts";
import type { Bridge } from "../../core/network.ts";

/** The subscriptions between an account and a ghost, as a roster has them (RFC 6121 §3.1). */
export type Contact = Readonly<{
	/** The account gets the presences of the ghost. */
	sees?: true;
	/**
	 * The subscription of the ghost: `asked` waits for the account's answer. `refused` is the end of one that the account did
	 * not want: the ghost asks again only when the account itself has subscribed anew.
	 */
	ours?: "asked" | "granted" | "refused";
	/** The name that the bridge gave the ghost in the account's roster last. */
	name?: string;
}>;

/** Contacts that are remembered, and their bytes. The server of a forgotten one tells of it by its next probe. */
const [most, mostBytes] = [20_000, 8 * 1_048_576];
const prefix = "xmpp contact ";

/** The contacts of all ghosts, by the room of the pair. They survive a restart, or the bridge would ask everybody again. */
export function createContactStore(
	bridge: () => Pick<Bridge, "cursors" | "saveCursor">,
	log: Log,
	bound: Readonly<{ most: number; bytes: number }> = { most, bytes: mostBytes },
) {
	/** In the order in which they changed, the oldest first. */
	const contacts = new Map<RoomId, Contact>();
	let bytes = 0;
	const size = (pair: RoomId, { name }: Contact) => textBytes(pair, name) + 100;

	function save(pair: RoomId, contact: Contact | undefined): void {
		const value = contact && JSON.stringify(contact);
		bridge()
			.saveCursor({ key: `${prefix}${pair}`, value })
			.catch((error: unknown) => log.warn({ err: error }, "a contact could not be noted"));
	}

	function remove(pair: RoomId): void {
		const known = contacts.get(pair);
		if (known) bytes -= size(pair, known);
		contacts.delete(pair);
	}

	function put(pair: RoomId, contact: Contact): void {
		remove(pair);
		contacts.set(pair, contact);
		bytes += size(pair, contact);
		while (contacts.size > bound.most || bytes > bound.bytes) {
			const [oldest] = contacts.keys();
			if (oldest === undefined) break;
			remove(oldest);
			save(oldest, undefined);
		}
	}

	return {
		/** Reads the contacts that earlier runs left. */
		async load(): Promise<void> {
			for (const { key, value } of await bridge().cursors(prefix))
				put(key.slice(prefix.length) as RoomId, JSON.parse(value) as Contact);
		},
		get: (pair: RoomId): Contact => contacts.get(pair) ?? {},
		/** Changes a contact; a field of undefined is removed. */
		change(pair: RoomId, fields: { readonly [Key in keyof Contact]: Contact[Key] | undefined }): void {
			const before = contacts.get(pair) ?? {};
			const entries = Object.entries({ ...before, ...fields }).filter(([, value]) => value !== undefined);
			const contact = Object.fromEntries(entries) as Contact;
			if (JSON.stringify(contact) === JSON.stringify(before)) return;
			if (entries.length === 0) remove(pair);
			else put(pair, contact);
			save(pair, entries.length === 0 ? undefined : contact);
		},
	};
}
export type ContactStore = ReturnType<typeof createContactStore>;
