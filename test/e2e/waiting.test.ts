import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { soak } from "../soak.ts";
import { type Bridged, type LogLine, startBridged } from "../testbed/bridge.ts";
import type { XmppAccount } from "../testbed/index.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";

/** Tests messages that wait for a rate limit, and deletions and corrections of those that wait for a server that is down. */

const ns = {
	correct: "urn:xmpp:message-correct:0",
	retract: "urn:xmpp:message-retract:1",
	reactions: "urn:xmpp:reactions:0",
	sid: "urn:xmpp:sid:0",
};
const body = (stanza: Element) => stanza.getChild("body")?.getText();
const changed = ({ content }: SeenEvent) => (content["m.new_content"] as { body?: string } | undefined)?.body;
let count = 0;

/** Runs `check` as an admin does, and returns its lines and its exit code. */
function checked(config: string) {
	const program = join(import.meta.dirname, "../../src/main.ts");
	const { stdout, status } = spawnSync(process.execPath, [program, "check", "--config", config], {
		encoding: "utf8",
	});
	const lines = stdout.trim().split("\n");
	return { code: status, lines, failed: lines.filter((line) => line.startsWith("✗")) };
}

describe.each(["prosody", "ejabberd"] as const)("waiting messages on Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	let muc: string;
	let room: string;
	let account: XmppAccount;

	beforeAll(async () => {
		// A person who writes like a person stays below this limit.
		const limits = { sender: { per_minute: 1_800, burst: 20 } };
		bridged = await startBridged({ xmpp: server, config: () => ({ log: { level: "debug" }, limits }) });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		account = await bed.xmppUser(server, "romeo");
		romeo = await XmppClient.connect(account);
		muc = `verona@${xmpp.muc}`;
		await romeo.joinRoom(muc, "Romeo");
		await romeo.configureRoom(muc);
		room = await juliet.join(`#_xmpp_verona=40${xmpp.muc}:hs.test`);
		await romeo.waitFor("Juliet", (one) => one.attrs.from === `${muc}/Juliet` && !one.attrs.type, 20_000);
		await juliet.send(room, "before");
		await romeo.waitForMessage("before", muc);
	});
	afterAll(async () => {
		await Promise.all([juliet?.close(), romeo?.close()]);
		await bridged?.down();
	});
	const redact = (event: string) =>
		juliet.request(
			"PUT",
			`v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(event)}/t${++count}`,
			{},
		);
	const taken = (event: string) =>
		bridged.log.waitFor(event, (line) => line.msg === "received" && line.id === event);

	/** The log has one line each for the beginning, the end and the deliveries of the outage of a side. */
	async function tellsOutage(net: string): Promise<void> {
		const done = "the deliveries that waited for a side are done";
		await bridged.log.waitFor(done, (line) => line.msg === done && line.net === net, 20_000);
		const told = bridged.log.items.filter((line) => line.net === net && /\ba side\b/.test(line.msg));
		expect(told).toMatchObject([
			{ level: "warn", msg: "a side is away; deliveries to it wait on disk", cause: expect.any(String) },
			{ level: "info", msg: "a side is back", awayMs: expect.any(Number) },
			{ level: "info", msg: done, delivered: expect.any(Number), waiting: 0 },
		]);
	}

	test("a message sent and deleted on Matrix while the XMPP server is down never appears", async () => {
		await bridged.bed.stop(server);
		await bridged.log.waitFor(
			"the end of the XMPP link",
			({ msg }) => msg === "XMPP server not reached",
			20_000,
		);
		const oops = await juliet.send(room, "oops");
		const edit = await juliet.send(room, {
			...{ msgtype: "m.text", body: "* worse", "m.new_content": { msgtype: "m.text", body: "worse" } },
			"m.relates_to": { rel_type: "m.replace", event_id: oops },
		});
		const about = { rel_type: "m.annotation", event_id: oops, key: "👍️" };
		const thumb = await juliet.send(room, { "m.relates_to": about }, "m.reaction");
		const kept = await juliet.send(room, "one");
		await juliet.send(room, {
			...{ msgtype: "m.text", body: "* two", "m.new_content": { msgtype: "m.text", body: "two" } },
			"m.relates_to": { rel_type: "m.replace", event_id: kept },
		});
		for (const event of [oops, edit, thumb, kept]) await taken(event);
		await juliet.send(room, "!bridge status");
		const status = await juliet.waitFor(
			"the side that is away",
			(one) => one.room_id === room && /\nXMPP, /.test(String(one.content.body)),
		);
		expect(status.content.body).toMatch(
			/^Matrix, this room: connected\.\nXMPP, verona@\S+: AWAY for \d+ seconds?/,
		);
		expect(status.content.body).toMatch(/; [2-9] messages wait for it\.$/);
		await redact(oops);
		const end = await juliet.send(room, "end");
		await taken(end);
		await bridged.bed.start(server);
		romeo = await XmppClient.connect(account);
		await romeo.joinRoom(muc, "Romeo", { history: 20 });
		await romeo.waitForMessage("end", muc, 90_000);
		const lines = romeo.inbox.items.filter(
			(one) => one.is("message") && one.attrs.from === `${muc}/Juliet` && body(one) !== "before",
		);
		await tellsOutage("xmpp");
		// This is the view of a client with corrections.
		const shown = new Map<string, string>();
		for (const line of lines)
			shown.set(line.getChild("replace")?.attrs.id ?? line.attrs.id ?? "", body(line) ?? "");
		expect([...shown.values()]).toEqual(["two", "end"]);
		expect(lines.some((one) => one.getChild("retract") || one.getChild("reactions"))).toBe(false);
	});

	test("a message sent and deleted on XMPP while the homeserver is down never appears", async () => {
		const sends = async (words: string | undefined, ...parts: Element[]) => {
			const id = `w${++count}`;
			const line = words === undefined ? [] : [xml("body", {}, words)];
			await romeo.send(xml("message", { to: muc, type: "groupchat", id }, ...line, ...parts));
			const back = await romeo.waitFor("the reflection", (one) => one.attrs.id === id && one.is("message"));
			const named = back.getChild("stanza-id", ns.sid)?.attrs.id ?? "";
			return { id, named };
		};
		const before = juliet.inbox.items.length;
		await bridged.bed.stop("synapse");
		// A delivery in flight becomes in doubt and is not cancelled. This message brings the lane into its backoff:
		// the messages behind it only wait.
		await sends("is it down?");
		const away = /the homeserver cannot be reached/;
		await bridged.log.waitFor(
			"the failure",
			({ msg, err }) => msg === "delivery failed, will retry" && away.test(JSON.stringify(err)),
			20_000,
		);
		const slip = await sends("slip");
		await sends("worse slip", xml("replace", { xmlns: ns.correct, id: slip.id }));
		await sends(
			undefined,
			xml("reactions", { xmlns: ns.reactions, id: slip.named }, xml("reaction", {}, "👍️")),
		);
		const first = await sends("first");
		await sends("second", xml("replace", { xmlns: ns.correct, id: first.id }));
		await sends("/me retracted", xml("retract", { xmlns: ns.retract, id: slip.named }));
		const last = `the end ${++count}`;
		await taken((await sends(last)).named);
		// A shorter outage may leave no line in the log.
		const noticed = ({ msg, net }: LogLine) => /a side is away/.test(msg) && net === "matrix";
		await bridged.log.waitFor("the beginning of the outage", noticed, 20_000);
		await bridged.bed.start("synapse");
		await juliet.waitForMessage(last, room, 90_000);
		await tellsOutage("matrix");
		const seen = juliet.inbox.items
			.slice(before)
			.filter((one) => one.room_id === room && one.state_key === undefined && one.sender !== juliet.userId);
		const messages = seen.filter((one) => one.type === "m.room.message");
		expect(messages.map((one) => changed(one) ?? one.content.body)).toEqual([
			"is it down?",
			"first",
			"second",
			last,
		]);
		expect(messages[2] && changed(messages[2])).toBe("second");
		expect(seen.some((one) => one.type === "m.reaction" || one.type === "m.room.redaction")).toBe(false);
	});

	const slowed = () =>
		bridged.log.items.filter(({ msg }) => msg === "a rate limit is exceeded; the excess is delayed");

	if (server === "prosody")
		test("200 lines that a person sends at once all appear on Matrix, in order", async () => {
			const lines = Array.from({ length: 200 }, (_, n) => `flood ${n}`);
			for (const line of lines)
				await romeo.send(xml("message", { to: muc, type: "groupchat", id: line }, xml("body", {}, line)));
			await juliet.waitForMessage("flood 199", room, 60_000);
			const seen = juliet.inbox.items
				.map((one) => one.content.body)
				.filter((text) => /^flood/.test(`${text}`));
			expect(seen).toEqual(lines);
			expect(slowed()).toHaveLength(1);
		});

	// The rate limit holds before any XMPP server is asked, so `script/test` exceeds it with one.
	if (soak || server === "prosody")
		test("a bot that edits one message faster than the limit ends with its newest text on XMPP", async () => {
			const before = romeo.inbox.items.length;
			const question = `any questions after ${before}?`;
			const first = await juliet.send(room, "thinking");
			const edit = (text: string) =>
				juliet.send(room, {
					...{ msgtype: "m.text", body: `* ${text}`, "m.new_content": { msgtype: "m.text", body: text } },
					"m.relates_to": { rel_type: "m.replace", event_id: first },
				});
			for (let n = 0; n < 20; n++)
				await Promise.all(Array.from({ length: 6 }, (_, part) => edit(`thinking ${n}.${part}`)));
			await edit("the answer");
			await juliet.send(room, question);
			await romeo.waitForMessage(question, muc, 60_000);
			const corrections = romeo.inbox.items
				.slice(before)
				.filter((one) => one.getChild("replace", ns.correct) && one.attrs.from === `${muc}/Juliet`);
			expect(corrections.at(-1) && body(corrections.at(-1) as Element)).toBe("the answer");
			expect(corrections.length).toBeLessThanOrEqual(121);
		});

	// A room of ejabberd is in muc.test.ts: ten seconds pass here.
	if (server === "prosody")
		test("a room for members only says on Matrix which address has to be let in, and crosses once it is", async () => {
			const { xmpp } = bridged;
			const closet = `closet@${xmpp.muc}`;
			const listener = `trivium@${xmpp.component}`;
			romeo = await XmppClient.connect(account);
			await romeo.joinRoom(closet, "Romeo");
			await romeo.configureRoom(closet, { "muc#roomconfig_membersonly": "1" });
			const here = await juliet.join(`#_xmpp_closet=40${xmpp.muc}:hs.test`);
			const said = ({ room_id, content }: SeenEvent) => (room_id === here ? String(content.body ?? "") : "");
			await juliet.waitFor(
				"the address that has to be let in",
				(one) => said(one).includes(`make ${listener} a member`),
				20_000,
			);
			const item = xml("item", { jid: listener, affiliation: "member" });
			await romeo.iq(closet, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#admin" }, item));
			// The bridge asks again ten seconds after the refusal, when somebody speaks.
			await vi.waitFor(
				async () => {
					await juliet.send(here, "knock");
					await romeo.waitForMessage("Juliet: knock", `${closet}/Trivium`, 3_000);
				},
				{ timeout: 30_000, interval: 2_000 },
			);
			await romeo.sendMessage(closet, "come in", "groupchat");
			await juliet.waitForMessage("come in", here, 20_000);
			await romeo.close();
		});

	test("the running bridge tells /ready and `check` that its XMPP server is away, or answers too little", async () => {
		const { bed } = bridged;
		const ready = async () => {
			const response = await fetch(`http://127.0.0.1:${bed.ports.health}/ready`);
			const { xmpp } = (await response.json()) as { xmpp: { up: boolean; cause?: string } };
			return { status: response.status, ...xmpp };
		};
		const isReady = () => vi.waitFor(async () => expect(await ready()).toMatchObject({ up: true }), 30_000);
		await isReady();
		await vi.waitFor(async () => expect((await ready()).status).toBe(200), 30_000);
		const well = checked(bridged.configFile);
		expect(well).toMatchObject({ code: 0, failed: [] });
		expect(well.lines).toContain("✓ component path");
		// The last test of the file: the servers stay as they are.
		if (server === "prosody") {
			await bed.stop(server);
			await vi.waitFor(async () => expect(await ready()).toMatchObject({ status: 503, up: false }), 30_000);
			const away = checked(bridged.configFile);
			expect(away).toMatchObject({ code: 1, failed: [expect.stringMatching(/^✗ component: /)] });
			// The homeserver comes back with a registration of last year.
			const [text = ""] = bed.options.registrations;
			Object.assign(bed.options, { registrations: [text.replace(/hs_token: .*/, "hs_token: of-last-year")] });
			await bed.restart("synapse");
			await juliet.send(room, "with another token");
			const found = await bridged.log.waitFor(
				"the missing path",
				({ msg }) => msg === "the homeserver does not reach the bridge by appservice.url",
				60_000,
			);
			expect(found.cure).toMatch(/another hs_token/);
			expect(checked(bridged.configFile).failed).toContainEqual(
				expect.stringMatching(/^✗ appservice path: .*another hs_token/),
			);
			return;
		}
		Object.assign(bed.options, { ejabberd: { modules: "  mod_privilege: {}" } });
		await bed.restart(server);
		const line = await bridged.log.waitFor(
			"the missing answers",
			({ msg }) => msg === "the XMPP server does not answer what the bridge needs",
			90_000,
		);
		expect(line.cure).toMatch(/remove mod_privilege/);
		expect(await ready()).toMatchObject({ status: 503, cause: expect.stringMatching(/mod_privilege/) });
		expect(checked(bridged.configFile)).toMatchObject({
			code: 1,
			failed: [expect.stringMatching(/^✗ component path: .*mod_privilege/)],
		});
	});
});
