import { Ajv, type ErrorObject } from "ajv";
import schema from "../../config/schema.json" with { type: "json" };
import { table } from "../core/table.ts";
import { pointerKeys } from "../mqtt/json-pointer.ts";
import { isPattern } from "../mqtt/pattern.ts";
import { isFilter, isTopic } from "../mqtt/topics.ts";
import type { Path } from "../yaml.ts";

/** A mistake at `path`; `key` is set when the key itself is the mistake, not its value. */
export type Problem = Readonly<{ path: Path; key?: string; message: string }>;

/** Matches host:port, and [host]:port for IPv6. */
export const listenPattern = /^(\[[0-9a-fA-F:.]+\]|[^\s:[\]]+):(\d{1,5})$/;

const url = (protocols: readonly string[]) => (text: string) =>
	URL.canParse(text) && protocols.includes(new URL(text).protocol) && new URL(text).hostname !== "";

/** Each format with its check and the expected value that an error message names. */
const formats = table<readonly [check: (text: string) => boolean, expected: string]>({
	"http-url": [url(["http:", "https:"]), "a URL such as http://127.0.0.1:8008"],
	"xmpp-url": [url(["xmpp:"]), "a URL such as xmpp://127.0.0.1:5347"],
	"mqtt-url": [
		url(["mqtt:", "mqtts:", "ws:", "wss:"]),
		"a URL such as mqtt://user@127.0.0.1:1883 (also mqtts:, ws:, wss:)",
	],
	domain: [
		(text) => /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?(:\d+)?$/.test(text),
		"a server name in lower case such as example.org",
	],
	localpart: [(text) => /^[a-z0-9._=/+-]+$/.test(text), "a localpart: a-z, 0-9 and . _ = - / + only"],
	listen: [
		(text) => Number(listenPattern.exec(text)?.[2] ?? 65_536) <= 65_535,
		"an address and a port such as 127.0.0.1:9993",
	],
	topic: [isTopic, "a topic such as trivium/status, without + and #"],
	"topic-filter": [
		isFilter,
		"a topic filter such as home/+/temperature, where + is one whole level and # all the rest",
	],
	"room-glob": [(text) => /^[#!*]/.test(text), "a glob over room addresses such as #*:example.org"],
	"json-pointer": [
		(text) => pointerKeys(text) !== undefined,
		"the place of a value in JSON such as /temperature or /sensors/0/value",
	],
	pattern: [
		isPattern,
		"a regular expression (RE2) such as ^(open|closed)$, without look-around and back references",
	],
	mxid: [(text) => /^@[^:]+:.+/.test(text), "an MXID such as @alice:example.org"],
	"matrix-room": [(text) => /^[#!].+/.test(text), "a Matrix room alias (#…:server) or id (!…)"],
});

const ajv = new Ajv({ allErrors: true, useDefaults: true, verbose: true });
for (const [name, [check]] of Object.entries(formats)) ajv.addFormat(name, check);
// A key that the config must not have; its value in the schema is the message with the reason.
ajv.addKeyword({ keyword: "refused", validate: () => false });
// The expected value of an option with alternatives, for its error message.
ajv.addKeyword("expected");
const check = ajv.compile(schema);

/** Fills in the defaults and returns all mistakes. */
export function validate(data: object): readonly Problem[] {
	if (check(data)) return [];
	const errors = check.errors ?? [];
	// A failed propertyNames is reported twice: once with its cause, once as such. Of alternatives only the whole is told.
	const partly = (error: ErrorObject) =>
		error.keyword === "propertyNames" || /\/anyOf\/\d+\//.test(error.schemaPath);
	return errors.filter((error) => !partly(error)).map(problem);
}

function problem(error: ErrorObject): Problem {
	const path = error.instancePath
		.split("/")
		.slice(1)
		.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
	switch (error.keyword) {
		case "additionalProperties": {
			const key = String(error.params.additionalProperty);
			const known = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
			const near = nearest(key, known);
			const cure = near ? `Did you mean “${near}”?` : `Known here: ${known.join(", ")}.`;
			return { path, key, message: `unknown key “${key}”. ${cure}` };
		}
		case "refused":
			return { path, message: String(error.schema) };
		case "required":
			return { path, message: `“${String(error.params.missingProperty)}” is missing` };
		case "type":
			return {
				path,
				message: `expected ${article(String(error.params.type))}, found ${typeName(error.data)}`,
			};
		case "enum":
			return { path, message: `expected one of: ${(error.params.allowedValues as string[]).join(", ")}` };
		case "anyOf":
		case "maxItems":
			return { path, message: `expected ${String(error.parentSchema?.expected)}` };
		case "exclusiveMinimum":
			return { path, message: `expected a number above ${error.params.limit}` };
		case "minimum":
			return { path, message: `expected at least ${error.params.limit}` };
		case "maximum":
			return { path, message: `expected at most ${error.params.limit}` };
		case "format":
			return { path, message: `expected ${formats[String(error.params.format)]?.[1]}` };
		default:
			// The key is a broker's name, which topics and room ids contain.
			if (error.propertyName !== undefined)
				return { path, key: error.propertyName, message: "a name has a-z, 0-9 and . _ - only" };
			return { path, message: error.message ?? "not valid" };
	}
}

const article = (type: string) =>
	({
		object: "a section of keys",
		string: "a text",
		integer: "a whole number",
		number: "a number",
		array: "a list",
	})[type] ?? type;

const typeName = (value: unknown) =>
	value === null
		? "nothing"
		: Array.isArray(value)
			? "a list"
			: typeof value === "object"
				? "a section"
				: `a ${typeof value}`;

/** The known name within two typing slips of `key`. */
function nearest(key: string, known: readonly string[]): string | undefined {
	const ranked = known
		.map((name) => ({ name, distance: distance(key, name) }))
		.sort((a, b) => a.distance - b.distance);
	return ranked[0] && ranked[0].distance <= 2 ? ranked[0].name : undefined;
}

/** Returns the Levenshtein distance. */
function distance(one: string, other: string): number {
	let row = Array.from({ length: other.length + 1 }, (_, index) => index);
	for (let i = 1; i <= one.length; i++) {
		const next = [i];
		for (let j = 1; j <= other.length; j++) {
			const change = (row[j - 1] as number) + (one[i - 1] === other[j - 1] ? 0 : 1);
			next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
		}
		row = next;
	}
	return row[other.length] as number;
}
