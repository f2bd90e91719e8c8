import { StanzaError } from "../../stanza-error.ts";
import { child, type Element, text, xml } from "../../stream/xml.ts";

/** The form of a query for an archive (XEP-0313 §4.1). Pure. */

export const mam = "urn:xmpp:mam:2";
const data = "jabber:x:data";

/** The filters of a query; absent ones let everything through. Times are in ms since 1970, and inclusive. */
export type Filter = Readonly<{
	start?: number;
	end?: number;
	/** A JID of the publisher of a line. */
	with?: string;
	/** Exclusive. */
	after?: string;
	before?: string;
	/** These entries alone. */
	ids?: readonly string[];
}>;

const types = {
	with: "jid-single",
	start: "text-single",
	end: "text-single",
	"before-id": "text-single",
	"after-id": "text-single",
	ids: "list-multi",
} as const;

/** Returns the empty form, which tells a client the fields that a query may have. */
export const archiveForm = (): Element =>
	xml(
		"x",
		{ xmlns: data, type: "form" },
		xml("field", { type: "hidden", var: "FORM_TYPE" }, xml("value", {}, mam)),
		Object.entries(types).map(([name, type]) =>
			xml(
				"field",
				{ type, var: name },
				// XEP-0313 §4.1.5: the list of ids is open.
				name === "ids"
					? xml(
							"validate",
							{ xmlns: "http://jabber.org/protocol/xdata-validate", datatype: "xs:string" },
							xml("open"),
						)
					: undefined,
			),
		),
	);

/** Returns the filters of a query. @throws StanzaError for a form or a value that no client may send */
export function filterOf(query: Element): Filter {
	const form = child(query, "x", data);
	if (!form) return {};
	const values = new Map<string, readonly string[]>();
	for (const field of form.getChildren("field")) {
		const texts = field.getChildren("value").map((value) => value.getText());
		values.set(
			field.attrs.var ?? "",
			texts.filter((value) => value !== ""),
		);
	}
	if (form.attrs.type !== "submit" || values.get("FORM_TYPE")?.[0] !== mam) throw malformed();
	// XEP-0313 §4.1.5: a form with an unknown field is refused, since the client relies on it.
	for (const name of values.keys())
		if (name !== "FORM_TYPE" && !Object.hasOwn(types, name))
			throw new StanzaError("feature-not-implemented", "cancel");
	const one = (name: keyof typeof types) => values.get(name)?.[0];
	const filter = {
		start: moment(one("start")),
		end: moment(one("end")),
		with: one("with"),
		after: one("after-id"),
		before: one("before-id"),
		ids: values.get("ids"),
	};
	return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/** Returns the time of an XEP-0082 DateTime in ms since 1970. @throws StanzaError bad-request */
export function moment(stamp: string | undefined): number | undefined {
	if (stamp === undefined) return undefined;
	const at = dateTime.test(stamp) ? Date.parse(stamp) : Number.NaN;
	if (Number.isNaN(at)) throw malformed();
	return at;
}
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;

export const malformed = () => new StanzaError("bad-request", "modify");

/** The number in a child of `element`; undefined without it. @throws StanzaError bad-request */
export function count(element: Element, name: string): number | undefined {
	const value = text(element, name)?.trim();
	if (value === undefined) return undefined;
	if (!/^\d{1,9}$/.test(value)) throw malformed();
	return Number(value);
}
