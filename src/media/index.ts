import type { Copy } from "../core/ids.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Bridge } from "../core/network.ts";
import { publicListener } from "../http/public.ts";
import { isPublic } from "./addresses.ts";
import { createFetch } from "./fetch.ts";
import { createMediaLinks, mediaPath } from "./links.ts";
import { revoke } from "./revoke.ts";
import { createMediaServer } from "./serve.ts";

export type MediaOptions = Readonly<{
	/** Bytes of the largest file that crosses. */
	largest: number;
	/** Hosts (`host` or `host:port`) of our own network that files may be fetched from. */
	privateHosts: readonly string[];
	/** See {@link createMediaLinks}. */
	known?: readonly string[];
	/** The public address for files of networks that require a login; absent: such files are shown by their names. */
	public?: Readonly<{ listen: Readonly<{ host: string; port: number }>; url: string }>;
}>;

type Opener = Pick<Bridge, "open" | "findPerson" | "acquaintance" | "hasMessage">;

/** Creates the handling of files between networks: the guarded fetch of foreign URLs, and links to our own files. */
export function createMedia(options: MediaOptions, deps: { mapping: Mapping; log: Log }) {
	const { largest, privateHosts, public: outside, known = [] } = options;
	const links = outside && createMediaLinks({ mapping: deps.mapping, url: outside.url, known, largest });
	let bridge!: Opener;
	let listener: Awaited<ReturnType<typeof publicListener>> | undefined;

	return {
		fetch: createFetch({ largest, privateHosts }),
		...(links && { files: { link: links.link, largest } }),
		/** Revokes the links of a deleted message. */
		redacted: async (message: Copy) => links?.revoke({ event: message }),
		commands: links ? [revoke({ links, bridge: () => bridge })] : [],
		/** Starts the listener. Call it with an open mapping, before the first link is made. @throws Error if the port is taken. */
		async start(over: Opener): Promise<void> {
			bridge = over;
			if (!links) return;
			await links.start();
			const serve = createMediaServer(links, { open: over.open, largest, log: deps.log });
			listener = await publicListener(outside.listen, { [mediaPath]: serve }, deps.log, {
				counted: isPublic,
			});
		},
		async stop(): Promise<void> {
			await listener?.close();
		},
	};
}
