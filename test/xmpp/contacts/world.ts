import { createHash } from "node:crypto";
import { createGuard } from "../../../src/core/guard.ts";
import type { PortalId, RoomId } from "../../../src/core/ids.ts";
import type { Portal } from "../../../src/core/mapping.ts";
import type { Received } from "../../../src/core/network.ts";
import type { Person } from "../../../src/core/person.ts";
import type { Shown, Signal } from "../../../src/core/signal.ts";
import { createContacts } from "../../../src/xmpp/contacts/index.ts";
import { account } from "../../../src/xmpp/from-xmpp.ts";
import { photoFor } from "../../../src/xmpp/photo.ts";
import type { Picture, Source } from "../../../src/xmpp/pictures.ts";
import { type Element, xml } from "../../../src/xmpp/stream/xml.ts";
import { quiet } from "../../fakes.ts";
import { person } from "../joined/muc-world.ts";

export const component = "bridge.test";
export const caps = xml("c", { xmlns: "http://jabber.org/protocol/caps" });

/** Returns the hash of a picture of the fake homeserver. */
export const hashOf = (ref: string) => createHash("sha1").update(ref).digest("hex");

/** The parts of the bridge that {@link contactsOf} may replace. */
type Over = Partial<{
	who(ghost: string): Promise<Person | undefined>;
	mayReach(from: Person, to: Person): Promise<boolean>;
	iq(request: Element): Promise<Element>;
	bound: Readonly<{ most: number; bytes: number }>;
	/** The cursors that earlier runs left. */
	cursors: Map<string, string>;
}>;

/** Creates the contacts of a component whose link, homeserver and core are fakes. */
export function contactsOf(over: Over = {}) {
	const wire: Element[] = [];
	const told: Received[] = [];
	const signals: Signal[] = [];
	/** The presence of each person of the other network, by address. */
	const there = new Map<string, Shown>();
	const cursors = over.cursors ?? new Map<string, string>();
	let ids = 0;
	/** The pictures that were read. */
	const read = new Set<string>();
	const hash = ({ ref }: Source) => (read.has(ref) ? hashOf(ref) : undefined);
	const contacts = createContacts({
		link: {
			send: async (stanza) => void wire.push(stanza),
			iq: over.iq ?? (async () => xml("iq", { type: "result" })),
		},
		component,
		resource: "trivium",
		bridge: () => ({
			cursor: async (key) => cursors.get(key),
			cursors: async (prefix) =>
				[...cursors].flatMap(([key, value]) => (key.startsWith(prefix) ? { key, value } : [])),
			saveCursor: async ({ key, value }) =>
				void (value === undefined ? cursors.delete(key) : cursors.set(key, value)),
			mayReach: over.mayReach ?? (async () => true),
			presence: async ({ address }) => there.get(address[0] ?? ""),
			signal: (signal) => void signals.push(signal),
		}),
		who:
			over.who ?? (async (jid) => (jid.startsWith("nobody") ? undefined : person(jid.split("@")[0] ?? ""))),
		payloads: (who) => [caps, ...(who ? photoFor(who, hash) : [])],
		faces: {
			hash,
			async get({ ref }) {
				read.add(ref);
				return { sha1: hashOf(ref) } as Picture;
			},
		},
		tell: (events) => void told.push(...events),
		now: () => ({ at: Date.now(), unique: () => `${++ids}` }),
		guard: createGuard(quiet),
		log: quiet,
		timing: { pace: 0 },
		...(over.bound && { bound: over.bound }),
	});

	return {
		contacts,
		wire,
		told,
		signals,
		there,
		cursors,
		/** Serves the chat of an account with the ghost of a person. `opened`: the person opened it. */
		chat(jid: string, who: Person, opened = false): RoomId {
			const room = `${jid} ${who.address[0]}@${component}` as RoomId;
			const between = opened ? ([who, account(jid)] as const) : ([account(jid), who] as const);
			contacts.attach(room, { id: "p" as PortalId, links: [], between } satisfies Portal);
			return room;
		},
	};
}
