import type { Person } from "../../core/person.ts";
import { xmppNetwork } from "../from-xmpp.ts";
import type { World } from "./world.ts";

/** Returns the bare JID of a person in a hosted room, which is not anonymous; that of the ghost for a person of the source. */
export const realJid = (person: Person, { ghost }: Pick<World, "ghost">): string =>
	person.network === xmppNetwork ? person.id : ghost(person);
