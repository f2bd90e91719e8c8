import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { type About, dataFolderOf, withFileSync } from "../files/file-error.ts";
import * as phrases from "./phrases.ts";

/** The content of the registration file. // Matrix spec, application services "Registration" */
export type Registration = Readonly<{
	id: string;
	/** The URL at which the homeserver reaches the bridge; null: it sends nothing. */
	url: string | null;
	as_token: string;
	hs_token: string;
	sender_localpart: string;
	rate_limited?: boolean;
	receive_ephemeral?: boolean;
	protocols?: readonly string[];
	namespaces: Readonly<Record<"users" | "aliases" | "rooms", readonly Namespace[]>>;
}>;
type Namespace = Readonly<{ exclusive: boolean; regex: string }>;

export type RegistrationOptions = Readonly<{
	url: string;
	/** Server name in MXIDs. */
	domain: string;
	/** Localpart of the bot. */
	bot: string;
	/** The networks whose people get ghosts: "xmpp", "mqtt". */
	networks: readonly string[];
}>;

const id = "trivium";
/** Matches the placeholders for tokens in the example registration. */
const placeholder = /^$|^<.*>$|^\$\{|change|replace|generate|example/i;

// Anchored and escaped: Tuwunel matches a regex anywhere in the name and case-insensitively.
const literal = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
const names = (sigil: "@" | "#", networks: readonly string[], domain: string): Namespace[] =>
	networks.map((network) => ({ exclusive: true, regex: `^${sigil}_${network}_.*:${literal(domain)}$` }));
const namespacesFor = (options: RegistrationOptions) => ({
	users: names("@", options.networks, options.domain),
	aliases: names("#", options.networks, options.domain),
	rooms: [],
});

/** Returns the text of a new registration file, with new tokens. */
export function writeRegistration(options: RegistrationOptions): string {
	const token = () => randomBytes(32).toString("base64url");
	return stringify({
		id,
		url: options.url,
		as_token: token(),
		hs_token: token(),
		sender_localpart: options.bot,
		rate_limited: false,
		protocols: [...options.networks],
		receive_ephemeral: true,
		// COMPAT the name of receive_ephemeral before Matrix v1.13.
		"de.sorunome.msc2409.push_ephemeral": true,
		namespaces: namespacesFor(options),
	});
}

const cure = phrases.mendRegistration;

/** Returns the words of an error about the registration file. */
export const aboutRegistration = (file: string, need: "read" | "write" = "read"): About => ({
	what: "The registration",
	path: file,
	need,
	...dataFolderOf(file),
	option: "matrix.appservice.registration",
	missing: phrases.noRegistration,
	taken: phrases.registrationRace,
});

/** Reads a registration file. @throws Error as {@link readRegistration} does, FileError if the file cannot be read. */
export const loadRegistration = (file: string): Registration =>
	readRegistration(withFileSync(aboutRegistration(file), () => readFileSync(file, "utf8")));

/** Reads the text of a registration file. @throws Error whose message names the mistake and its cure. */
export function readRegistration(text: string): Registration {
	let value: unknown;
	try {
		value = parse(text);
	} catch (error) {
		throw new Error(`the registration is no YAML: ${(error as Error).message}. ${cure}`);
	}
	if (typeof value !== "object" || value === null) throw new Error(`the registration is empty. ${cure}`);
	const fields = value as Partial<Registration>;
	for (const field of ["id", "as_token", "hs_token", "sender_localpart"] as const)
		if (typeof fields[field] !== "string") throw new Error(`the registration has no ${field}. ${cure}`);
	if (fields.url !== null && typeof fields.url !== "string")
		throw new Error(`the registration has no url. ${cure}`);
	for (const field of ["as_token", "hs_token"] as const)
		if (placeholder.test(fields[field]!))
			throw new Error(`the registration is the example: its ${field} is no secret. ${cure}`);
	if (fields.as_token === fields.hs_token) throw new Error(`as_token and hs_token must differ. ${cure}`);
	const all = fields.namespaces as Registration["namespaces"] | undefined;
	for (const kind of ["users", "aliases"] as const)
		for (const entry of list(all?.[kind]))
			if (typeof entry?.regex !== "string" || typeof entry.exclusive !== "boolean")
				throw new Error(`namespaces.${kind} of the registration needs a regex and exclusive. ${cure}`);
	const namespaces = { users: list(all?.users), aliases: list(all?.aliases), rooms: list(all?.rooms) };
	return { ...(fields as Registration), protocols: list(fields.protocols).map(String), namespaces };
}

/** Returns the networks that the registration does not declare as protocols, whose people and rooms clients cannot look up. */
export const undeclared = (
	{ protocols = [] }: Registration,
	networks: readonly string[],
): readonly string[] => networks.filter((one) => !protocols.includes(one));

const list = <T>(value: readonly T[] | undefined): readonly T[] => (Array.isArray(value) ? value : []);

/** Returns one sentence for each difference between the registration and the config. */
export function differences(registration: Registration, options: RegistrationOptions): readonly string[] {
	const found: string[] = [];
	const differ = (what: string, has: unknown, wanted: unknown) => {
		if (has !== wanted) found.push(`${what} is ${has} in the registration but ${wanted} in the config`);
	};
	differ("url", registration.url, options.url);
	differ("the bot", registration.sender_localpart, options.bot);
	if (registration.rate_limited !== false)
		found.push("rate_limited of the registration is not false, so the homeserver slows the bridge down");
	const wanted = namespacesFor(options);
	for (const kind of ["users", "aliases"] as const)
		for (const { regex } of wanted[kind])
			if (!registration.namespaces[kind].some((entry) => entry.exclusive && entry.regex === regex))
				found.push(`namespaces.${kind} of the registration lacks an exclusive ${regex}`);
	return found;
}
