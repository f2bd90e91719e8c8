import { createHash } from "node:crypto";
import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { Support } from "../../core/capabilities.ts";
import { bare } from "../jid.ts";

/** Undefined features: it did not answer yet, or never. */
type Client = { ver: string | undefined; features: ReadonlySet<string> | undefined };

/** Clients of one account that are kept in mind. */
const most = 20;
/** Accounts, and bytes of all their clients. */
const [accounts, bytes] = [5_000, 4 * 1_048_576];
/** Characters of an announced hash (XEP-0115: 28); of a longer one its own hash is kept. */
const longestVer = 64;

/**
 * What the clients of the people we talk to understand (XEP-0030). Each is asked itself: what one announces for all
 * of its kind (XEP-0115) can be a lie about the others.
 */
export function createEntityCapabilities(
	ask: (jid: string, as: string) => Promise<ReadonlySet<string>>,
	/** The features that matter: of an answer nothing else is kept. */
	wanted: readonly string[],
) {
	const clients = createBoundedMap<string, Map<string, Client>>(accounts, {
		bytes,
		of: (account, all) =>
			textBytes(account) + [...all.keys()].reduce((sum, jid) => sum + textBytes(jid) + 400, 0),
	});

	return {
		/** A client was heard of, by our ghost `as`. `ver` is the hash it announces: another one means it changed. */
		async seen(jid: string, as: string, announced?: string): Promise<void> {
			const ver =
				announced && announced.length > longestVer
					? createHash("sha256").update(announced).digest("base64url")
					: announced;
			const account = clients.get(bare(jid)) ?? new Map<string, Client>();
			const known = account.get(jid);
			if (known && (ver === undefined || ver === known.ver)) return;
			const client: Client = { ver, features: undefined };
			account.set(jid, client);
			if (account.size > most) account.delete(account.keys().next().value as string);
			// Weighed as it is now.
			clients.set(bare(jid), account);
			const features = await ask(jid, as);
			client.features = new Set(wanted.filter((ns) => features.has(ns)));
		},
		gone: (jid: string) => void clients.get(bare(jid))?.delete(jid),
		/** native: all of the account's clients know it; text: none does. */
		support(account: string, ns: string): Support {
			const all = [...(clients.get(account)?.values() ?? [])];
			if (all.length === 0 || all.some(({ features }) => !features)) return "mixed";
			const knowing = all.filter(({ features }) => features?.has(ns)).length;
			return knowing === all.length ? "native" : knowing === 0 ? "text" : "mixed";
		},
	};
}
