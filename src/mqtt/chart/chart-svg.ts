/** Draws a chart of a thing's values over time as SVG. Pure. */

/** A value at a time in ms since 1970. */
export type Point = Readonly<{ at: number; value: number }>;
export type Chart = Readonly<{
	title: string;
	unit?: string;
	points: readonly Point[];
	/** The times at the left and right ends, in ms since 1970. */
	from: number;
	to: number;
}>;

/** Pixels: of the picture, and of the margins around the drawing. */
const [width, height] = [800, 400];
const margin = { left: 70, right: 20, top: 50, bottom: 40 };
/** Most points that are drawn: two a pixel. Of more the lowest and the highest of each slice are drawn. */
const drawn = 2 * width;
/** Most characters of the title. */
const longest = 70;

const inner = { width: width - margin.left - margin.right, height: height - margin.top - margin.bottom };
const minute = 60_000;
/** Distances between the marks of the time axis, in ms. */
const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200].map(
	(each) => each * minute,
);
const day = 1_440 * minute;

const escaped = (text: string) =>
	text
		.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "")
		.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);

/** Returns the distance of round numbers that divides a range into about five. */
function roundStep(range: number): number {
	const rough = range / 5;
	const power = 10 ** Math.floor(Math.log10(rough));
	return ([1, 2, 5].find((each) => each * power >= rough) ?? 10) * power;
}

/** Returns the decimals that numbers at such distances need. */
const decimalsOf = (step: number) => Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));

/** Returns the lowest and the highest point of each slice of time, in order. */
function thinned(points: readonly Point[]): readonly Point[] {
	if (points.length <= drawn) return points;
	const size = Math.ceil((2 * points.length) / drawn);
	const kept: Point[] = [];
	for (let at = 0; at < points.length; at += size) {
		const slice = points.slice(at, at + size);
		const low = slice.reduce((one, other) => (other.value < one.value ? other : one));
		const high = slice.reduce((one, other) => (other.value > one.value ? other : one));
		kept.push(...(low === high ? [low] : low.at < high.at ? [low, high] : [high, low]));
	}
	return kept;
}

/** Returns the range of values to draw, with some space around them. */
function rangeOf(points: readonly Point[]): Readonly<{ low: number; high: number }> {
	let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
	for (const { value } of points) {
		low = Math.min(low, value);
		high = Math.max(high, value);
	}
	const space = high > low ? (high - low) * 0.08 : Math.max(Math.abs(high) * 0.05, 1);
	return { low: low - space, high: high + space };
}

/** Returns the text of a time at an axis. The times are those of the bridge's own time zone. */
function timeText(at: number, step: number): string {
	const time = new Date(at);
	const two = (number: number) => String(number).padStart(2, "0");
	const date = time.toLocaleDateString("en", { month: "short", day: "numeric" });
	if (step >= day) return date;
	const clock = `${two(time.getHours())}:${two(time.getMinutes())}`;
	return time.getHours() === 0 && time.getMinutes() === 0 ? date : clock;
}

/** Returns the chart as an SVG document. There is at least one point. */
export function chartSvg({ title, unit, points, from, to }: Chart): string {
	const { low, high } = rangeOf(points);
	const x = (at: number) => margin.left + ((at - from) / Math.max(1, to - from)) * inner.width;
	const y = (value: number) => margin.top + (1 - (value - low) / (high - low)) * inner.height;
	const at = (number: number) => number.toFixed(1);
	const text = (tx: number, ty: number, anchor: string, size: number, words: string) =>
		`<text x="${at(tx)}" y="${at(ty)}" text-anchor="${anchor}" font-size="${size}" fill="#333">${escaped(words)}</text>`;
	const line = (x1: number, y1: number, x2: number, y2: number, color: string) =>
		`<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${color}"/>`;
	const parts: string[] = [];

	const step = roundStep(high - low);
	for (let value = Math.ceil(low / step) * step; value <= high; value += step)
		parts.push(
			line(margin.left, y(value), width - margin.right, y(value), "#e0e0e0"),
			text(margin.left - 8, y(value) + 4, "end", 13, value.toFixed(decimalsOf(step))),
		);

	const timeStep =
		timeSteps.find((each) => (to - from) / each <= 8) ?? Math.ceil((to - from) / 8 / day) * day;
	const offset = new Date(from).getTimezoneOffset() * minute;
	for (let mark = Math.ceil((from - offset) / timeStep) * timeStep + offset; mark <= to; mark += timeStep)
		parts.push(
			line(x(mark), margin.top, x(mark), height - margin.bottom, "#f0f0f0"),
			text(x(mark), height - margin.bottom + 20, "middle", 13, timeText(mark, timeStep)),
		);

	const shown = thinned(points);
	const path = shown.map((point) => `${at(x(point.at))},${at(y(point.value))}`).join(" ");
	parts.push(
		`<polyline points="${path}" fill="none" stroke="#1e6fd9" stroke-width="2" stroke-linejoin="round"/>`,
	);
	const last = points.at(-1) as Point;
	parts.push(`<circle cx="${at(x(last.at))}" cy="${at(y(last.value))}" r="4" fill="#1e6fd9"/>`);

	const called = [...title].length > longest ? `${[...title].slice(0, longest).join("")}…` : title;
	const heading = text(margin.left, 30, "start", 18, unit === undefined ? called : `${called} (${unit})`);
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="DejaVu Sans">`,
		`<rect width="${width}" height="${height}" fill="#fff"/>`,
		...parts,
		`<rect x="${margin.left}" y="${margin.top}" width="${inner.width}" height="${inner.height}" fill="none" stroke="#999"/>`,
		heading,
		"</svg>",
	].join("");
}
