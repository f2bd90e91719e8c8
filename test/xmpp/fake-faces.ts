import { Readable } from "node:stream";
import type { NetworkName } from "../../src/core/ids.ts";
import type { Avatar } from "../../src/core/person.ts";
import { createPictures } from "../../src/xmpp/pictures.ts";
import { quiet } from "../fakes.ts";

/** The picture of a fictional network under this name. */
export const avatar = (ref: string): Avatar => ({ network: "matrix" as NetworkName, ref });

/** Returns the pictures of a network with these files, by `ref`, and the refs that were opened. */
export function fakeFaces(files: Record<string, Buffer | Promise<Buffer>> = {}) {
	const opened: string[] = [];
	const pictures = createPictures({
		async open({ ref }) {
			opened.push(ref);
			const file = await files[ref];
			if (!file) throw new Error("no such file");
			return { body: Readable.from([file], { objectMode: false }), size: file.length };
		},
		now: Date.now,
		log: quiet,
	});
	return { ...pictures, files, opened };
}
