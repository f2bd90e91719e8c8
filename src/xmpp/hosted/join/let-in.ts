import { type Entered, personKey } from "../../../core/hosting.ts";
import type { RoomId } from "../../../core/ids.ts";
import type { Person } from "../../../core/person.ts";
import { isAdmin } from "../administration/items.ts";
import type { HostedContext } from "../context.ts";
import { affiliationOf } from "../presences.ts";
import { readSource } from "../read-source.ts";

/**
 * Lets the ghost of a person into the source. An affiliation outlasts a leave (XEP-0045 §5.2), so in a room by invitation that
 * the bot has made it invites an owner, admin or member who comes back. @throws PermanentError, TemporaryError
 */
export async function letIn(
	{ source, view }: Readonly<{ source: RoomId; view: RoomId }>,
	person: Person,
	/** `password`: the one that the client gives. */
	{ nameIsFree, password }: Readonly<{ nameIsFree: boolean; password: string | undefined }>,
	context: HostedContext,
): Promise<Entered | "password"> {
	const entered = await context.memberships.enter(source, person, { nameIsFree });
	if (entered.kind === "in" || entered.why !== "invited-only") return entered;
	const { password: asked } = context.rooms.get(view)?.own ?? (await context.settings.of(view));
	const knows = asked !== undefined && asked === password;
	if (!knows && !(await isExpected(source, view, person, context)))
		return asked === undefined ? entered : "password";
	await context.bridge().views.source(context.of).invite(source, person, person);
	return context.memberships.enter(source, person, { nameIsFree });
}

/** Resolves with true for an owner, admin or member of a room that the bot has made. */
async function isExpected(
	source: RoomId,
	view: RoomId,
	person: Person,
	context: HostedContext,
): Promise<boolean> {
	const record = context.records.of(view);
	const facts = context.rooms.get(view)?.facts ?? (await readSource(source, context))?.facts;
	if (!facts?.made) return false;
	return record.members.has(personKey(person)) || isAdmin(affiliationOf({ facts, record }, person, false));
}
