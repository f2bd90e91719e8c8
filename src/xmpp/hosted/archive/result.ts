import { type Element, xml } from "../../stream/xml.ts";
import type { Entry, Page } from "./entries.ts";
import { mam } from "./form.ts";
import { rsm } from "./query.ts";

/** The answers of an archive (XEP-0313 §4.2, §4.3, §5). Pure. */

const delay = "urn:xmpp:delay";
const mucUser = "http://jabber.org/protocol/muc#user";

const stamp = (at: number): string => new Date(at).toISOString();

/** The addresses of the room and of the client of a query, and the client's mark for the results. */
export type Asked = Readonly<{ from: string; to: string; queryid?: string }>;

type Position = Pick<Entry, "id" | "at">;

/** Returns the message that brings one entry. `line`: the stanza as the room's people got it live. */
export const result = ({ from, to, queryid }: Asked, { id, at }: Position, line: Element): Element =>
	xml(
		"message",
		{ from, to },
		xml(
			"result",
			{ xmlns: mam, queryid, id },
			xml(
				"forwarded",
				{ xmlns: "urn:xmpp:forward:0" },
				xml("delay", { xmlns: delay, stamp: stamp(at) }),
				line,
			),
		),
	);

/** Returns the end of the results. */
export const fin = ({ first, last, complete, count }: Page<Entry>): Element =>
	xml(
		"fin",
		{ xmlns: mam, complete: complete ? "true" : undefined },
		xml(
			"set",
			{ xmlns: rsm },
			first === undefined ? undefined : xml("first", {}, first),
			last === undefined ? undefined : xml("last", {}, last),
			count === undefined ? undefined : xml("count", {}, String(count)),
		),
	);

/** Returns the first and the last entry of an archive; an empty archive has none. */
export const metadata = (first?: Position, last?: Position): Element =>
	xml(
		"metadata",
		{ xmlns: mam },
		first && xml("start", { id: first.id, timestamp: stamp(first.at) }),
		last && xml("end", { id: last.id, timestamp: stamp(last.at) }),
	);

/**
 * Returns a line as an archive forwards it: without `to`, and with the JID, the affiliation and the role of its sender in
 * place of any that a client wrote (XEP-0313 §5.1.2, §8.4).
 */
export function archived(
	line: Element,
	sender: Readonly<{ jid: string; affiliation: string; role: string }> | undefined,
): Element {
	const { to: _to, ...attrs } = line.attrs;
	return xml(
		line.name,
		{ ...attrs, xmlns: "jabber:client" },
		line.getChildElements().filter((one) => !one.is("x", mucUser)),
		sender && xml("x", { xmlns: mucUser }, xml("item", sender)),
	);
}
