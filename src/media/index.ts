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
	/** Where people reach files of networks that ask for a login; absent, those are shown by their names. */
	public?: Readonly<{ listen: Readonly<{ host: string; port: number }>; url: string }>;
}>;

type Opener = Pick<Bridge, "open" | "findPerson">;

/** Files on their way between networks: fetched with care from strangers, given out by links. */
export function createMedia(options: MediaOptions, deps: { mapping: Mapping; log: Log }) {
	const { largest, privateHosts, public: outside } = options;
	const links = outside && createMediaLinks({ mapping: deps.mapping, url: outside.url, largest });
	let bridge!: Opener;
	let listener: Awaited<ReturnType<typeof publicListener>> | undefined;

	return {
		fetch: createFetch({ largest, privateHosts }),
		...(links && { files: { link: links.link, largest } }),
		/** What is taken back cannot be fetched by its link any more. */
		redacted: async (message: Copy) => links?.revoke({ event: message }),
		commands: links ? [revoke({ links, bridge: () => bridge })] : [],
		/** Over an open mapping, and before the first link is made. @throws Error when the port cannot be had. */
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
