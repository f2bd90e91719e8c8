import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileTemplate, TemplateError } from "../../src/mqtt/template.ts";

const values = {
	value: "21.46",
	json: { temperature: 21.46, battery: 80, state: { on: true }, gone: null, list: ["a", "b"] },
	topic: "zigbee2mqtt/kitchen",
	name: "zigbee2mqtt kitchen",
	properties: { room: "hall" },
};
const line = (template: string) => compileTemplate(template)(values);

describe("a template shows", () => {
	test.each([
		["plain text", "plain text"],
		["{{value}} °C", "21.46 °C"],
		["{{ value | round 1 }} °C", "21.5 °C"],
		["{{topic.2}}: {{json.battery}} %", "kitchen: 80 %"],
		["{{json.state.on}} {{json.list.1}} {{json./state/on}}", "true b true"],
		["{{json.state}}", '{"on":true}'],
		['{{json.none | default "?"}} {{json.gone | default none}}', "? none"],
		['{{json.none | default "a | b"}}', "a | b"],
		["{{name | upper}}", "ZIGBEE2MQTT KITCHEN"],
		["{{topic.9}}{{json.none}}", ""],
		['{{property.room}} {{property.none | default "?"}}{{property.constructor}}', "hall ?"],
		["a } b { c", "a } b { c"],
	])("%s as “%s”", (template, shown) => expect(line(template)).toBe(shown));

	test("at most 4,096 characters", () =>
		expect(compileTemplate("{{value}}{{value}}")({ ...values, value: "x".repeat(4_000) }).length).toBe(
			4_096,
		));
});

describe("a mistake in a template is told with its position", () => {
	test.each([
		["{{value", 1, "not closed"],
		["a {{valu}}", 5, "“valu” is none of"],
		["{{value | rond 1}}", 11, "“rond 1” is no filter"],
		["{{value | round x}}", 11, "“round x” is no filter"],
		["{{}}", 3, "is none of"],
		["{{__proto__}}", 3, "is none of"],
		["{{json.a..b}}", 3, "is none of"],
	])("%s", (template, at, message) => {
		expect(() => compileTemplate(template)).toThrow(TemplateError);
		expect(() => compileTemplate(template)).toThrow(message);
		try {
			compileTemplate(template);
		} catch (error) {
			expect((error as TemplateError).at).toBe(at);
		}
	});
});

test("no template throws at a value, and none shows what is not in the message", () => {
	const text = fc.string({
		unit: fc.constantFrom("{", "}", "|", "json", ".", "value", '"', " ", "round", "1", "é🎉"),
	});
	fc.assert(
		fc.property(text, fc.json(), (template, payload) => {
			let compiled: ReturnType<typeof compileTemplate>;
			try {
				compiled = compileTemplate(template);
			} catch (error) {
				expect(error).toBeInstanceOf(TemplateError);
				return;
			}
			compiled({ ...values, value: payload, json: JSON.parse(payload) });
		}),
		{ numRuns: 1_000 },
	);
	for (const key of ["__proto__", "constructor", "toString", "hasOwnProperty", "list.length", "list.map"])
		expect(line(`{{json.${key}}}`)).toBe("");
});
