import type { Parameter } from "../../core/command-parameters.ts";
import * as phrases from "../phrases.ts";
import { child, type Element, xml } from "../stream/xml.ts";

/** Forms (XEP-0004) for the declared parameters of commands. Pure. */

const DATA = "jabber:x:data";

/** The field that holds the value of a keyword. */
const valueField = (name: string) => `${name}-value`;

function field(
	type: string,
	name: string,
	label: string,
	required: boolean,
	options: readonly string[] = [],
): Element {
	return xml(
		"field",
		{ type, var: name, label },
		required ? xml("required") : undefined,
		options.map((option) => xml("option", { label: option }, xml("value", {}, option))),
	);
}

function fieldsOf(parameter: Parameter): readonly Element[] {
	const { name } = parameter;
	const required = !parameter.optional;
	switch (parameter.kind) {
		case "choice":
			return [field("list-single", name, name, required, parameter.choices)];
		case "either": {
			const keys = Object.keys(parameter.of);
			return [
				field("list-single", name, name, required, keys),
				field("text-single", valueField(name), "value", required),
			];
		}
		case "options":
			return Object.entries(parameter.of).flatMap(([key, its]) =>
				fieldsOf({ ...its, name: key, optional: true }),
			);
		case "flag":
			return [field("boolean", name, name, required)];
		case "word":
		case "text":
		case "address":
		case "number":
			return [field("text-single", name, name, required)];
		default:
			return parameter satisfies never;
	}
}

/** The field that names the MUC which a command is about. No parameter has a name with a dot. */
const mucField = "about.muc";

/** Returns the MUC that a submitted form names; undefined for none. */
export const mucIn = (payload: Element): string | undefined =>
	child(payload, "x", DATA)
		?.getChildren("field")
		.find((one) => one.attrs.var === mucField)
		?.getChild("value")
		?.getText()
		.trim() || undefined;

/** Returns the form in which a person fills the parameters of a command in; `ofRoom`: and the MUC that it is about. */
export const commandForm = (
	title: string,
	instructions: string,
	parameters: readonly Parameter[],
	ofRoom: boolean,
): Element =>
	xml(
		"x",
		{ xmlns: DATA, type: "form" },
		xml("title", {}, title),
		xml("instructions", {}, instructions),
		ofRoom ? field("jid-single", mucField, phrases.aboutMuc, true) : undefined,
		parameters.flatMap(fieldsOf),
	);

/** Returns the values of a submitted form, one text for each word of the parameters; undefined for a payload without one. */
export function submitted(
	payload: Element,
	parameters: readonly Parameter[],
): readonly (string | undefined)[] | undefined {
	const form = child(payload, "x", DATA);
	if (form?.attrs.type !== "submit") return undefined;
	const value = (name: string) =>
		form
			.getChildren("field")
			.find((one) => one.attrs.var === name)
			?.getChild("value")
			?.getText() || undefined;
	/** XEP-0004 §3.3: a boolean is 1 or true. */
	const option = (key: string, { kind }: Parameter) => {
		const given = value(key);
		if (kind === "flag") return given === "1" || given === "true" ? [key] : [];
		return given === undefined ? [] : [`${key} ${given}`];
	};
	return parameters.flatMap((parameter) => {
		const { name, kind } = parameter;
		if (kind === "either") return [value(name), value(valueField(name))];
		if (kind !== "options") return [value(name)];
		const given = Object.entries(parameter.of).flatMap(([key, its]) => option(key, its));
		return [given.join(" ") || undefined];
	});
}
