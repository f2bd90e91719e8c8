import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bridged, startBridged } from "../testbed/bridge.ts";
import { MatrixClient, type SeenEvent } from "../testbed/matrix-client.ts";
import { type Heard, Slixmpp } from "../testbed/slixmpp.ts";

/** What people do to messages, as a client reads and writes it that knows nothing of how we do. */

type Table = Record<string, unknown>;
const relation = (event: SeenEvent) => (event.content["m.relates_to"] ?? {}) as Table;
const changed = (event: SeenEvent) => ((event.content["m.new_content"] ?? {}) as Table).body;

describe.each(["prosody", "ejabberd"] as const)("slixmpp on %s", (server) => {
	let bridged: Bridged;
	let juliet: MatrixClient;
	let romeo: Slixmpp;
	let muc: string;
	let portal: string;
	let chat: string;

	beforeAll(async () => {
		bridged = await startBridged({ xmpp: server });
		const { bed, xmpp } = bridged;
		juliet = await MatrixClient.connect(bed.matrix.url, await bed.matrixUser("juliet"));
		await juliet.displayName("Juliet");
		romeo = await Slixmpp.connect(await bed.xmppUser(server, "romeo"));
		muc = `verona@${xmpp.muc}`;
		await romeo.does({ do: "join", to: muc, nick: "Romeo" }, "joined");
		portal = await juliet.join(`#_xmpp_verona=40${xmpp.muc}:hs.test`);
		await romeo.does({ do: "say", to: `juliet@${xmpp.component}`, body: "good evening" }, "said");
		const invite = await juliet.waitFor(
			"an invitation",
			(event) => event.state_key === juliet.userId && event.content.membership === "invite",
			20_000,
		);
		chat = await juliet.join(invite.room_id);
		await juliet.waitForMessage("good evening", chat, 20_000);
	});
	afterAll(async () => {
		romeo?.close();
		await juliet?.close();
		await bridged?.down();
	});

	describe.each(["a MUC", "a chat"])("in %s", (kind) => {
		const room = kind === "a MUC";
		const place = () =>
			room ? { to: muc, here: portal } : { to: `juliet@${bridged.xmpp.component}`, here: chat };
		const named = ({ stanza_id, id }: Heard) => (room ? stanza_id : id);
		const says = (body: string) => romeo.does({ do: "say", to: place().to, room, body }, "said");
		const sees = (what: string, fits: (event: SeenEvent) => boolean) =>
			juliet.waitFor(
				what,
				(event) => event.room_id === place().here && event.from === "timeline" && fits(event),
				15_000,
			);
		const others = (fits: (heard: Heard) => boolean) => (heard: Heard) => {
			const [from, nick] = heard.from.split("/");
			return from === place().to && nick !== "Romeo" && fits(heard);
		};

		test("corrections, reactions, answers and deletions from Matrix are what it takes them for", async () => {
			const { here } = place();
			const mine = await juliet.send(here, `cake ${kind}`);
			const line = await romeo.hears(
				"cake",
				others(({ body }) => body === `cake ${kind}`),
			);
			await juliet.send(here, {
				msgtype: "m.text",
				body: "* tart",
				"m.new_content": { msgtype: "m.text", body: `tart ${kind}` },
				"m.relates_to": { rel_type: "m.replace", event_id: mine },
			});
			const correction = await romeo.hears(
				"tart",
				others(({ body }) => body === `tart ${kind}`),
			);
			expect(correction.corrects).toBe(line.id);

			await says(`🎉 lunch ${kind}`);
			const asked = await sees("lunch", ({ content }) => content.body === `🎉 lunch ${kind}`);
			await juliet.send(here, {
				msgtype: "m.text",
				body: `yes ${kind}`,
				"m.relates_to": { "m.in_reply_to": { event_id: asked.event_id } },
			});
			const answer = await romeo.hears(
				"yes",
				others(({ body }) => body === `yes ${kind}`),
			);
			expect(answer.quote).toMatch(/^> [Rr]omeo: 🎉 lunch/);
			const reaction = { rel_type: "m.annotation", event_id: asked.event_id, key: "👍" };
			const thumb = await juliet.send(here, { "m.relates_to": reaction }, "m.reaction");
			const shown = await romeo.hears(
				"👍",
				others(({ emoji }) => emoji?.join() === "👍"),
			);
			expect(shown.reacts).toBe(answer.answers);
			const redact = (event: string) =>
				juliet.request(
					"PUT",
					`v3/rooms/${encodeURIComponent(here)}/redact/${encodeURIComponent(event)}/${Math.random()}`,
					{},
				);
			await redact(thumb);
			await romeo.hears(
				"no reaction",
				others(({ emoji, reacts }) => emoji?.length === 0 && reacts === shown.reacts),
			);
			await redact(mine);
			const gone = await romeo.hears(
				"the retraction",
				others(({ retracts }) => retracts !== undefined),
			);
			expect(gone.retracts).toBe(named(line));
		});

		test("its corrections, reactions, answers and deletions are what Matrix has for them", async () => {
			const { to, here } = place();
			const id = await says(`one ${kind}`);
			const first = await sees("one", ({ content }) => content.body === `one ${kind}`);
			await romeo.does({ do: "correct", to, room, id, body: `two ${kind}` });
			const edit = await sees("two", (event) => changed(event) === `two ${kind}`);
			expect(relation(edit)).toEqual({ rel_type: "m.replace", event_id: first.event_id });

			const mine = await juliet.send(here, `tea ${kind}`);
			const line = await romeo.hears(
				"tea",
				others(({ body }) => body === `tea ${kind}`),
			);
			await romeo.does({ do: "react", to, room, id: named(line), emoji: ["👍", "🎉"] });
			for (const key of ["👍", "🎉"]) {
				const reaction = await sees(
					key,
					(event) => relation(event).key === key && relation(event).event_id === mine,
				);
				expect(reaction.type).toBe("m.reaction");
			}
			const more = { author: line.from, nick: "Juliet", quote: `tea 🎉 ${kind}`, body: `gladly ${kind}` };
			await romeo.does({ do: "reply", to, room, id: named(line), ...more });
			const reply = await sees("gladly", ({ content }) => content.body === `gladly ${kind}`);
			expect(relation(reply)).toEqual({ "m.in_reply_to": { event_id: mine } });

			const target = room
				? (await romeo.hears("its own line", (heard) => heard.body === `one ${kind}`)).stanza_id
				: id;
			await romeo.does({ do: "retract", to, room, id: target });
			const gone = await sees(
				"the redaction",
				(event) => event.type === "m.room.redaction" && JSON.stringify(event).includes(first.event_id ?? "?"),
			);
			expect(gone.sender).toBe(first.sender);
		});

		if (room)
			test("mentions stand where it looks for them, and moderation is heard", async () => {
				const ghost = [...(await juliet.members(portal))].find(([, name]) => name === "Romeo")?.[0] ?? "";
				await juliet.send(portal, {
					msgtype: "m.text",
					body: "🎉 Romeo: look",
					"m.mentions": { user_ids: [ghost] },
				});
				const line = await romeo.hears(
					"look",
					others(({ body }) => body === "🎉 Romeo: look"),
				);
				expect(line.mentions).toEqual(["Romeo"]);
				await romeo.does({ do: "moderate", to: muc, id: line.stanza_id, reason: "no" }, "moderated");
				const gone = await sees(
					"the redaction",
					(event) => event.type === "m.room.redaction" && event.sender === "@trivium:hs.test",
				);
				expect(gone.content.reason).toBe("no");
			});
	});
});
