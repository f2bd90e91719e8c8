import { describe, expect, test } from "vitest";
import { pointerKeys, valueAt } from "../../src/mqtt/json-pointer.ts";
import { compileShape, type Shape, shapeText } from "../../src/mqtt/shape.ts";

const payload = '{"temperature":21.46,"sensors":[{"value":3}],"a/b":{"~":1}}';
const line = (shape: Shape, of = payload) => compileShape(shape)(of, "z2m/kitchen", "z2m kitchen");

describe("a JSON pointer names", () => {
	test.each([
		["/temperature", 21.46],
		["temperature", 21.46],
		["/sensors/0/value", 3],
		["sensors.0.value", 3],
		["/a~1b/~0", 1],
		["", JSON.parse(payload)],
		["/sensors/00", undefined],
		["/sensors/length", undefined],
		["/none/at/all", undefined],
		["/__proto__/x", undefined],
	])("by %s the value %j", (pointer, value) =>
		expect(valueAt(JSON.parse(payload), pointerKeys(pointer) ?? ["no pointer"])).toEqual(value),
	);
	test.each(["a..b", "/a~2b", ".a"])("nothing by %s", (text) => expect(pointerKeys(text)).toBeUndefined());
});

describe("a shape", () => {
	test.each<[string, Shape, string]>([
		["shows the whole payload by itself", {}, payload],
		["takes the value from JSON", { value: "/temperature" }, "21.46"],
		["rounds it, and names its unit", { value: "/temperature", round: 1, unit: "°C" }, "21.5 °C"],
		[
			"writes it into a template",
			{ value: "/temperature", round: 0, template: "{{topic.2}}: {{value}}" },
			"kitchen: 21",
		],
		["shows a payload without the value whole", { value: "/humidity", unit: "%" }, `${payload} %`],
	])("%s", (_, shape, shown) => expect(line(shape).line).toBe(shown));

	test("compares the value and not the line, so that a template with a changing part hides no equal value", () =>
		expect(line({ value: "/temperature", template: "{{json}}" }).compared).toBe("21.46"));

	test("names the thing", () => expect(line({ name: "{{topic.2 | upper}}" }).name).toBe("KITCHEN"));

	test("has one text, whatever the order of its options", () => {
		expect(shapeText({ unit: "°C", only: { every: 1, changed: true } })).toBe(
			shapeText({ only: { changed: true, every: 1 }, unit: "°C" }),
		);
		expect(shapeText({})).toBe("");
	});
});
