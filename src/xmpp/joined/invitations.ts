import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { StanzaError } from "../stanza-error.ts";

/** Invited people whose answers the portal is told, and their bytes. */
const [mostInvited, invitedBytes] = [1_000, 1_048_576];

/** The invitations of XMPP people into the MUCs of others that `invite.ts` has sent. */
export const createInvitations = () => ({
	/** The refusals of the invitations that wait for the MUC, by the id of the stanza. */
	underWay: new Map<string, StanzaError | undefined>(),
	/** The people who may still decline, by MUC and JID. */
	invited: createBoundedMap<string, true>(mostInvited, { bytes: invitedBytes, of: (key) => textBytes(key) }),
});
export type Invitations = ReturnType<typeof createInvitations>;
