import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import { chat, noArchive } from "./meeting.ts";

/** After the loss of the journal, events about older messages still find these messages, in both directions. */

const ns = {
	correct: "urn:xmpp:message-correct:0",
	retract: "urn:xmpp:message-retract:1",
	reactions: "urn:xmpp:reactions:0",
	reply: "urn:xmpp:reply:0",
	fallback: "urn:xmpp:fallback:0",
	sid: "urn:xmpp:sid:0",
};
const body = (stanza: Element) => stanza.getChild("body")?.getText();
const relation = ({ content }: SeenEvent) => (content["m.relates_to"] ?? {}) as Record<string, unknown>;
const changed = ({ content }: SeenEvent) => (content["m.new_content"] as { body?: string } | undefined)?.body;

const kinds = ["chat", "MUC", "MUC without an archive"] as const;
type Kind = (typeof kinds)[number];
let count = 0;

describe.each(["prosody", "ejabberd"] as const)("older messages on Synapse and %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: XmppClient;
	const rooms = new Map<Kind, { to: string; room: string }>();
	/**
	 * The older messages: romeo's with their own id, the id for others and the event id; Juliet's as event and as
	 * stanza.
	 */
	const romeos = new Map<string, { id: string; named: string; event: string }>();
	const juliets = new Map<string, { event: string; line: Element }>();

	const place = (kind: Kind) => rooms.get(kind) as { to: string; room: string };
	const isMuc = (kind: Kind) => kind !== "chat";

	async function sends(kind: Kind, words: string | undefined, ...parts: Element[]) {
		const id = `r${++count}`;
		const line = words === undefined ? [] : [xml("body", {}, words)];
		const type = isMuc(kind) ? "groupchat" : "chat";
		await romeo.send(xml("message", { to: place(kind).to, type, id }, ...line, ...parts));
		if (!isMuc(kind)) return { id, named: id };
		const back = await romeo.waitFor("the reflection", (one) => one.attrs.id === id && one.is("message"));
		return { id, named: back.getChild("stanza-id", ns.sid)?.attrs.id ?? id };
	}
	/** Resolves with the first fitting event that Juliet received from romeo. */
	const here = (kind: Kind, what: string, fits: (event: SeenEvent) => boolean) =>
		juliet.waitFor(
			what,
			(event) => event.room_id === place(kind).room && event.sender !== juliet.userId && fits(event),
			15_000,
		);
	/** Resolves with the first fitting stanza that romeo received from Juliet. */
	const there = (kind: Kind, what: string, fits: (stanza: Element) => boolean) =>
		romeo.waitFor(
			what,
			(one) =>
				one.is("message") &&
				one.attrs.type !== "error" &&
				one.attrs.from?.split("/")[0] === place(kind).to &&
				!one.attrs.from?.endsWith("/Romeo") &&
				fits(one),
			15_000,
		);
	const nameOf = (kind: Kind, line: Element) =>
		kind === "MUC" ? (line.getChild("stanza-id", ns.sid)?.attrs.id ?? "") : (line.attrs.id ?? "");
	const julietSaid = (kind: Kind, name: string) =>
		juliets.get(`${kind} ${name}`) as { event: string; line: Element };
	const romeoSaid = (kind: Kind, name: string) =>
		romeos.get(`${kind} ${name}`) as { id: string; named: string; event: string };
	const reply = (id: string) => xml("reply", { xmlns: ns.reply, id });
	const edits = (event: string, text: string) => ({
		...{ msgtype: "m.text", body: `* ${text}`, "m.new_content": { msgtype: "m.text", body: text } },
		"m.relates_to": { rel_type: "m.replace", event_id: event },
	});
	const answers = (event: string, text: string) => ({
		...{ msgtype: "m.text", body: text },
		"m.relates_to": { "m.in_reply_to": { event_id: event } },
	});

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: server });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		romeo = await XmppClient.connect(await bed.xmppUser(server, "romeo"));
		for (const [kind, name] of [
			["MUC", "verona"],
			["MUC without an archive", "mantua"],
		] as const) {
			const to = `${name}@${xmpp.muc}`;
			await romeo.joinRoom(to, "Romeo");
			await romeo.configureRoom(to, kind === "MUC" ? {} : noArchive[server]);
			const room = await juliet.join(`#_xmpp_${name}=40${xmpp.muc}:hs.test`);
			await present(to);
			rooms.set(kind, { to, room });
		}
		const to = `juliet@${xmpp.component}`;
		rooms.set("chat", { to, room: await chat(to, romeo, juliet) });

		for (const kind of kinds)
			for (const name of ["one", "two", "three", "four"]) {
				const ids = await sends(kind, `his ${name}`);
				const { event_id } = await here(kind, name, ({ content }) => content.body === `his ${name}`);
				romeos.set(`${kind} ${name}`, { ...ids, event: event_id ?? "" });
				const event = await juliet.send(place(kind).room, `her ${name}`);
				const line = await there(kind, name, (one) => body(one) === `her ${name}`);
				juliets.set(`${kind} ${name}`, { event, line });
			}
		await bridged.stop();
		for (const end of ["", "-wal", "-shm"])
			rmSync(join(dirname(bridged.configFile), "data", `journal.db${end}`), { force: true });
		const before = romeo.inbox.items.length;
		await bridged.start();
		for (const kind of kinds) if (isMuc(kind)) await present(place(kind).to, before);
	});
	afterAll(async () => {
		await Promise.all([juliet?.close(), romeo?.close()]);
		await bridged?.down();
	});

	const present = (to: string, after = 0) =>
		romeo.waitFor(
			"Juliet",
			(one) =>
				romeo.inbox.items.indexOf(one) >= after &&
				one.is("presence") &&
				one.attrs.from === `${to}/Juliet` &&
				!one.attrs.type,
			30_000,
		);

	describe.each(kinds)("after the loss of the journal, in a %s", (kind) => {
		const ids = kind !== "MUC without an archive";

		test("an XMPP client corrects, answers and deletes its own older messages", async () => {
			await sends(kind, "his new", xml("replace", { xmlns: ns.correct, id: romeoSaid(kind, "one").id }));
			const edit = await here(kind, "the edit", (one) => changed(one) === "his new");
			expect(relation(edit)).toEqual({ rel_type: "m.replace", event_id: romeoSaid(kind, "one").event });
			if (!ids) return;
			await sends(kind, "to his own", reply(romeoSaid(kind, "two").named));
			const answer = await here(kind, "the answer", ({ content }) => content.body === "to his own");
			expect(relation(answer)).toEqual({ "m.in_reply_to": { event_id: romeoSaid(kind, "two").event } });
			const retract = xml("retract", { xmlns: ns.retract, id: romeoSaid(kind, "three").named });
			await sends(kind, "/me retracted", retract, xml("fallback", { xmlns: ns.fallback, for: ns.retract }));
			await here(
				kind,
				"the redaction",
				(one) =>
					one.type === "m.room.redaction" &&
					JSON.stringify(one).includes(romeoSaid(kind, "three").event) &&
					one.content.body === undefined,
			);
		});

		if (ids)
			test("an XMPP client answers older messages from Matrix and reacts to them", async () => {
				const { line, event } = julietSaid(kind, "one");
				await sends(kind, "to hers", reply(nameOf(kind, line)));
				const answer = await here(kind, "the answer", ({ content }) => content.body === "to hers");
				expect(relation(answer)).toEqual({ "m.in_reply_to": { event_id: event } });
				const reaction = xml("reaction", {}, "👍️");
				await sends(
					kind,
					undefined,
					xml("reactions", { xmlns: ns.reactions, id: nameOf(kind, line) }, reaction),
				);
				const thumb = await here(kind, "👍️", (one) => one.type === "m.reaction");
				expect(relation(thumb).event_id).toBe(event);
			});

		test("a Matrix client corrects and deletes its own older messages", async () => {
			const { room } = place(kind);
			const { event, line } = julietSaid(kind, "two");
			await juliet.send(room, edits(event, "her new"));
			const correction = await there(kind, "the correction", (one) => body(one) === "her new");
			expect(correction.getChild("replace", ns.correct)?.attrs.id).toBe(line.attrs.id);
			const third = julietSaid(kind, "three");
			await juliet.request(
				"PUT",
				`v3/rooms/${encodeURIComponent(room)}/redact/${encodeURIComponent(third.event)}/t${++count}`,
				{},
			);
			const gone = await there(
				kind,
				"the deletion",
				(one) => !!one.getChild("retract", ns.retract) || body(one) === "(deleted)",
			);
			expect(gone.getChild(ids ? "retract" : "replace")?.attrs.id).toBe(
				ids ? nameOf(kind, third.line) : third.line.attrs.id,
			);
		});

		if (ids)
			test("a Matrix client answers older messages of any author and reacts to them", async () => {
				const { room } = place(kind);
				const hers = julietSaid(kind, "four");
				const his = romeoSaid(kind, "four");
				for (const [event, id] of [
					[hers.event, nameOf(kind, hers.line)],
					[his.event, his.named],
				] as const) {
					const words = `answer ${++count}`;
					await juliet.send(room, answers(event, words));
					const answer = await there(kind, words, (one) => body(one)?.endsWith(words) === true);
					expect(answer.getChild("reply", ns.reply)?.attrs.id).toBe(id);
					const about = { rel_type: "m.annotation", event_id: event, key: "🎉" };
					await juliet.send(room, { "m.relates_to": about }, "m.reaction");
					await there(kind, "🎉", (one) => one.getChild("reactions", ns.reactions)?.attrs.id === id);
				}
			});

		test("no such event is shown as additional text", () => {
			const { to, room } = place(kind);
			const read = juliet.inbox.items.filter((one) => one.room_id === room && one.sender !== juliet.userId);
			expect(read.map(({ content }) => String(content.body ?? "")).join("\n")).not.toMatch(
				/Correction|reacted|retracted|^>/m,
			);
			const seen = romeo.inbox.items.filter((one) => one.attrs.from?.startsWith(to));
			expect(seen.map((one) => body(one) ?? "").join("\n")).not.toMatch(/Correction|\* her/);
		});
	});
});
