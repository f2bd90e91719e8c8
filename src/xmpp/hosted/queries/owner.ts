import { child, xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import { configure } from "../owner/configure.ts";
import { destroy } from "../owner/destroy.ts";
import type { Now } from "../owner/field.ts";
import { changesIn, formOf, mucOwner, submitted } from "../owner/form.ts";
import { tell } from "../owner/notes.ts";
import { type Owned, ownedBy } from "../owner/owned.ts";
import { rankedIn, whomAt } from "../owner/ranked.ts";
import type { RoomQuery } from "./query.ts";

const nowOf = async ({ view, facts, room }: Owned, context: HostedContext): Promise<Now> => ({
	facts,
	own: room?.own ?? (await context.settings.of(view)),
	ranked: rankedIn(facts, context),
	at: (jid) => whomAt(jid, context),
});

/** Gives owners the form of their room (XEP-0045 §10.2). */
const form: RoomQuery = {
	...{ type: "get", name: "query", ns: mucOwner, features: [] },
	async answer(question, context) {
		const owned = await ownedBy(question, context);
		return xml("query", { xmlns: mucOwner }, formOf(await nowOf(owned, context)));
	},
};

/** Takes the form back, or the request to end the room (XEP-0045 §10.9). */
const change: RoomQuery = {
	...{ type: "set", name: "query", ns: mucOwner, features: [] },
	async answer(question, context) {
		const { payload } = question;
		const owned = await ownedBy(question, context);
		const end = child(payload, "destroy");
		if (end) {
			await destroy(owned, end, context);
			return undefined;
		}
		const filled = submitted(payload);
		// XEP-0045 §10.2: a cancelled form changes nothing, and an empty one neither.
		if (filled.kind !== "form") return undefined;
		const changes = changesIn(filled.values, await nowOf(owned, context));
		await configure(owned, changes, context);
		const { joined } = question.place;
		if (joined) tell(joined.session, changes.notes, context);
		return undefined;
	},
};

export const owner: readonly RoomQuery[] = [form, change];
