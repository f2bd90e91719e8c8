import { child, type Element } from "../stream/xml.ts";

/** The status codes of a MUC that the bridge acts on or sends (XEP-0045 §15.6.2). */
export const statusCodes = {
	/** In the presence of a join: every occupant sees full JIDs. */
	nonAnonymous: "100",
	configurationChanged: "104",
	/** The presence is the recipient's own. */
	selfPresence: "110",
	loggingEnabled: "170",
	loggingDisabled: "171",
	/** The join made the MUC. */
	created: "201",
	/** The MUC gave the occupant another nick than it asked for. */
	nickModified: "210",
	banned: "301",
	/** The occupant goes on under the nick in the item. */
	nickChanged: "303",
	kicked: "307",
	affiliationLost: "321",
	membersOnlyNow: "322",
	/** The MUC service shuts down. */
	shutdown: "332",
	/** The MUC removed the occupant for a technical reason. */
	technicalRemoval: "333",
} as const;

/** The namespace of what a MUC adds to the presences and messages of its occupants. */
export const mucUser = "http://jabber.org/protocol/muc#user";

/** Returns the status codes in a presence or message of a MUC. */
export const statusCodesOf = (stanza: Element): ReadonlySet<string> =>
	new Set(
		child(stanza, "x", mucUser)
			?.getChildren("status")
			.map((status) => status.attrs.code ?? ""),
	);
