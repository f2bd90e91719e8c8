import { PermanentError } from "../core/errors.ts";
import type { ByteRange, Opened } from "../core/media.ts";
import { type Faces, isFace } from "./faces.ts";
import { isBits, openBits } from "./message/stickers.ts";
import * as phrases from "./phrases.ts";
import type { Component } from "./stream/component.ts";

/** Returns the function that opens what people on XMPP refer to: their pictures, the pictures in stanzas, and files at URLs. */
export function createOpener(deps: {
	link: Pick<Component, "iq">;
	people: Pick<Faces, "open">;
	/** Fetches a file at a URL. Absent: none is fetched. */
	fetch: ((url: string, range?: ByteRange) => Promise<Opened>) | undefined;
}) {
	const { link, people, fetch } = deps;
	return async (ref: string, range?: ByteRange): Promise<Opened> => {
		if (isFace(ref)) return people.open(ref);
		if (isBits(ref)) return openBits(ref, link);
		if (!fetch) throw new PermanentError("not-found", phrases.fileGone);
		return fetch(ref, range);
	};
}
