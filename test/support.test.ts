import { expect, test } from "vitest";
import type { Capabilities, Support } from "../src/core/capabilities.ts";
import { capabilities as matrix } from "../src/matrix/capabilities.ts";
import { direct, joined, withoutIds } from "../src/xmpp/capabilities.ts";

/** The name of each row of the table; the compiler reports a missing one. */
const names: Record<keyof Capabilities, string> = {
	message: "text, emotes, notices",
	rich: "formatting, mentions",
	reply: "replies",
	thread: "threads",
	edit: "corrections",
	redaction: "deletions",
	reaction: "reactions",
	media: "images, files, video, audio, voice, stickers",
	location: "locations",
	poll: "polls",
	vote: "votes",
	"poll-end": "results of polls",
	membership: "joins and leaves",
	profile: "renames",
	state: "values of things (MQTT)",
};

const columns: readonly (readonly [string, Capabilities])[] = [
	["Matrix room", matrix],
	["MUC with an archive", joined],
	["MUC without", withoutIds],
	["XMPP chat, clients unknown", direct(() => "mixed")],
];

const words: Record<Support, string> = {
	native: "as itself",
	mixed: "as itself, with words for older clients",
	text: "in words",
	drop: "–",
};

test("support.md is generated from the capabilities (vitest -u writes it)", async () => {
	const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
	const lines = (Object.keys(names) as (keyof Capabilities)[]).map((kind) =>
		row([names[kind], ...columns.map(([, can]) => words[can[kind]])]),
	);
	const table = [
		"# Support by kind of room",
		"",
		"Each column names the form in which people in such a room see events of the other side. `test/support.test.ts` generates it",
		"from the declarations in `src/*/capabilities.ts`; [what-crosses.md](what-crosses.md) explains it for people.",
		"",
		row(["", ...columns.map(([name]) => name)]),
		row(["", ...columns].map(() => "---")),
		...lines,
		"",
	].join("\n");
	await expect(table).toMatchFileSnapshot("../docs/support.md");
});
