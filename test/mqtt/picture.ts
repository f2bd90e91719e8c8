/** One message as people read it. `answers`: the place of the message that it replies to. */
export type Said = Readonly<{ who: string; words: string; edited?: true; picture?: true; answers?: number }>;

const width = 440;
const escaped = (text: string) =>
	text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const text = (x: number, y: number, inner: string, more = "") =>
	`<text x="${x}" y="${y}" fill="#24292f"${more && ` ${more}`}>${inner}</text>`;
/** A colour of its own for each sender. */
const colourOf = (who: string) =>
	["#b5475d", "#3667a6", "#3f7d58", "#8a5a9e", "#a66a2c"][[...who].length % 5];

/** Returns the drawing of one message, and its height. Matrix clients show a picture beside the name, XMPP clients a nick. */
function message(one: Said, all: readonly Said[], network: "Matrix" | "XMPP", x: number, top: number) {
	const colour = `style="fill:${colourOf(one.who)}" font-weight="600"`;
	const mark = one.edited
		? `<tspan dx="8" fill="#8a929b" font-weight="400" font-size="12">${network === "Matrix" ? "(edited)" : "✎"}</tspan>`
		: "";
	const left = network === "Matrix" ? x + 60 : x + 16;
	const parts =
		network === "Matrix"
			? [
					`<circle cx="${x + 32}" cy="${top + 16}" r="16" fill="${colourOf(one.who)}"/>`,
					text(
						x + 32,
						top + 21,
						escaped(one.who[0]?.toUpperCase() ?? ""),
						`style="fill:#fff" font-weight="600" text-anchor="middle"`,
					),
				]
			: [];
	parts.push(text(left, top + 12, escaped(one.who) + mark, colour));
	let at = top + 32;
	const target = one.answers === undefined ? undefined : all[one.answers];
	if (target) {
		parts.push(
			`<rect x="${left}" y="${at - 12}" width="3" height="16" fill="${colourOf(target.who)}"/>`,
			text(left + 12, at, escaped(target.words), `style="fill:#57606a" font-size="13"`),
		);
		at += 22;
	}
	if (one.picture) {
		parts.push(
			`<rect x="${left}" y="${at - 12}" width="150" height="84" rx="8" fill="#dfe7ef"/>`,
			`<path d="M${left + 8} ${at + 64}l38-44 25 28 18-17 53 33z" fill="#9fb3c8"/>`,
			`<circle cx="${left + 118}" cy="${at + 12}" r="11" fill="#f2c14e"/>`,
		);
		at += 92;
	}
	if (one.words !== "") parts.push(text(left, at, escaped(one.words)));
	return { svg: parts.join("\n"), end: at + 24 };
}

/** Returns a picture of messages as a client of each network shows them. */
export function drawn(said: readonly Said[]): string {
	const sides = (["Matrix", "XMPP"] as const).map((network, index) => {
		const x = index * (width + 20);
		let at = 64;
		const parts = said.map((one) => {
			const { svg, end } = message(one, said, network, x, at);
			at = end;
			return svg;
		});
		return { x, network, svg: parts.join("\n"), end: at };
	});
	const height = Math.max(...sides.map(({ end }) => end)) + 8;
	const frames = sides.map(({ x, network, svg }) =>
		[
			`<rect x="${x + 0.5}" y="0.5" width="${width - 1}" height="${height - 1}" rx="10" fill="#fff" stroke="#d7dbe0"/>`,
			text(x + 16, 28, network, `font-weight="700" font-size="13" style="fill:#57606a"`),
			`<path d="M${x} 42h${width}" stroke="#d7dbe0"/>`,
			svg,
		].join("\n"),
	);
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width + 20} ${height}" font-family="system-ui, sans-serif" font-size="15">\n${frames.join("\n")}\n</svg>\n`;
}
