import { beforeEach, describe, expect, test } from "vitest";
import { type CommandCall, defineCommand } from "../../src/core/command.ts";
import type { Bridge } from "../../src/core/network.ts";
import { createBot } from "../../src/xmpp/bot.ts";
import { answerIq } from "../../src/xmpp/iq/index.ts";
import { type Element, xml } from "../../src/xmpp/stream/xml.ts";
import { quiet } from "../fakes.ts";

const host = "bridge.test";
const verona = "verona@muc.test";
const juliet = "juliet@capulet.test/balcony";
const ns = "http://jabber.org/protocol/commands";

const change = defineCommand({
	...{ name: "change", help: "changes the room", level: "link", ofRoom: true },
	parameters: [{ name: "how", kind: "word", optional: true }],
	run: async () => "",
});
let given: CommandCall[];
beforeEach(() => {
	given = [];
});

const bot = createBot({
	...{ component: host, jid: `trivium@${host}`, resource: "trivium", log: quiet },
	bridge: () =>
		({
			commandsFor: () => [change],
			async command(call: CommandCall) {
				given.push(call);
				await call.reply("changed");
			},
		}) as unknown as Bridge,
	isMuc: (jid) => jid === verona,
	ownsMuc: (_, account) => account === "juliet@capulet.test",
	paused: () => false,
	now: () => ({ at: 0, unique: () => "unique" }),
	files: () => undefined,
});

/** Executes the command, by a form with these values if there are any. Resolves with the answer's element or condition. */
async function execute(values?: Readonly<Record<string, string>>, from = juliet): Promise<Element> {
	const form =
		values &&
		xml(
			"x",
			{ xmlns: "jabber:x:data", type: "submit" },
			Object.entries(values).map(([name, value]) => xml("field", { var: name }, xml("value", {}, value))),
		);
	const answer = await answerIq(
		xml("iq", { type: "set", from, to: host, id: "1" }, xml("command", { xmlns: ns, node: "change" }, form)),
		{
			...{ adHoc: bot.adHoc, bot, log: quiet, ghost: async () => undefined },
			software: { name: "Trivium", version: "0", uri: "" },
		},
	);
	return answer?.getChildElements()[0] as Element;
}
const note = (command: Element) => command.getChild("note")?.getText();

describe("a command that changes a MUC", () => {
	test("asks for the MUC before its parameters", async () => {
		const fields = (await execute()).getChild("x")!.getChildren("field");
		expect(fields.map(({ attrs }) => [attrs.var, attrs.type])).toEqual([
			["about.muc", "jid-single"],
			["how", "text-single"],
		]);
		expect(fields[0]?.getChild("required")).toBeDefined();
		const refused = await execute({ how: "well" });
		expect(refused.getChild("bad-request")).toBeDefined();
	});

	test("is given in the MUC by its owner, who may also paste the MUC's link", async () => {
		expect(note(await execute({ "about.muc": verona, how: "well" }))).toBe("changed");
		expect(note(await execute({ "about.muc": `xmpp:${verona.toUpperCase()}?join` }))).toBe("changed");
		expect(given.map(({ room, named, text }) => [room, named, text])).toEqual([
			[verona, true, "change well"],
			[verona, true, "change"],
		]);
		expect(await given[0]?.mayChangeRoom()).toBe(true);
	});

	test("is refused to others, and for a MUC that the bridge is not in, whose people it cannot see", async () => {
		const others = await execute({ "about.muc": verona }, "romeo@montague.test/orchard");
		expect(note(others)).toMatch(/only owners and admins of verona@muc\.test/);
		expect(note(await execute({ "about.muc": "mantua@muc.test" }))).toMatch(/not in mantua@muc\.test/);
		expect(note(await execute({ "about.muc": "#lobby@bridge.test" }))).toMatch(/not in #lobby/);
		expect(given).toEqual([]);
	});
});
