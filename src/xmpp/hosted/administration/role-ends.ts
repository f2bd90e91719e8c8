import { PermanentError } from "../../../core/errors.ts";
import { levelOf, personKey } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import { account } from "../../from-xmpp.ts";
import type { HostedContext } from "../context.ts";
import { affiliationOf } from "../presences.ts";
import type { HostedRoom } from "../room.ts";
import { levelFor } from "./items.ts";

/**
 * Takes the role of a moderator from a person who has left, and with it the power level (XEP-0045 §5.1: a role lasts as long
 * as its occupant is there). A level that people of the source have given meanwhile stays.
 */
export function endRole(room: HostedRoom, person: Person, context: HostedContext): void {
	const key = personKey(person);
	const given = room.record.moderators.get(key);
	if (!given) return;
	const forget = () => context.records.change(room.id, [{ list: "moderators", key, value: undefined }]);
	const { levels } = room.facts;
	if (!levels || levelOf(levels, person) !== given.level) {
		forget();
		return;
	}
	const affiliation = affiliationOf(room, person) === "member" ? "member" : "none";
	const change = { whom: person, level: levelFor(affiliation, room.facts) };
	void context.guard.run("end of a role", async () => {
		try {
			await context.bridge().views.source(context.of).setLevels(room.source, account(given.by), [change]);
		} catch (error) {
			if (!(error instanceof PermanentError)) throw error;
			// The admin who gave it has no power any more.
			context.log.warn({ err: error, room: room.source }, "a moderator who left keeps the power level");
		}
		forget();
	});
}

/** Ends the roles of people who left while nobody of XMPP was in the room to see it. */
export function endStaleRoles(room: HostedRoom, context: HostedContext): void {
	for (const [key, { jid }] of room.record.moderators)
		if (!room.people.has(key) && key === personKey(account(jid))) endRole(room, account(jid), context);
}
