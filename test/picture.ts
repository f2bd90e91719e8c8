import { type Network, type Step, type Story, seenBy } from "./scenarios/script.ts";

// Draws a scenario as two clients show it. See test/scenarios/README.md.

type Line = {
	label?: string | undefined;
	who: string;
	words: string;
	emote?: boolean;
	/** Labels of the message it replies to, and of its thread. */
	to?: string | undefined;
	thread?: string | undefined;
	edited?: boolean;
	deleted?: boolean;
	file?: string;
	poll?: { question: string; choices: readonly string[]; votes: Map<string, string> };
	reactions: Map<string, string[]>;
};

/** Returns the messages that are visible after the last step. */
function shown(story: Story, network: Network): readonly Line[] {
	const lines: Line[] = [];
	const at = (label: string | undefined) => lines.find((line) => line.label === label);
	const apply = (read: string, { deed }: Step) => {
		const label = deed?.as;
		const of = (pattern: RegExp) => pattern.exec(read)?.slice(1) ?? [];
		const add = (who: string, more: Partial<Line>) =>
			lines.push({ label, who, words: "", reactions: new Map(), ...more });
		const [editor, edited, now] = of(/^(\w+) corrects (\w+): (.*)$/s);
		const [, deleted] = of(/^(\w+) deletes (\w+)$/);
		const [reacter, emoji = "", on] = of(/^(\w+) shows (.*) on (\w+)$/);
		const [voter, choice = "", poll] = of(/^(\w+) votes (.*) on (\w+)$/);
		const [sender, file] = of(/^(\w+) sends (?:image )?(\S+) \(/);
		const [emoter, act] = of(/^\* (\w+) (.*)$/s);
		const [who, thread, to, words] = of(/^(\w+)(?: in (\w+))?(?: to (\w+))?: (.*?)(?: \(to \w+\))?$/s);
		if (editor) Object.assign(at(edited) ?? {}, { words: now, edited: true });
		else if (deleted) Object.assign(at(deleted) ?? {}, { deleted: true });
		else if (reacter) at(on)?.reactions.set(reacter, emoji === "nothing" ? [] : emoji.split(" "));
		else if (voter) at(poll)?.poll?.votes.set(voter, choice);
		else if (sender) add(sender, { file: file ?? "" });
		else if (emoter) add(emoter, { words: act ?? "", emote: true });
		else if (deed && "asks" in deed && network === "Matrix")
			add(read.split(" ")[0] ?? "", {
				poll: { question: deed.asks, choices: deed.choices, votes: new Map() },
			});
		else if (who) add(who, { words: words ?? "", to, thread });
		else throw new Error(`no picture of "${read}"`);
	};
	for (const step of story.steps) for (const read of seenBy(network, step)) apply(read, step);
	return lines;
}

const colours: Record<string, string> = { Romeo: "#b5475d", Juliet: "#3667a6" };
const escaped = (text: string) =>
	text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const bold = (text: string) => `<tspan font-weight="700">${text}</tspan>`;
const italic = (text: string) => `<tspan font-style="italic">${text}</tspan>`;
/** Returns the text as the network's clients show it: HTML on Matrix, XEP-0393 with visible marks on XMPP. */
const formed: Record<Network, (words: string) => string> = {
	Matrix: (words) =>
		words
			.split(/(<strong>.*?<\/strong>|<em>.*?<\/em>|\[\w+\])/)
			.map((part) => {
				const inner = escaped(part.replace(/^(<\w+>|\[)|(<\/\w+>|\])$/g, ""));
				if (part.startsWith("<strong>")) return bold(inner);
				if (part.startsWith("<em>")) return italic(inner);
				return part.startsWith("[") ? `<tspan fill="#0b6bcb">@${inner}</tspan>` : escaped(part);
			})
			.join(""),
	XMPP: (words) =>
		words
			.split(/(\*\S.*?\*|_\S.*?_)/)
			.map((part) =>
				/^\*.+\*$/.test(part)
					? bold(escaped(part))
					: /^_.+_$/.test(part)
						? italic(escaped(part))
						: escaped(part),
			)
			.join(""),
};

const width = 520;
const text = (x: number, y: number, inner: string, more = "") =>
	`<text x="${x}" y="${y}" fill="#24292f"${more && ` ${more}`}>${inner}</text>`;

/** Returns the drawing of one message at `y`, and the y of the next one. */
function message(line: Line, all: readonly Line[], network: Network, x: number, y: number) {
	const colour = colours[line.who] ?? "#57606a";
	const left = x + 64;
	const about = [line.edited && !line.deleted && "(edited)"].filter(Boolean).join(" ");
	const parts = [
		`<circle cx="${x + 36}" cy="${y + 17}" r="17" fill="${colour}"/>`,
		text(x + 36, y + 23, line.who[0] ?? "", `style="fill:#fff" font-weight="600" text-anchor="middle"`),
		text(
			left,
			y + 12,
			`${line.who}<tspan dx="8" fill="#8a929b" font-weight="400" font-size="12">${about}</tspan>`,
			`style="fill:${colour}" font-weight="600"`,
		),
	];
	let at = y + 34;
	const target = all.find(({ label }) => label !== undefined && label === (line.thread ?? line.to));
	if (target) {
		const gist = target.poll?.question ?? target.file ?? target.words.split("\n")[0] ?? "";
		const name = line.thread ? `Thread: ${target.who}` : target.who;
		parts.push(
			`<rect x="${left}" y="${at - 12}" width="3" height="34" fill="${colours[target.who]}"/>`,
			text(left + 12, at + 1, name, `style="fill:${colours[target.who]}" font-size="12" font-weight="600"`),
			text(left + 12, at + 18, escaped(gist), `style="fill:#57606a" font-size="13"`),
		);
		at += 42;
	}
	if (line.deleted) {
		parts.push(text(left, at, "This message was deleted.", `font-style="italic" opacity=".55"`));
		at += 22;
	} else if (line.file !== undefined) {
		const top = at - 12;
		parts.push(
			`<rect x="${left}" y="${top}" width="150" height="84" rx="8" fill="#dfe7ef"/>`,
			`<path d="M${left + 8} ${top + 76}l38-44 25 28 18-17 53 33z" fill="#9fb3c8"/>`,
			`<circle cx="${left + 118}" cy="${top + 24}" r="11" fill="#f2c14e"/>`,
			text(left, top + 102, escaped(line.file), `font-size="13"`),
		);
		at += 112;
	} else if (line.poll) {
		const { question, choices, votes } = line.poll;
		const height = 36 + choices.length * 30;
		parts.push(
			`<rect x="${left}" y="${at - 12}" width="300" height="${height}" rx="8" fill="#f7f8fa" stroke="#d7dbe0"/>`,
		);
		parts.push(text(left + 12, at + 10, escaped(question), `font-weight="600"`));
		for (const [index, choice] of choices.entries()) {
			const row = at + 24 + index * 30;
			const count = [...votes.values()].filter((one) => one === choice).length;
			parts.push(
				`<rect x="${left + 12}" y="${row}" width="276" height="24" rx="6" fill="#fff" stroke="#d7dbe0"/>`,
			);
			if (count > 0)
				parts.push(
					`<rect x="${left + 12}" y="${row}" width="276" height="24" rx="6" fill="#d9ece7" stroke="#9ccfc1"/>`,
				);
			parts.push(text(left + 22, row + 17, escaped(choice), `font-size="13"`));
			parts.push(text(left + 278, row + 17, String(count), `font-size="13" text-anchor="end"`));
		}
		at += height + 6;
	} else {
		const words = line.emote ? `${line.who} ${line.words}` : line.words;
		for (const row of words.split("\n")) {
			const inner = formed[network](row);
			parts.push(text(left, at, line.emote ? italic(inner) : inner));
			at += 21;
		}
	}
	let chip = left;
	for (const emoji of new Set([...line.reactions.values()].flat())) {
		const count = [...line.reactions.values()].filter((all) => all.includes(emoji)).length;
		parts.push(
			`<rect x="${chip}" y="${at - 12}" width="52" height="24" rx="12" fill="#eef3fb" stroke="#c5d5ee"/>`,
			text(chip + 26, at + 5, `${emoji} ${count}`, `text-anchor="middle" font-size="13"`),
		);
		chip += 58;
	}
	if (chip > left) at += 24;
	return { parts, next: at + 12 };
}

const titles: Record<Network, readonly [room: string, client: string, colour: string]> = {
	Matrix: ["Balcony", "a Matrix client", "#0b8a6f"],
	XMPP: ["balcony@muc.example.org", "an XMPP client", "#2b5fa8"],
};

export function picture(story: Story): string {
	const panels = (["Matrix", "XMPP"] as const).map((network, index) => {
		const x = 20 + index * (width + 40);
		const lines = shown(story, network);
		let y = 86;
		const parts = lines.flatMap((line) => {
			const drawn = message(line, lines, network, x, y);
			y = drawn.next;
			return drawn.parts;
		});
		return { network, x, parts, end: y };
	});
	const bottom = Math.max(...panels.map(({ end }) => end)) + 8;
	const drawn = panels.flatMap(({ network, x, parts }) => {
		const [room, client, colour] = titles[network];
		return [
			`<rect x="${x}" y="20" width="${width}" height="${bottom - 20}" rx="12" fill="#fff" stroke="#d7dbe0"/>`,
			`<path d="M${x} 32a12 12 0 0 1 12-12h${width - 24}a12 12 0 0 1 12 12v34H${x}z" fill="${colour}"/>`,
			text(x + 18, 49, room, `style="fill:#fff" font-weight="600"`),
			text(x + width - 18, 49, client, `style="fill:#fff" opacity=".85" text-anchor="end" font-size="13"`),
			...parts,
		];
	});
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1120 ${bottom + 20}" font-family="system-ui, -apple-system, Segoe UI, Roboto, sans-serif" font-size="15">`,
		"<title>The same conversation in a Matrix client and in an XMPP client: an answer, reactions, a correction, formatting, a picture, a deletion, a poll, a thread</title>",
		`<rect width="100%" height="100%" fill="#f4f5f7"/>`,
		...drawn,
		"</svg>",
		"",
	].join("\n");
}
