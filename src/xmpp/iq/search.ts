import type { FoundPerson } from "../finding/index.ts";
import * as phrases from "../phrases.ts";
import { StanzaError } from "../stanza-error.ts";
import { child, type Element, text, xml } from "../stream/xml.ts";
import type { Query } from "./query.ts";

const ns = "jabber:iq:search";
const data = "jabber:x:data";
/** The fields that XEP-0055 knows, which a client may fill in whatever fields it is offered. */
const fields = ["nick", "first", "last", "email"];

const formType = () => xml("field", { type: "hidden", var: "FORM_TYPE" }, xml("value", {}, ns));
const field = (name: string, value: string) => xml("field", { var: name }, xml("value", {}, value));

/** The search for people of another network (XEP-0055), by a form or by the fields of the namespace. */
const form: Query = {
	type: "get",
	name: "query",
	ns,
	where: ["host"],
	features: [ns],
	answer: async () =>
		xml(
			"query",
			{ xmlns: ns },
			xml("instructions", {}, phrases.searchInstructions),
			xml("nick"),
			xml(
				"x",
				{ xmlns: data, type: "form" },
				xml("title", {}, phrases.searchTitle),
				xml("instructions", {}, phrases.searchInstructions),
				formType(),
				xml("field", { type: "text-single", var: "nick", label: phrases.searchWords }, xml("required")),
			),
		),
};

const result: Query = {
	...form,
	type: "set",
	async answer({ payload, from }, { finding }) {
		if (!finding) throw new StanzaError("service-unavailable", "cancel");
		const submitted = child(payload, "x", data);
		const words = fields
			.map((name) => fieldIn(submitted, name) ?? text(payload, name))
			.filter(Boolean)
			.join(" ")
			.trim();
		if (words === "") throw new StanzaError("bad-request", "modify", phrases.searchInstructions);
		const found = await finding.people(words, from);
		if (!submitted)
			return xml(
				"query",
				{ xmlns: ns },
				found.map(({ jid, name }) => xml("item", { jid }, xml("nick", {}, name))),
			);
		return xml("query", { xmlns: ns }, resultForm(found));
	},
};

const fieldIn = (form: Element | undefined, name: string): string | undefined =>
	form
		?.getChildren("field")
		.find((one) => one.attrs.var === name)
		?.getChild("value")
		?.getText();

function resultForm(found: readonly FoundPerson[]): Element {
	const reported = xml(
		"reported",
		{},
		xml("field", { type: "jid-single", var: "jid", label: phrases.searchAddress }),
		xml("field", { type: "text-single", var: "nick", label: phrases.searchName }),
	);
	const items = found.map(({ jid, name }) => xml("item", {}, field("jid", jid), field("nick", name)));
	return xml("x", { xmlns: data, type: "result" }, formType(), reported, items);
}

export const search = [form, result];
