import { PermanentError } from "../core/errors.ts";
import type { Message } from "../core/event.ts";
import type { MessageId, OperationId } from "../core/ids.ts";
import type { Outbound } from "../core/network.ts";
import * as phrases from "../core/phrases.ts";
import type { Links } from "../media/links.ts";
import { recent } from "./recent.ts";

export type Files = Readonly<{
	link: Links["link"];
	/** Bytes of the largest file that is given out. */
	largest: number;
}>;

type Send = (out: Outbound) => Promise<readonly MessageId[]>;

/**
 * A message with a file goes as two: the file, whose text is its URL and nothing else, because clients know a file by
 * that; then what is said of it, as an answer to the file. Resolves with the ids of both.
 */
export function inParts(send: Send, files: Files | undefined): Send {
	/** The ids of first parts, by operation: what failed later must not show the file again. */
	const shown = recent<OperationId, readonly MessageId[]>(1_000);

	return async (out) => {
		const { event, operation, refs } = out;
		if (event.kind !== "message" || !event.media || !files) return send(out);
		const { text, rich, ...file } = event;
		if ((file.media?.size ?? 0) > files.largest)
			throw new PermanentError("invalid", phrases.fileTooLarge(files.largest));
		const { network, id: person } = event.sender;
		const url = files.link(event.media, { network, room: event.room, id: event.id, person });
		const first =
			shown.get(operation) ?? (await send({ ...out, event: { ...file, style: "text", text: url } }));
		shown.set(operation, first);
		if (text === "") return first;
		const { media, replyTo, ...said } = event;
		const caption: Message = { ...said, replyTo: { id: event.id, author: event.sender } };
		const second = await send({
			...out,
			operation: `${operation}.caption` as OperationId,
			event: caption,
			refs: { ...refs, [event.id]: first },
		});
		return [...first, ...second];
	};
}
