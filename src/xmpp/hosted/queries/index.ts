import { errorReply } from "../../stanza-error.ts";
import type { Element } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";

/** Answers the gets and sets for rooms and occupants that nobody else takes. */
export const createQueries =
	(_context: HostedContext) =>
	async (stanza: Element): Promise<Element | undefined> =>
		errorReply(stanza, "cancel", "service-unavailable");
