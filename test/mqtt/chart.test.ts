import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { image } from "../../src/media/image.ts";
import { chartSvg } from "../../src/mqtt/chart/chart-svg.ts";
import { createPainter } from "../../src/mqtt/chart/png.ts";

const hour = 3_600_000;
const chart = (values: readonly number[], title = "Kitchen") =>
	chartSvg({
		title,
		unit: "°C",
		points: values.map((value, index) => ({ at: index * hour, value })),
		from: 0,
		to: values.length * hour,
	});

describe("a chart", () => {
	test("has its title, its unit, and marks at round numbers", () => {
		const svg = chart([20, 20.5, 21, 22]);
		expect(svg).toContain(">Kitchen (°C)<");
		for (const mark of ["20.0", "20.5", "21.0", "21.5", "22.0"]) expect(svg).toContain(`>${mark}<`);
	});

	test("escapes what a device calls itself", () => {
		const svg = chart([1], '<script>&"\u0000');
		expect(svg).toContain(">&#60;script&#62;&#38;&#34; (°C)<");
	});

	test("of any numbers has places alone that are numbers within the picture", () => {
		const numbers = fc.double({ min: -1e9, max: 1e9, noNaN: true });
		fc.assert(
			fc.property(fc.array(numbers, { minLength: 1, maxLength: 50 }), (values) => {
				const svg = chart(values);
				expect(svg).not.toMatch(/NaN|Infinity/);
				const [, points = ""] = /<polyline points="([^"]*)"/.exec(svg) ?? [];
				for (const place of points.split(/[ ,]/).map(Number)) {
					expect(place).toBeGreaterThanOrEqual(0);
					expect(place).toBeLessThanOrEqual(800);
				}
			}),
		);
	});

	test("of very many values draws the lowest and highest of each slice", () => {
		const values = Array.from({ length: 100_000 }, (_, n) => (n === 50_000 ? 1_000 : n % 7));
		const svg = chart(values);
		expect(svg.length).toBeLessThan(100_000);
		expect(svg).toContain(">1000<");
	});
});

describe("the painter", () => {
	test("draws a PNG, with no font of the machine", async () => {
		const paint = createPainter();
		const [with_, without] = await Promise.all([
			paint(chart([20, 21, 20], "Küche Температура")),
			paint(chart([20, 21, 20], " ")),
		]);
		expect(image(Buffer.from(with_ ?? []))).toEqual({ mime: "image/png", width: 800, height: 400 });
		// The letters of the title are drawn.
		expect(with_.length).toBeGreaterThan(without.length + 500);
	});

	test("refuses a chart while five are drawn, and one that is no SVG", async () => {
		const paint = createPainter();
		const all = Array.from({ length: 5 }, () => paint("no svg").catch(String));
		await expect(paint(chart([1]))).rejects.toThrow("too many charts");
		expect(new Set(await Promise.all(all)).size).toBe(1);
		await expect(paint(chart([1]))).resolves.toBeInstanceOf(Uint8Array);
	});
});
