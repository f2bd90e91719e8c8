import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stories } from "./scenarios/script.ts";

const read = (file: string) => readFileSync(file, "utf8");
const page = read("docs/what-crosses.md");
const tests = readdirSync("test/e2e")
	.filter((file) => file.endsWith(".test.ts"))
	.map((file) => read(`test/e2e/${file}`))
	.join("\n");
const table = page
	.slice(page.indexOf("## The tests"))
	.split("\n")
	.filter((line) => line.startsWith("| ") && !line.startsWith("| |"))
	.map((line) =>
		line
			.slice(1, -1)
			.split(" | ")
			.map((cell) => cell.trim()),
	);

/** Names of the rows that the table must have, one for each kind of event. */
const rows = [
	...["text in any writing", "emotes", "notices", "formatting", "mentions", "corrections", "own deletions"],
	...[
		"moderators' deletions",
		"ranks",
		"kicks and bans",
		"replies",
		"threads",
		"reactions",
		"reactions as a room chose",
	],
	...["images, with words", "files, video, audio", "voice messages", "stickers", "encrypted attachments"],
	...["several files in one message", "what is known of a file", "files that cannot cross"],
	...[
		"places",
		"live locations",
		"calls",
		"topics",
		"polls, votes, results",
		"encrypted messages",
		"time of late messages",
	],
	...["private messages", "searches"],
	"anything else with words",
];

test("what-crosses.md has exactly these rows", () => expect(table.map(([name]) => name)).toEqual(rows));

describe.each(table)("what-crosses.md, %s", (_row, chat = "", muc = "", hosted = "") => {
	test.each([
		["a chat", chat, "chat"],
		["a MUC", muc, "MUC"],
		["a hosted room", hosted, "hosted"],
	])("names for %s an existing test, or a reason, in both directions", (_where, cell, place) => {
		const parts = cell.split(/(?=[→←⇄])/).map((part) => part.replace(/[,;] $/, "").trim());
		const directions = parts.map((part) => part.slice(0, 1)).join("");
		expect(directions, cell).toMatch(/⇄|→.*←|←.*→/);
		for (const part of parts) {
			const what = part.slice(1).trim();
			const [, story] = /^\[(.*)\]$/.exec(what) ?? [];
			const [, name] = /^"(.*)"$/.exec(what) ?? [];
			if (story) expect(stories.find(({ file }) => file === `${story}.yaml`)?.in).toContain(place);
			else if (name) expect(tests).toContain(`"${name}"`);
			else expect(what).toMatch(/^[a-zA-Z].{5,}/);
		}
	});
});

test("what-crosses.md links every scenario", () => {
	for (const { file } of stories) {
		const name = file.replace(".yaml", "");
		expect(page).toContain(`[${name}]: ../test/scenarios/${file}`);
		expect(page).toContain(` [${name}]`);
	}
});
