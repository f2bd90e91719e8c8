import { PermanentError } from "../core/errors.ts";
import { decoded, unwrapped } from "../core/pasted.ts";
import { bare, split } from "./jid.ts";
import * as phrases from "./phrases.ts";

/**
 * Returns the text of a JID in a pasted text: an `xmpp:` link (RFC 5122), the link of a web page that leads to a JID, such as
 * those of xmpp.link and conversations.im, or the JID itself.
 */
function jidIn(text: string): string {
	const [, scheme = "", rest = ""] = /^(xmpp|https?):(.*)$/is.exec(text) ?? [];
	if (scheme === "") return beforeQuery(text.includes("@") ? text : decoded(text));
	if (scheme.toLowerCase() === "xmpp") {
		// RFC 5122 §2.3: an account that the client is to use stands before the address, after two slashes.
		const [account = "", address = ""] = rest.startsWith("//") ? rest.slice(2).split("/", 2) : ["", rest];
		return decoded(beforeQuery(address || account));
	}
	const [path = "", fragment = ""] = rest.split("#", 2);
	const place = /@|%40/i.test(fragment)
		? fragment.replace(/^\//, "")
		: (beforeQuery(path).split("/").at(-1) ?? "");
	return decoded(beforeQuery(place));
}

const beforeQuery = (text: string) => text.split("?", 1)[0] ?? "";

/**
 * Returns the bare JID in a text that a person typed or pasted, in lower case, as every server spells accounts and MUCs.
 * @throws PermanentError where the text can be no such address.
 */
export function typedJid(typed: string, component: string): string {
	const jid = typedAddress(typed);
	if (jid === undefined) throw new PermanentError("invalid", phrases.notJid(typed));
	if (split(jid).domain === component) throw new PermanentError("invalid", phrases.ownJid(typed));
	return jid;
}

/**
 * Returns the handle in a typed text, by which a permission names a person: a bare JID, or that of a MUC with a nick. `isMuc`
 * tells a nick from the name of a client.
 */
export function typedHandle(typed: string, isMuc: (jid: string) => boolean): string | undefined {
	const jid = typedAddress(typed);
	const nick = split(jidIn(unwrapped(typed))).resource;
	return jid !== undefined && nick && isMuc(jid) ? `${jid}/${nick}` : jid;
}

/** Returns the bare JID in a typed text, also one of our own; undefined where it holds none. */
export function typedAddress(typed: string): string | undefined {
	const jid = bare(jidIn(unwrapped(typed)).toLowerCase());
	const { local, domain } = split(jid);
	const fits = local && domain && !/[\s"&'/:<>@]/u.test(local) && !/[\s@"&'<>]/u.test(domain);
	return fits ? jid : undefined;
}
