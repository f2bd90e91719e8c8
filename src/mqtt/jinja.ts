/**
 * Translates the common simple forms of a value template of Home Assistant (Jinja) into a template of ours: texts, and
 * places such as `{{ value_json.temperature | round(1) }}`. Nothing in it is evaluated as code. Pure.
 */

/** The path of a value: `value`, `value_json.a.b`, `value_json['a'][0]`. */
const subject =
	/^(value_json|value)((?:\.[A-Za-z_]\w{0,63}|\[(?:'[^'|"{}]{1,64}'|"[^'|"{}]{1,64}"|\d{1,4})\]){0,16})$/;
const step = /\.(\w+)|\['([^']*)'\]|\["([^"]*)"\]|\[(\d+)\]/g;

/** Filters that change nothing for a person who reads the text. */
const idle = new Set(["float", "string", "is_defined", "trim"]);

/** Returns our filter for one of Jinja; "" for one that changes nothing, undefined for an unknown one. */
function filterOf(source: string): string | undefined {
	const [, name = "", argument = ""] = /^([a-z_]{1,32})(?:\(([^()]{0,64})\))?$/.exec(source) ?? [];
	if (idle.has(name)) return "";
	if (name === "upper" || name === "lower") return argument === "" ? name : undefined;
	if (name === "int") return "int";
	if (name === "round") return /^\d{0,2}$/.test(argument) ? `round ${argument || 0}` : undefined;
	if (name !== "default" && name !== "d") return undefined;
	const [, quoted, bare] =
		/^(?:'([^'"|{}]*)'|"[^"]*"|(-?[\d.]+))(?:,\s*(?:true|True))?$/.exec(argument) ?? [];
	const text = quoted ?? bare;
	return text === undefined ? undefined : `default "${text}"`;
}

function placeOf(source: string): string | undefined {
	const [first = "", ...filters] = source.split("|").map((part) => part.trim());
	const [, root, path = ""] = subject.exec(first) ?? [];
	if (root === undefined || (root === "value" && path !== "")) return undefined;
	const keys = [...path.matchAll(step)].map(([, ...found]) => found.find((key) => key !== undefined) ?? "");
	const escaped = keys.map((key) => `/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
	const what = root === "value" ? "value" : keys.length === 0 ? "json" : `json.${escaped}`;
	const steps = filters.map(filterOf);
	if (steps.includes(undefined)) return undefined;
	return `{{${[what, ...steps.filter(Boolean)].join(" | ")}}}`;
}

/** Returns the template of ours that a Jinja template means; undefined for one of another form. */
export function fromJinja(source: string): string | undefined {
	if (source.length > 1_024 || /\{%|\{#/.test(source)) return undefined;
	let out = "";
	for (let at = 0; at < source.length; ) {
		const open = source.indexOf("{{", at);
		out += source.slice(at, open < 0 ? undefined : open);
		if (open < 0) break;
		const close = source.indexOf("}}", open);
		// Jinja removes white space at the sides of {{- and -}}.
		const inner =
			close < 0
				? undefined
				: placeOf(
						source
							.slice(open + 2, close)
							.replace(/^-|-$/g, "")
							.trim(),
					);
		if (inner === undefined) return undefined;
		out += inner;
		at = close + 2;
	}
	return out.trim();
}
