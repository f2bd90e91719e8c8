import type { MessageId, RoomId } from "../../core/ids.ts";
import { roomItself } from "../from-xmpp.ts";
import { bare, domain, resource } from "../jid.ts";
import { beginning } from "../muc/fields.ts";
import { mucUser } from "../muc/status-codes.ts";
import { child, type Element, text } from "../stream/xml.ts";
import type { Context } from "./context.ts";
import { forgetOutcast, outcastAt } from "./outcasts.ts";
import type { Room } from "./room.ts";

/** Each of our occupants that is a moderator gets a copy of the news: those within so many ms are one. */
const oneWithin = 10_000;

/**
 * Takes the message of a MUC that a person who is out got another affiliation, such as a ban or the end of a ban
 * (XEP-0045 §9.1 and §9.2). Only moderators hear of it in a MUC that hides JIDs. Returns false for any other message.
 */
export function takeAffiliation(room: Room, stanza: Element, context: Context): boolean {
	const { from = "" } = stanza.attrs;
	const item = child(stanza, "x", mucUser)?.getChild("item");
	const { jid, affiliation } = item?.attrs ?? {};
	if (!item || !jid || !affiliation || resource(from) !== undefined) return false;
	const reason = beginning(text(item, "reason") ?? "");
	void context.guard.run("affiliation in a MUC", async () => {
		const of = bare(jid);
		const isOurs = domain(of) === context.component;
		const whom = isOurs ? await context.personAt(of) : await outcastAt(room, of, context);
		if (!whom) return;
		if (!isOurs && affiliation !== "outcast") forgetOutcast(room, of, context);
		const { at } = context.now();
		const slot = Math.floor(at / oneWithin);
		context.tell([
			{
				kind: "moderation",
				act: affiliation === "outcast" ? "ban" : "unban",
				whom,
				id: `affiliation ${of} ${affiliation} ${slot}` as MessageId,
				room: room.jid as RoomId,
				sender: roomItself(room.jid, room.features.name),
				at,
				...(reason && { reason }),
			},
		]);
	});
	return true;
}
