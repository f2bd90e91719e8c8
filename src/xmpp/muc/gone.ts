import { PermanentError } from "../../core/errors.ts";
import * as phrases from "../phrases.ts";
import type { StanzaError } from "../stanza-error.ts";
import { typedAddress } from "../typed-jid.ts";

/** The owners of a MUC have destroyed it (XEP-0045 §10.9). */
export class Gone extends PermanentError {
	/** The JID of the MUC that takes its place. */
	readonly next: string | undefined;
	constructor(room: string, next: string | undefined, cause: StanzaError) {
		super("not-found", phrases.mucGone(room, next), { cause });
		this.next = next;
	}
}

/** Returns the error `gone` of a MUC in our terms. */
export const goneBy = (room: string, error: StanzaError): Gone =>
	new Gone(room, error.elsewhere && typedAddress(error.elsewhere), error);
