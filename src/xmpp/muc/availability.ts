import type { Shown } from "../../core/signal.ts";
import * as phrases from "../phrases.ts";
import { type Element, xml } from "../stream/xml.ts";

/**
 * Returns the parts of an occupant's presence that say whether it is there (RFC 6121 §4.7.2). One that is offline stays in
 * the room, as its membership does on its own network. Pure.
 */
export function availabilityOf({ show, status }: Shown): readonly Element[] {
	const word = { online: undefined, away: "away", busy: "dnd", offline: "xa" }[show];
	const words = status ?? (show === "offline" ? phrases.notThere : undefined);
	return [
		...(word === undefined ? [] : [xml("show", {}, word)]),
		...(words ? [xml("status", {}, words)] : []),
	];
}
