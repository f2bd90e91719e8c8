import { type Element, xml } from "../stream/xml.ts";

/** The fields of the form that our admins answer to: all of one bridge are the same people. */
const fields = ["abuse-addresses", "admin-addresses", "support-addresses"];

/** Returns the form that names the addresses (URIs) of the admins; undefined where there are none. // XEP-0157 §2 */
export function contactForm(addresses: readonly string[]): Element | undefined {
	if (addresses.length === 0) return undefined;
	const field = (attrs: Record<string, string>, values: readonly string[]) =>
		xml(
			"field",
			attrs,
			values.map((one) => xml("value", {}, one)),
		);
	return xml(
		"x",
		{ xmlns: "jabber:x:data", type: "result" },
		field({ var: "FORM_TYPE", type: "hidden" }, ["http://jabber.org/network/serverinfo"]),
		fields.map((name) => field({ var: name, type: "list-multi" }, addresses)),
	);
}
