import { createHash } from "node:crypto";
import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import type { Support } from "../../core/capabilities.ts";
import { bare } from "../jid.ts";

/** `features` is undefined until the client answers. `ver` is the hash that it announced last. */
type Client = { ver: string | undefined; features: ReadonlySet<string> | undefined };

/** Clients of one account that are remembered. */
const most = 20;
/** Accounts that are remembered, and bytes of all their clients. */
const [accounts, bytes] = [5_000, 4 * 1_048_576];
/** Characters of an announced hash (XEP-0115: 28); a longer one is hashed again before it is kept. */
const longestVer = 64;

/**
 * Remembers which features the clients of accounts have (XEP-0030). Each client is asked itself: a client can announce the
 * hash of another kind of client (XEP-0115), so an answer counts for nobody else.
 */
export function createEntityCapabilities(
	ask: (jid: string, as: string) => Promise<ReadonlySet<string>>,
	/** The features that are kept of an answer. */
	wanted: readonly string[],
) {
	const clients = createBoundedMap<string, Map<string, Client>>(accounts, {
		bytes,
		of: (account, all) =>
			textBytes(account) + [...all.keys()].reduce((sum, jid) => sum + textBytes(jid) + 400, 0),
	});

	return {
		/**
		 * A client was noticed: the ghost `as` asks it, unless it is known. Another `announced` hash means that it changed.
		 * Resolves with true when a client that was asked has answered.
		 */
		async seen(jid: string, as: string, announced?: string): Promise<boolean> {
			const ver =
				announced && announced.length > longestVer
					? createHash("sha256").update(announced).digest("base64url")
					: announced;
			const account = clients.get(bare(jid)) ?? new Map<string, Client>();
			const known = account.get(jid);
			if (known && (ver === undefined || ver === known.ver)) return false;
			const client: Client = { ver, features: undefined };
			account.set(jid, client);
			if (account.size > most) account.delete(account.keys().next().value as string);
			// Set again, so that the map counts the bytes of the new client.
			clients.set(bare(jid), account);
			const features = await ask(jid, as);
			client.features = new Set(wanted.filter((ns) => features.has(ns)));
			return true;
		},
		gone: (jid: string) => void clients.get(bare(jid))?.delete(jid),
		/** Returns native if all clients of the account have the feature, text if none has, and mixed also while unknown. */
		support(account: string, ns: string): Support {
			const all = [...(clients.get(account)?.values() ?? [])];
			if (all.length === 0 || all.some(({ features }) => !features)) return "mixed";
			const knowing = all.filter(({ features }) => features?.has(ns)).length;
			return knowing === all.length ? "native" : knowing === 0 ? "text" : "mixed";
		},
	};
}
