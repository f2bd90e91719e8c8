import { oneLine } from "../../core/names.ts";
import type { Shown } from "../../core/signal.ts";
import { type Element, xml } from "../stream/xml.ts";

/** Presences of accounts and ghosts, both ways (RFC 6121 §4.7). Pure. */

/** A client of an account. The priority decides which of several clients speaks for the account. */
export type Resource = Shown & Readonly<{ priority: number }>;

/** Characters of the longest status that crosses. */
const longestStatus = 200;
export const offline: Shown = { show: "offline" };

/** Returns the presence of a ghost. `payloads` describe a client, so they stand in no presence of one that is gone. */
export function presenceOf(from: string, to: string, shown: Shown, payloads: readonly Element[]): Element {
	const gone = shown.show === "offline";
	const word = { online: undefined, away: "away", busy: "dnd", offline: undefined }[shown.show];
	return xml(
		"presence",
		{ from, to, type: gone ? "unavailable" : undefined },
		word === undefined ? undefined : xml("show", {}, word),
		shown.status ? xml("status", {}, shown.status) : undefined,
		gone ? [] : payloads,
	);
}

/** Returns what an available or unavailable presence says. */
export function readPresence(stanza: Element): Resource {
	const status = oneLine(stanza.getChild("status")?.getText() ?? "", longestStatus);
	const priority = Number(stanza.getChild("priority")?.getText() ?? 0);
	const words = { ...(status && { status }), priority: Number.isInteger(priority) ? priority : 0 };
	if (stanza.attrs.type === "unavailable") return { show: "offline", ...words };
	switch (stanza.getChild("show")?.getText()) {
		case "away":
		case "xa":
			return { show: "away", ...words };
		case "dnd":
			return { show: "busy", ...words };
		default:
			return { show: "online", ...words };
	}
}

const rank = { online: 3, busy: 2, away: 1, offline: 0 } as const;

/** Returns the presence of an account with these clients: that of the highest priority, and of those the most present one. */
export function combined(resources: Iterable<Resource>): Shown {
	let best: Resource | undefined;
	for (const one of resources) {
		const higher = !best || one.priority > best.priority;
		const more = best && one.priority === best.priority && rank[one.show] > rank[best.show];
		if (higher || more) best = one;
	}
	if (!best) return offline;
	const { priority: _, ...shown } = best;
	return shown;
}
