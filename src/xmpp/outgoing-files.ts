import type { Log } from "../core/log.ts";
import type { Bridge } from "../core/network.ts";
import type { Links } from "../media/links.ts";
import { typeOfFile } from "../media/sniff.ts";
import type { Files } from "./attachments.ts";
import type { Component } from "./stream/component.ts";
import { createUploads } from "./uploads.ts";

/** Chooses how the files of other networks are given out: by our own links, else by the upload service of the XMPP server. */
export function createOutgoingFiles(deps: {
	link: Component;
	component: string;
	open: Bridge["open"];
	/** Makes our own links. Absent: the bridge has no public address. */
	given: Readonly<{ link: Links["link"]; largest: number }> | undefined;
	log: Log;
}) {
	const { link, component, open, given, log } = deps;
	const uploads = createUploads({ link, component, open, log });
	const type: Files["type"] = (media) => typeOfFile(media, open);

	return {
		/** Looks for an upload service, where one is needed. Never rejects. */
		look: async (): Promise<void> => {
			if (!given) await uploads.look();
		},
		/** Returns the way that files go out; undefined while there is none. */
		files(): Files | undefined {
			if (given) return { url: given.link, type, largest: given.largest };
			const largest = uploads.largest();
			const url: Files["url"] = (media, _about, once) => uploads.put(media, once);
			return largest === undefined ? undefined : { url, type, largest };
		},
	};
}
