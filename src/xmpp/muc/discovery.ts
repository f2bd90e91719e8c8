import { PermanentError, TemporaryError } from "../../core/errors.ts";
import { marksIn } from "../../core/passed-rooms.ts";
import { domain } from "../jid.ts";
import { shownRoom } from "../message/passed-rooms.ts";
import * as phrases from "../phrases.ts";
import { neutral, StanzaError } from "../stanza-error.ts";
import type { Component } from "../stream/component.ts";
import { child, type Element, text } from "../stream/xml.ts";
import * as to from "../to-xmpp.ts";
import { beginning, defined } from "./fields.ts";
import { goneBy } from "./gone.ts";
import { hatsNs } from "./hats.ts";

/** How long a MUC may take to answer a disco query, in ms. */
const lookWithin = 15_000;
const infoNs = "http://jabber.org/protocol/disco#info";

/** The features that a MUC tells of itself, also before a join (XEP-0045 §6.4). */
export type RoomFeatures = Readonly<{
	muc: boolean;
	name?: string;
	topic?: string;
	membersOnly: boolean;
	password: boolean;
	/** Newcomers need voice to write. */
	moderated: boolean;
	/** Lists of its service name the MUC, and everybody may enter it. Absent before it was asked. */
	listed?: boolean;
	/** The MUC adds stanza-ids (XEP-0359), so a stanza-id that anybody else wrote is forged. */
	stanzaIds: boolean;
	occupantIds: boolean;
	/** The MUC gives its occupants hats (XEP-0317), so that they cannot write any themselves. */
	hats: boolean;
	/** The MUC has an archive. Servers announce stanza-ids for MUCs without an archive too, and give none there. */
	archive: boolean;
	/** Moderators can retract the messages of others (XEP-0425). */
	moderation: boolean;
	/** The mark of the room of another network that the MUC shows. */
	shows?: string;
	/** The hash of its picture (XEP-0486 §4). */
	picture?: string;
}>;

/** Returns what the answer to a disco#info query says of a MUC. Pure. */
export function roomFeatures(query: Element): RoomFeatures {
	const has = new Set(query.getChildren("feature").map((feature) => feature.attrs.var));
	const field = (name: string) => {
		for (const form of query.getChildren("x", "jabber:x:data"))
			for (const one of form.getChildren("field"))
				if (one.attrs.var === name) return text(one, "value") || undefined;
		return undefined;
	};
	const conference = query.getChildren("identity").find((one) => one.attrs.category === "conference");
	return defined({
		muc: has.has("http://jabber.org/protocol/muc"),
		name: beginning(conference?.attrs.name || field("muc#roomconfig_roomname")),
		topic: beginning(field("muc#roominfo_subject")),
		membersOnly: has.has("muc_membersonly"),
		password: has.has("muc_passwordprotected"),
		moderated: has.has("muc_moderated"),
		listed:
			has.has("muc_public") &&
			!["muc_membersonly", "muc_passwordprotected"].some((closed) => has.has(closed)),
		stanzaIds: has.has("urn:xmpp:sid:0"),
		occupantIds: has.has("urn:xmpp:occupant-id:0"),
		hats: has.has(hatsNs),
		archive: has.has("urn:xmpp:mam:2"),
		moderation: has.has("urn:xmpp:message-moderate:1"),
		picture: /^[0-9a-f]{40}$/.exec(field("muc#roominfo_avatarhash") ?? "")?.[0],
		shows: marksIn([field(shownRoom)])[0],
	});
}

/**
 * Returns what a MUC says of itself to the JID `from`, which need not have joined; undefined where the MUC hides from
 * strangers. @throws PermanentError where there is no such MUC, TemporaryError where its server is not reached.
 */
export async function discoverRoom(
	room: string,
	from: string,
	link: Pick<Component, "iq">,
): Promise<RoomFeatures | undefined> {
	let features: RoomFeatures;
	try {
		const answer = await link.iq(to.discoInfo(from, room), lookWithin);
		const query = child(answer, "query", infoNs);
		if (!query) throw new PermanentError("failed", phrases.notMuc(room));
		features = roomFeatures(query);
	} catch (error) {
		if (!(error instanceof StanzaError)) throw error;
		if (error.condition === "gone") throw goneBy(room, error);
		if (error.condition === "item-not-found")
			throw new PermanentError("not-found", phrases.noSuchMuc(room), { cause: error });
		if (error.condition.startsWith("remote-server-"))
			throw new TemporaryError(phrases.noSuchServer(domain(room)), { cause: error });
		if (error.type === "wait") throw neutral(error);
		// A hidden MUC says nothing to strangers; the join tells whether it lets us in.
		if (hidden.has(error.condition)) return undefined;
		throw new PermanentError("not-found", phrases.notMuc(room), { cause: error });
	}
	if (!features.muc) throw new PermanentError("invalid", phrases.notMuc(room));
	return features;
}

const hidden: ReadonlySet<string> = new Set([
	"forbidden",
	"not-allowed",
	"not-authorized",
	"registration-required",
]);
