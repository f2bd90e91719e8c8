import { createHash } from "node:crypto";
import type { Person } from "../../core/person.ts";
import { bare } from "../jid.ts";

const listenerPrefix = "~listener-";

/** The parts of our own JIDs: the domain and resource of all, and the bare JID of a person's ghost. */
export type OwnJidParts = Readonly<{
	component: string;
	resource: string;
	ghost(person: Person): string;
	/** The bare JID that the admins of members-only MUCs let in: the one of the bot. */
	stated: string;
}>;

/** Returns the full JID of a person's ghost as an occupant of any MUC. */
export const ghostJid = (person: Person, { ghost, resource }: OwnJidParts): string =>
	`${ghost(person)}/${resource}`;

/** Returns the full JID of the listener in members-only MUCs, which is the same in all of them. */
export const statedJid = ({ stated, resource }: OwnJidParts): string => `${stated}/${resource}`;

/** Returns the full JID of the listener in an open MUC. Servers limit MUCs per bare JID (ejabberd: 100), so each has its own. */
export function listenerJid(room: string, { component, resource }: OwnJidParts): string {
	const hash = createHash("sha256").update(room).digest("hex").slice(0, 16);
	// No ghost of a person has a tilde in its JID.
	return `${listenerPrefix}${hash}@${component}/${resource}`;
}

export const isListenerJid = (jid: string, stated: string): boolean =>
	jid.startsWith(listenerPrefix) || bare(jid) === stated;
