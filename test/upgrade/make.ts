/**
 * Makes the stores that a release leaves behind, for upgrade.test.ts. With a release checked out, and this folder of main
 * put in place of its own:
 *
 *   node test/upgrade/make.ts 0.2.0
 *
 * writes test/upgrade/0.2.0: a backup made by that release, of a bridge that was killed while messages were under way or
 * waited in both directions, and what its servers knew at that moment.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { xml } from "../../src/xmpp/stream/xml.ts";
import { alias, alice, bob, until, world } from "./world.ts";

const [version = ""] = process.argv.slice(2);
if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error("which release? node test/upgrade/make.ts 0.2.0");
const to = join(import.meta.dirname, version);
const folder = mkdtempSync(join(tmpdir(), "trivium-"));
const program = "src/main.ts";
const w = await world(folder, program);
const verb = (...args: string[]) => execFileSync(process.execPath, [program, ...args, "--config", w.config]);

verb("register");
await w.open();
await w.start();
const { hs, muc } = w;

// Everything works: what is said here is known on both sides.
await hs.ask("GET", `/_matrix/app/v1/rooms/${encodeURIComponent(alias)}`);
const plaza = hs.find(alias);
if (!plaza) throw new Error("no portal");
const said = (body: string) => plaza.timeline.find(({ content }) => content.body === body)?.event_id ?? "";
const heard = (body: string) =>
	muc.archive.find(({ inside }) => inside.some((one) => one.name === "body" && one.getText() === body));
const says = async (
	who: string,
	body: string,
	more: Record<string, unknown> = {},
	room = plaza,
	type = "m.room.message",
) => {
	const content = type === "m.room.message" ? { msgtype: "m.text", body, ...more } : more;
	const event = hs.emit(room, who, type, content);
	await hs.push([event]);
	return event.event_id;
};
await hs.push([hs.member(plaza, alice, "join")]);
await until("alice in the MUC", () => muc.occupants.has("Alice"));
muc.come("Romeo");
muc.say("Romeo", "hello from romeo", "r1");
await until("romeo's line", () => said("hello from romeo") !== "");
const hello = await says(alice, "hello from alice");
const oops = await says(alice, "oops");
await until("alice's lines", () => heard("oops") !== undefined);
const react = (body: string, key: string) =>
	says(
		alice,
		"",
		{ "m.relates_to": { rel_type: "m.annotation", event_id: said(body), key } },
		plaza,
		"m.reaction",
	);
await react("hello from romeo", "👍");
const reactions = () => muc.taken.filter((one) => one.getChild("reactions")).length;
await until("alice's reaction", () => reactions() === 1);
w.whisper("psst", "w1");
const chat = () =>
	[...hs.rooms.values()].find((room) => room.timeline.some(({ content }) => content.body === "psst"));
await until("romeo's whisper", () => chat() !== undefined);
const nook = chat()!;
await hs.push([hs.member(nook, alice, "join")]);
await says(alice, "yes?", {}, nook);
await until("alice's answer", () => w.told.some((one) => one.getChild("body")?.getText() === "yes?"));
muc.faults.refuseLine = () => ["auth", "forbidden"];
await says(alice, "refused by the old release");
await until("the notice", () =>
	plaza.timeline.some(({ content }) => String(content.body).startsWith("Not delivered")),
);
delete muc.faults.refuseLine;
await until("all is done", async () => (await w.waiting()) === 0);
await sleep(200);

// From here on nothing is confirmed. The first of each way is there all the same.
const first = new Set<string>();
hs.fail(({ method, path }) => {
	const [, room = ""] = /rooms\/([^/]+)\/(?:send|redact)\//.exec(path) ?? [];
	if (method !== "PUT" || room === "") return undefined;
	if (first.has(room)) return "hang";
	first.add(room);
	return "mute";
});
muc.say("Romeo", "romeo, there already", "r2");
muc.say(
	"Romeo",
	"hello again from romeo",
	"r3",
	xml("replace", { xmlns: "urn:xmpp:message-correct:0", id: "r1" }),
);
muc.say(
	"Romeo",
	"romeo answers",
	"r4",
	xml("reply", { xmlns: "urn:xmpp:reply:0", id: heard("hello from alice")!.id }),
);
muc.say("Romeo", "romeo, last", "r5");
w.whisper("whisper, there already", "w2");
w.whisper("whisper, waiting", "w3");
await until("romeo's lines on disk", async () => (await w.waiting()) === 6);

w.cut.from = true;
for (const n of [1, 2, 3]) await says(alice, `alice, there already ${n}`);
await until("alice's lines there", () => heard("alice, there already 3") !== undefined);
w.cut.to = true;
for (const n of [1, 2, 3]) await says(alice, `alice, lost ${n}`);
await says(alice, "* hello again from alice", {
	"m.new_content": { msgtype: "m.text", body: "hello again from alice" },
	"m.relates_to": { rel_type: "m.replace", event_id: hello },
});
await says(alice, "alice answers", {
	"m.relates_to": { "m.in_reply_to": { event_id: said("hello from romeo") } },
});
await react("hello from romeo", "🎉");
await hs.push([{ ...hs.emit(plaza, alice, "m.room.redaction", { redacts: oops }), redacts: oops }]);
await hs.push([hs.member(plaza, bob, "join")]);
await says(bob, "bob, waiting");
w.cut.server = true;
for (const n of [1, 2]) await says(alice, `whispered ${n}`, {}, nook);
await sleep(1_000);

await w.kill();
rmSync(to, { recursive: true, force: true });
mkdirSync(to, { recursive: true });
verb("backup", join(to, "backup"));
writeFileSync(join(to, "servers.json"), JSON.stringify(w.snapshot(), undefined, "\t"));
await w.close();
rmSync(folder, { recursive: true });
