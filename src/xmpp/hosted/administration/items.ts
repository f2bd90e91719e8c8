import { type LevelChange, levelOf, personKey, type RoomFacts } from "../../../core/hosting.ts";
import type { Person } from "../../../core/person.ts";
import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import type { Affiliation, Role } from "../presences.ts";
import type { RecordChange } from "./record.ts";

/** The items of requests to change roles and affiliations (XEP-0045 §8 to §10), and the steps that carry them out. Pure. */

/** The person whom an item is about. */
export type Target = Readonly<{ person: Person; jid: string; isIn: boolean }>;

/** One change that a moderator asks for. `nick`: the nick that a new member shall have. */
export type Change = Readonly<{ reason: string | undefined }> &
	(
		| Readonly<{ target: Target; role: Role }>
		| Readonly<{ target: Target; affiliation: Affiliation; nick?: string | undefined }>
		| Readonly<{ domain: string; affiliation: Affiliation; inside: readonly Person[] }>
	);

/** One request to the source, or one change of the record. */
export type Step =
	| Readonly<{ kind: "level"; whom: Person; level: number | undefined; reason: string | undefined }>
	| Readonly<{ kind: "kick"; whom: Person; as: Removal; reason: string | undefined }>
	| Readonly<{ kind: "ban" | "unban" | "invite"; whom: Person; reason: string | undefined }>
	| Readonly<{ kind: "domain"; domain: string; banned: boolean; reason: string | undefined }>
	| Readonly<{ kind: "keep"; change: RecordChange }>;

/** The reason for a removal after which the source would let the person in again. */
export type Removal = "kicked" | "affiliationLost" | "membersOnlyNow" | "banned";

/** The power levels that affiliations stand for. */
export const [owner, admin] = [100, 50] as const;

export const forbidden = () => new StanzaError("forbidden", "auth", phrases.hostedNotYours);
export const notAllowed = (text: string = phrases.hostedAbove) =>
	new StanzaError("not-allowed", "cancel", text);
export const conflict = (text: string) => new StanzaError("conflict", "cancel", text);

export const isAdmin = (affiliation: Affiliation) => affiliation === "owner" || affiliation === "admin";
export const levelIn = ({ levels }: RoomFacts, person: Person): number =>
	levels ? levelOf(levels, person) : 0;
export const keep = (change: RecordChange): Step => ({ kind: "keep", change });

export const speakLevel = ({ levels }: RoomFacts): number => levels?.needed.speak ?? 0;
/** Returns the own level of somebody who may write and no more; undefined where everybody may. */
export const ordinary = (facts: RoomFacts): number | undefined =>
	(facts.levels?.others ?? 0) >= speakLevel(facts) ? undefined : speakLevel(facts);
/**
 * Returns the own level of a person of this affiliation who has no power of their own. In a moderated room members may write
 * (XEP-0045 §5.1.2), and others may not.
 */
export const levelFor = (affiliation: "member" | "none", facts: RoomFacts): number | undefined =>
	affiliation === "member" ? ordinary(facts) : undefined;

/** Returns true unless these changes of levels leave a room that has an owner without one (XEP-0045 §10.2 and §10.4). */
export function hasOwnerAfter(
	changes: readonly Pick<LevelChange, "whom" | "level">[],
	{ levels }: Pick<RoomFacts, "levels">,
): boolean {
	const owners = new Set([...(levels?.of ?? [])].flatMap(([key, level]) => (level >= owner ? [key] : [])));
	const hadOne = owners.size > 0;
	for (const { whom, level = 0 } of changes) {
		// Nobody knows yet whether there is a person at an address of the source.
		if (!("id" in whom)) continue;
		if (level >= owner) owners.add(personKey(whom));
		else owners.delete(personKey(whom));
	}
	return !hadOne || owners.size > 0;
}
