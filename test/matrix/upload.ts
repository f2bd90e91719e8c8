/**
 * Runs as a process of its own: copies files from a URL to a homeserver and prints the memory that this took, in MiB. It
 * needs --expose-gc, so that the figure leaves out garbage.
 */
import type { NetworkName } from "../../src/core/ids.ts";
import { createMatrixClient } from "../../src/matrix/client.ts";
import { createMediaStore } from "../../src/matrix/media.ts";
import { createFetch } from "../../src/media/fetch.ts";

const [homeserver = "", token = "", ...urls] = process.argv.slice(2);
const fetch = createFetch({ largest: 1e9, privateHosts: ["127.0.0.1"] });
const client = createMatrixClient({ homeserver, token });
const files = createMediaStore({ homeserver, token, client, fetch });
const store = async (ref: string) => {
	const source = { network: "xmpp" as NetworkName, ref };
	await files.store(await fetch(ref), { kind: "file", source, name: "large" }, "@_xmpp_romeo:hs.test");
};

const before = process.memoryUsage().rss;
let most = before;
const sampling = setInterval(() => {
	globalThis.gc?.();
	most = Math.max(most, process.memoryUsage().rss);
}, 20);
for (const url of urls) await store(url);
clearInterval(sampling);
client.close();
console.log((most - before) / 1_048_576);
