import { type levelOf, mayDo, type RoomFacts } from "../../../core/hosting.ts";
import { vars } from "../../message/index.ts";
import { shownRoom } from "../../message/passed-rooms.ts";
import { hatsNs } from "../../muc/hats.ts";
import { type Element, xml } from "../../stream/xml.ts";
import { pageMost } from "../archive/query.ts";
import type { OwnSettings } from "../owner/own-settings.ts";

/** The description of a hosted room for disco#info (XEP-0045 §6.4). Pure. */

const data = "jabber:x:data";

/** Anybody: no room gives a level of its own to a person who does not exist. */
const nobody = { network: "", id: "" } as unknown as Parameters<typeof levelOf>[1];

/** The features of all hosted rooms that no query stands for. */
const always: readonly string[] = [
	"http://jabber.org/protocol/muc",
	// XEP-0045 §15.3: the room keeps the id of a message when it sends the message out.
	"http://jabber.org/protocol/muc#stable_id",
	"http://jabber.org/protocol/muc#self-ping-optimization",
	// The ghost of a person in a Matrix room shows the JID of the person to all, so it cannot be hidden here.
	"muc_nonanonymous",
	hatsNs,
	"urn:xmpp:mam:2",
	"urn:xmpp:mam:2#extended",
	"urn:xmpp:message-moderate:1",
	"urn:xmpp:message-retract:1#tombstone",
	"urn:xmpp:occupant-id:0",
	"urn:xmpp:sid:0",
];

const ofKind = (facts: RoomFacts, { password, temporary }: OwnSettings): readonly string[] => [
	facts.entry === "everybody" || password !== undefined ? "muc_open" : "muc_membersonly",
	password === undefined ? "muc_unsecured" : "muc_passwordprotected",
	temporary ? "muc_temporary" : "muc_persistent",
	facts.listed ? "muc_public" : "muc_hidden",
	// From outside nobody can tell whether a newcomer may speak.
	...(facts.levels ? [mayDo(facts.levels, nobody, "speak") ? "muc_unmoderated" : "muc_moderated"] : []),
];

/** Returns the name of a room as lists show it; undefined for one that has neither a name nor an alias. */
export const nameOf = ({ name, alias }: RoomFacts): string | undefined => name || alias?.[0];

/** Returns the description. `asked`: the features of the queries that rooms answer. */
export const roomInfo = (
	facts: RoomFacts,
	asked: readonly string[],
	about: Readonly<{
		/** The name that people read. */
		name: string | undefined;
		/** People in the room; 0 where the asker cannot know the number. */
		occupants: number;
		/** The settings that the source cannot hold. */
		own: OwnSettings;
		/** The SHA-1 of the picture, in hex. */
		picture: string | undefined;
		/** The mark of the source: another bridge that is in it links it to no view of itself. */
		mark: string | undefined;
	}>,
): Element =>
	xml(
		"query",
		{ xmlns: "http://jabber.org/protocol/disco#info" },
		xml("identity", { category: "conference", type: "text", name: about.name }),
		[...new Set([...always, ...ofKind(facts, about.own), ...asked, ...vars])]
			.sort()
			.map((one) => xml("feature", { var: one })),
		form(facts, about),
	);

// XEP-0045 §15.5.4
function form(facts: RoomFacts, about: Parameters<typeof roomInfo>[2]): Element {
	const { name, occupants, picture, mark } = about;
	const { levels } = facts;
	const field = (name: string, value: string | undefined) =>
		value === undefined ? undefined : xml("field", { var: name }, xml("value", {}, value));
	const type = xml(
		"field",
		{ var: "FORM_TYPE", type: "hidden" },
		xml("value", {}, "http://jabber.org/protocol/muc#roominfo"),
	);
	return xml(
		"x",
		{ xmlns: data, type: "result" },
		type,
		field("muc#roomconfig_roomname", name),
		field("muc#roominfo_description", facts.topic),
		field("muc#roominfo_subject", facts.topic),
		field("muc#roominfo_occupants", occupants > 0 ? String(occupants) : undefined),
		field("muc#roominfo_changesubject", levels && String(Number(mayDo(levels, nobody, "topic")))),
		field("muc#roominfo_avatarhash", picture),
		field("muc#maxhistoryfetch", String(pageMost)),
		// COMPAT clients that know the field by which Prosody first gave the hash.
		field("{http://modules.prosody.im/mod_vcard_muc}avatar#sha1", picture),
		field(shownRoom, mark),
	);
}
