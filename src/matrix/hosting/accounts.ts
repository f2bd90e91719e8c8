import { PermanentError } from "../../core/errors.ts";
import type { LevelChange } from "../../core/hosting.ts";
import type { Person } from "../../core/person.ts";
import type { Ghosts } from "../ghosts.ts";
import { ghostMxid, matrixNetwork } from "../mxid.ts";
import * as phrases from "../phrases.ts";
import { mxidAt } from "./addresses.ts";

/**
 * Returns the function that finds the MXID of a person, which may be that of a ghost without an account: nobody came under
 * it yet.
 */
export const createAccounts =
	({ ghosts, domain }: Readonly<{ ghosts: Pick<Ghosts, "known">; domain: string }>) =>
	async (whom: LevelChange["whom"]): Promise<string> => {
		if (!("id" in whom)) return mxidAt(whom, domain);
		if (whom.network === matrixNetwork) return whom.id;
		return (await ghosts.known(whom)) ?? ghostMxid(whom.network, whom.address, domain);
	};

/**
 * Refuses an act upon the bot in a room that it has made: there it carries out what the owners decide, and only its own level
 * and place let it do that. @throws PermanentError
 */
export function refuseBot(mxid: string, bot: string): void {
	if (mxid === bot) throw new PermanentError("forbidden", phrases.botStays);
}

/** Returns the reason of an act of `by` as its event tells it. `as`: the account that acts; absent: the bot. */
export const reasonBy = (
	by: Person,
	as: string | undefined,
	reason: string | undefined,
): string | undefined =>
	// Nobody on Matrix sees for whom the bot acts.
	as === undefined ? phrases.byModerator(by.name ?? by.address.join("@"), reason) : reason;
