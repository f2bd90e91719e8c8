import { createBoundedMap, textBytes } from "../../core/bounded-map.ts";
import { domain } from "../jid.ts";
import { child, type Element } from "../stream/xml.ts";

/** The rights that a server grants us in the name of its accounts (XEP-0356). */
export type Privilege = Readonly<{
	/** We may read and write the rosters. */
	roster: boolean;
	/** The namespaces of the IQs that we may get and set. */
	iq: readonly string[];
}>;

const ns = "urn:xmpp:privilege:2";
const none: Privilege = { roster: false, iq: [] };
/** Servers whose grants are remembered, and their bytes: any server may claim to grant us something. */
const [most, mostBytes] = [100, 65_536];

/**
 * Remembers the privileges that servers grant. A grant counts for the accounts of the domain that it comes from alone: a
 * false one leads nowhere.
 */
export function createPrivileges(component: string) {
	const nothing = () =>
		createBoundedMap<string, Privilege>(most, {
			bytes: mostBytes,
			of: (of, { iq }) => textBytes(of, ...iq) + 100,
		});
	let granted = nothing();

	return {
		/** Takes the message by which a server grants privileges; returns false for any other stanza. */
		take(stanza: Element): boolean {
			const { from = "", to } = stanza.attrs;
			const given = stanza.name === "message" && child(stanza, "privilege", ns);
			// XEP-0356 §4.2: the server itself sends it, to the component itself.
			if (!given || to !== component || from === "" || domain(from) !== from) return false;
			const of = (access: string) => given.getChildren("perm").filter(({ attrs }) => attrs.access === access);
			const iq = of("iq")
				.flatMap((perm) => perm.getChildren("namespace"))
				.flatMap(({ attrs }) => (attrs.type === "both" && attrs.ns ? [attrs.ns] : []));
			granted.set(from, { roster: of("roster").some(({ attrs }) => attrs.type === "both"), iq });
			return true;
		},
		/** Returns the privileges over an account. */
		over: (account: string): Privilege => granted.get(domain(account)) ?? none,
		/** Forgets all: a server grants anew at each connection. */
		end(): void {
			granted = nothing();
		},
	};
}
export type Privileges = ReturnType<typeof createPrivileges>;
