import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileCommand, compileJinja } from "../../src/mqtt/jinja.ts";
import { jsonIn } from "../../src/mqtt/json-pointer.ts";
import { compileTemplate } from "../../src/mqtt/template.ts";

const json = {
	temperature: 21.456,
	"a b": { c: [1, 2] },
	state: "ON",
	"x/y": "z",
	power: 0,
	text: '{"inner":5}',
	mode: "auto_heat",
	on: true,
	nothing: null,
};
const values = { value: "7", json, topic: "t", name: "n" };
const read = (source: string) => compileJinja(source)?.(values);

describe("a value template of Home Assistant", () => {
	test.each([
		["{{ value }}", "7"],
		["{{ value_json.temperature }}", "21.456"],
		["{{ value_json.temperature | round(1) }}", "21.5"],
		["{{value_json.temperature|float|round(2)}}", "21.46"],
		["{{ value_json.temperature | int }}", "21"],
		["{{ value_json['a b'].c[1] }}", "2"],
		['{{ value_json["a b"]["c"] | first }}', "1"],
		["{{ value_json['x/y'] }}", "z"],
		["{{- value_json.state | lower -}}", "on"],
		["{{ value_json.none | default('?') }}", "?"],
		["{{ value_json.none | default(0) | round(1) }}", "0.0"],
		["about {{ value_json.temperature | round }} degrees", "about 21 degrees"],
		["{{ value_json.temperature | is_defined }}", "21.456"],
		["{{ (value_json.temperature | float * 1.8 + 32) | round(1) }}", "70.6"],
		["{{ value | int / 10 }}", "0.7"],
		["{{ value | float(0) | multiply(2) }}", "14"],
		["{{ 0.1 + 0.2 }}", "0.3"],
		["{{ '1700000000123' | int }} {{ 1700000000 * 1000 + 123 }}", "1700000000123 1700000000123"],
		["{{ 7 // 2 }} {{ -7 % 3 }}", "3 2"],
		["{{ 'on' if value_json.state == 'ON' else 'off' }}", "on"],
		["{{ 'empty' if value_json.power < 1 else 'a' if value_json.power < 5 else 'b' }}", "empty"],
		[
			"{% if value_json.power > 10 %}running{% elif value_json.power > 0 %}idle{% else %}off{% endif %}",
			"off",
		],
		[
			"{%- set t = value_json.temperature | round(0) -%}{{ t }} °C{% if t >= 21 %}, warm{% endif %}",
			"21 °C, warm",
		],
		["{{ {'0': 'open', '7': 'closed'}[value] }}", "closed"],
		["{{ {'0': 'open'}.get(value, 'unknown') }}", "unknown"],
		["{{ value in ['7', '8'] and not value_json.power }}", "true"],
		["{{ value_json.missing is defined or value_json.power is not none }}", "true"],
		["{{ value_json.nothing is none }}", "true"],
		["{{ (value_json.text | from_json).inner }}", "5"],
		["{{ value_json.mode.split('_')[1] | title }}", "Heat"],
		["{{ value_json.mode | replace('_', ' ') | capitalize }}", "Auto heat"],
		["{{ value_json.mode | upper ~ '!' }}", "AUTO_HEAT!"],
		["{{ iif(value_json.on, 'yes', 'no') }}", "yes"],
		["{{ [3, 1, 2] | max }}{{ min(4, 5) }}", "34"],
		["{# a comment #}{{ value }}", "7"],
		["{{ '}}' ~ {'a': {'b': value}}['a'].b }}", "}}7"],
		["{{{'a':{'b':value}}|to_json}}", '{"a":{"b":"7"}}'],
		["{% if -100<value|int<900 %}in{% endif %}{% if 7 < value|int <= 9 %}out{% endif %}", "in"],
		["{{ 'yes' if value in ('6', '7') else 'no' }}{{ (1,)|length }}", "yes1"],
		["{{ value_json['a b'].c.0 }}{{ value_json['a b'].c.1.x }}", "1"],
		["{{ value_json.lost | default(this.state) }}{{ value_json.mode|truncate(4, True, '', 0) }}", "auto"],
		["{{ 'some long words' | truncate(9) }}", "some..."],
		['{"state": "{{ value_json.state }}"}', '{"state": "ON"}'],
	])("of the form %s is read", (source, expected) => expect(read(source)).toBe(expected));

	test("gets the value of a command, as a number where it is one, and knows the names of the other variables", () => {
		expect(compileCommand('{"id":1,"params":{"value":{{ value }}}}')?.(21.5)).toBe(
			'{"id":1,"params":{"value":21.5}}',
		);
		expect(compileCommand("{{{'params':{'config':{'target':value}}}|tojson}}")?.(21)).toBe(
			'{"params":{"config":{"target":21}}}',
		);
		expect(compileCommand("{{ {'off':'0'}[value] | default(value) }}")?.("off")).toBe("0");
		expect(
			compileCommand("{{ tone | default('siren') }}{% if duration is defined %}!{% endif %}")?.("ON"),
		).toBe("siren");
		expect(compileCommand('{ "position": {{ position }} }')?.(40)).toBe('{ "position": 40 }');
		expect(compileCommand("{{ unknown }}")).toBeUndefined();
	});

	test.each([
		"{{ states('sensor.x') }}",
		"{{ value_json.__class__() }}",
		"{{ value | regex_replace('a', 'b') }}",
		"{{ value_json.a",
		"{% for x in value_json %}{{ x }}{% endfor %}",
		"{% if value %}a",
		"{% endif %}",
		"{{ now() }}",
		"{{ value; value }}",
		"{{ constructor }}",
		`{{ ${"(".repeat(100)}value${")".repeat(100)} }}`,
		`{{ value ${"~ value ".repeat(400)} }}`,
	])("of the form %s is not", (source) => expect(compileJinja(source)).toBeUndefined());

	test.each([
		"{{ value_json.__proto__ }}{{ value_json['constructor'] }}{{ value.length }}",
		"{{ {'__proto__': 1}.x }}{{ value_json.state.constructor }}",
		"{{ value_json.get('toString') }}{{ 'a'[5] }}{{ [].x }}",
		"{{ 1 / 0 }}{{ 'a' * 9 }}{{ value_json * 2 }}{{ -value_json }}",
	])("such as %s reaches nothing but the payload", (source) => expect(read(source)).toBe(""));

	test("makes no text of more than 4,096 characters, and none of a payload above 64 KiB", () => {
		const doubles = `{% set a = 'xxxxxxxx' %}${"{% set a = a ~ a %}".repeat(90)}{{ a }}{{ a | replace('x', a) }}`;
		expect(read(doubles)).toHaveLength(4_096);
		expect(compileJinja("{{ value }}")?.({ ...values, value: "x".repeat(70_000) })).toBe("");
	});

	test("makes no list that holds itself many times over", () => {
		const doubled = `{% set a = [value, {'b': value}] %}${"{% set a = [a, a] %}".repeat(60)}{{ a }}{{ a | tojson }}`;
		expect(read(doubled)?.length).toBeLessThanOrEqual(4_096);
		expect(read("{{ [value_json, [value], {'c': value}] | length }}")).toBe("3");
	});

	test("replaces no more in a text than is shown, however long the new part is", () => {
		const value = "a".repeat(16_384);
		const before = process.memoryUsage().rss;
		expect(compileJinja("{{ value | replace('a', value) }}")?.({ ...values, value })).toHaveLength(4_096);
		expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1_048_576);
	});

	test("writes nothing of JSON with more levels than can be written", () => {
		const value = "[".repeat(30_000) + "]".repeat(30_000);
		const deep = { ...values, value, json: jsonIn(value) };
		expect(compileJinja("a{{ value_json }}{{ value_json | tojson }}b")?.(deep)).toBe("ab");
		expect(compileTemplate("a{{json}}b")(deep)).toBe("ab");
	});

	test("evaluates each operand once, however many there are", () => {
		const chain = Array.from({ length: 100 }, () => "value_json.power").join(" or ");
		expect(read(`{{ ${chain} or 'none' }}`)).toBe("none");
		expect(read(`{{ ${"(0 or ".repeat(20)}value${")".repeat(20)} }}`)).toBe("7");
	});

	test("a template of any form is read or not, and neither throws", () => {
		const part = fc.constantFrom(
			...["{{", "}}", "{%", "%}", "if ", "else", "elif ", "endif", "set a =", "|", "value", "value_json"],
			...[".a", "['b']", "round(1)", "float", " ", "x", '"', "(", ")", "[", "]", "{", "}", ":", ",", "=="],
			...[
				"not ",
				"in ",
				"is ",
				"defined",
				"+",
				"-",
				"*",
				"/",
				"~",
				"1",
				"0.5",
				"'t'",
				".get(",
				"and ",
				"or ",
			],
			...["from_json", "join(',')", "replace('a',value)"],
		);
		const content = fc.json().map((text) => ({ value: text, json: JSON.parse(text) as unknown }));
		fc.assert(
			fc.property(fc.array(part, { maxLength: 16 }), content, (parts, given) => {
				const inner = parts.join("");
				for (const source of [inner, `{{ ${inner} }}`, `{% if ${inner} %}a{% endif %}`]) {
					const template = compileJinja(source);
					if (template) expect(template({ ...values, ...given }).length).toBeLessThanOrEqual(4_096);
				}
			}),
			{ numRuns: Number(process.env.TRIVIUM_RUNS ?? 500) },
		);
	});
});
