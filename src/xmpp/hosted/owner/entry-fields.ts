import * as phrases from "../../phrases.ts";
import { StanzaError } from "../../stanza-error.ts";
import { type Changes, type Field, type Now, single, truth } from "./field.ts";

/**
 * The fields about entering: for members only, or with a password. Matrix has no passwords, so people of Matrix need an
 * invitation into a room with one, and the bridge invites the ghosts of people on XMPP who know the password. Pure.
 */

type Values = ReadonlyMap<string, readonly string[]>;

const names = {
	membersOnly: "muc#roomconfig_membersonly",
	protected: "muc#roomconfig_passwordprotectedroom",
	secret: "muc#roomconfig_roomsecret",
} as const;
/** Characters of the longest password. */
const longest = 256;

const isMembersOnly = ({ facts, own }: Now): boolean =>
	facts.entry === "invited" && own.password === undefined;

/** Returns the password that a form asks for; undefined for none. @throws StanzaError for one that cannot be */
function passwordIn(values: Values, { facts, own }: Now): string | undefined {
	const asked = values.get(names.protected);
	if (!facts.made || !(asked ? truth(asked) : own.password !== undefined)) return undefined;
	const password = single(values.get(names.secret) ?? []) || own.password;
	if (!password || password.length > longest)
		throw new StanzaError("not-acceptable", "modify", phrases.formNoPassword);
	return password;
}

/** Returns the changes of all three fields, which depend on each other. @throws StanzaError */
function read(_: readonly string[], now: Now, values: Values): Partial<Changes> {
	const password = passwordIn(values, now);
	const asked = values.get(names.membersOnly);
	const membersOnly = asked ? truth(asked) : isMembersOnly(now);
	const entry = membersOnly || password !== undefined ? "invited" : "everybody";
	return {
		settings: entry === now.facts.entry ? {} : { entry },
		own: password === now.own.password ? {} : { password },
	};
}

export const entryFields: readonly Field[] = [
	{
		...{ name: names.membersOnly, type: "boolean", label: phrases.formMembersOnly, read },
		value: (now) => [isMembersOnly(now) ? "1" : "0"],
	},
	{
		...{ name: names.protected, type: "boolean", label: phrases.formPasswordProtected, made: true, read },
		value: ({ own }) => [own.password === undefined ? "0" : "1"],
	},
	{
		...{ name: names.secret, type: "text-private", label: phrases.formPassword, made: true, read },
		value: ({ own }) => (own.password === undefined ? [] : [own.password]),
	},
];
