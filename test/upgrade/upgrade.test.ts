import { execFileSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Element } from "../../src/xmpp/stream/xml.ts";
import { alias, alice, type Snapshot, until, world } from "./world.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const program = "src/main.ts";
const releases = globSync(join(import.meta.dirname, "*/servers.json")).map(dirname);
const text = (one: Element, name = "body") => one.getChild(name)?.getText();

test("every release there was is here", () => {
	const log = readFileSync("CHANGELOG.md", "utf8");
	const released = [...log.matchAll(/^## (\d+\.\d+\.\d+)/gm)].map(([, version]) => version);
	expect(releases.map((one) => basename(one)).sort()).toEqual(released.sort());
});

describe.each(releases.map((from) => [basename(from), from]))(
	"the data that %s left behind when it was killed",
	(_, from) => {
		const snapshot = JSON.parse(readFileSync(join(from, "servers.json"), "utf8")) as Snapshot;
		let folder: string;
		let w: Awaited<ReturnType<typeof world>>;

		beforeEach(async () => {
			folder = mkdtempSync(join(tmpdir(), "trivium-"));
			w = await world(folder, program);
			cpSync(join(from, "backup"), join(folder, "backup"), { recursive: true });
			execFileSync(process.execPath, [program, "restore", join(folder, "backup"), "--config", w.config]);
			await w.open();
			w.restore(snapshot);
			w.muc.come("Romeo");
		});
		afterEach(async () => {
			await w?.close();
			rmSync(folder, { recursive: true });
		});

		test("is delivered by this release, all of it, once and in order, and points at what it was about", async () => {
			const { muc, hs, told } = w;
			muc.say("Romeo", "romeo, while nobody listened", "r6");
			await w.start(["--import", join(import.meta.dirname, "clock.ts")], {
				TRIVIUM_TEST_NOW: String(snapshot.at),
			});
			const plaza = hs.find(alias);
			const romeos = "@_xmpp_verona=40muc.test/=52omeo:hs.test";
			const lines = () =>
				plaza?.timeline.filter(({ sender, type }) => sender === romeos && type === "m.room.message") ?? [];
			await until(
				"romeo's last line",
				() => lines().some(({ content }) => content.body === "romeo, while nobody listened"),
				90_000,
			);
			await until("all is done", async () => (await w.waiting()) === 0, 90_000);

			const idOf = (body: string) => plaza?.timeline.find(({ content }) => content.body === body)?.event_id;
			expect(lines().map(({ content }) => [content.body, content["m.relates_to"]])).toEqual([
				["hello from romeo", undefined],
				["romeo, there already", undefined],
				["* hello again from romeo", { rel_type: "m.replace", event_id: idOf("hello from romeo") }],
				[
					expect.stringMatching(/romeo answers$/),
					{ "m.in_reply_to": { event_id: idOf("hello from alice") } },
				],
				["romeo, last", undefined],
				["romeo, while nobody listened", undefined],
			]);
			const nook = [...hs.rooms.values()].find(({ timeline }) =>
				timeline.some(({ content }) => content.body === "psst"),
			);
			expect(
				nook?.timeline
					.filter(({ sender }) => sender.startsWith("@_xmpp_romeo=40"))
					.flatMap(({ content }) => content.body ?? []),
			).toEqual(["psst", "whisper, there already", "whisper, waiting"]);

			const inMuc = (nick: string) =>
				muc.archive.filter((one) => one.from.endsWith(`/${nick}`)).map(({ inside }) => inside);
			const find = (inside: readonly Element[], name: string) => inside.find((one) => one.name === name);
			const stanzaId = (body: string) =>
				muc.archive.find(({ inside }) => find(inside, "body")?.getText() === body)?.id;
			const shown = inMuc("Alice").map((inside) => ({
				body: find(inside, "body")?.getText(),
				...(find(inside, "replace") && { replaces: "earlier" }),
				...(find(inside, "reply") && { reply: find(inside, "reply")?.attrs.id }),
				...(find(inside, "reactions") && {
					reactions: find(inside, "reactions")
						?.getChildElements()
						.map((one) => one.getText()),
				}),
				...(find(inside, "retract") && { retracts: find(inside, "retract")?.attrs.id }),
			}));
			expect(shown).toMatchObject([
				{ body: "hello from alice" },
				{ body: "oops" },
				{ reactions: ["👍"] },
				...[1, 2, 3].map((n) => ({ body: `alice, there already ${n}` })),
				...[1, 2, 3].map((n) => ({ body: `alice, lost ${n}` })),
				{ body: "hello again from alice", replaces: "earlier" },
				{ body: expect.stringMatching(/alice answers$/), reply: stanzaId("hello from romeo") },
				// This release adds the selector that Unicode lists for 👍.
				{ reactions: ["👍\uFE0F", "🎉"] },
				{ retracts: stanzaId("oops") },
			]);
			expect(inMuc("Bob").map((inside) => find(inside, "body")?.getText())).toEqual(["bob, waiting"]);

			// Outside a room nobody can look: under the same id it goes out again.
			const whispered = new Map(told.filter((one) => text(one)).map((one) => [one.attrs.id, text(one)]));
			expect([...whispered.values()]).toEqual(["yes?", "whispered 1", "whispered 2"]);

			// The bridge takes up a dead letter of the release before.
			if (plaza)
				await hs.push([
					hs.emit(plaza, alice, "m.room.message", { msgtype: "m.text", body: "!bridge retry" }),
				]);
			await until("the dead letter", () => stanzaId("refused by the old release") !== undefined);
			await until("all is done", async () => (await w.waiting()) === 0);
			await sleep(500);
			expect(inMuc("Alice")).toHaveLength(shown.length + 1);
		});
	},
);
