import { setTimeout as sleep } from "node:timers/promises";
import type { Bridged } from "../testbed/bridge.ts";
import type { MqttAccount, XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";
import type { Arrived, Path } from "./counting.ts";
import { link } from "./meeting.ts";

export const pathNames = [
	"Matrix → MUC",
	"MUC → Matrix",
	"1:1 XMPP → Matrix",
	"1:1 Matrix → XMPP",
	"MQTT → Matrix",
] as const;

/** Milliseconds after which a request counts as unanswered. */
const answer = 10_000;

/** Connects an XMPP person who reconnects after their server's restart. */
async function xmppPerson(account: XmppAccount, room?: { jid: string; nick: string }) {
	const reflected = new Set<string>();
	const errors = new Set<string>();
	let client: XmppClient;

	function note(stanza: Element): void {
		if (!stanza.is("message")) return;
		const { id = "", from, type } = stanza.attrs;
		if (type === "error") errors.add(id);
		else if (room && from === `${room.jid}/${room.nick}`) reflected.add(id);
	}
	async function connect(): Promise<void> {
		client = await XmppClient.connect(account);
		const { push } = client.inbox;
		client.inbox.push = (stanza) => {
			note(stanza);
			push.call(client.inbox, stanza);
		};
		if (room) await client.joinRoom(room.jid, room.nick);
	}
	await connect();

	return {
		reflected,
		errors,
		get client() {
			return client;
		},
		async reconnect(): Promise<void> {
			await client.close();
			await connect();
		},
		send: (to: string, body: string, type: "chat" | "groupchat") =>
			client.send(xml("message", { to, type, id: body }, xml("body", {}, body))),
		/** Returns every body in an archive (XEP-0313) in its order; without `room` the account's own archive. */
		async archive(of: string): Promise<Line[]> {
			const lines: Line[] = [];
			for (let after = ""; ; ) {
				const before = client.inbox.items.length;
				const page = xml(
					"set",
					{ xmlns: "http://jabber.org/protocol/rsm" },
					xml("max", {}, "200"),
					...(after ? [xml("after", {}, after)] : []),
				);
				const fin = await client.iq(of, "set", xml("query", { xmlns: "urn:xmpp:mam:2" }, page));
				for (const stanza of client.inbox.items.slice(before)) {
					const result = stanza.getChild("result", "urn:xmpp:mam:2");
					const message = result?.getChild("forwarded")?.getChild("message");
					if (result) after = result.attrs.id ?? "";
					const body = message?.getChild("body")?.getText();
					if (body !== undefined) lines.push({ body, id: message?.attrs.id });
				}
				if (fin.getChild("fin")?.attrs.complete === "true") return lines;
			}
		},
	};
}

/** Connects a thing that publishes, and reconnects after its broker's restart. */
async function thing(account: MqttAccount) {
	let client = await MqttClient.connect(account);
	return {
		publish: (topic: string, value: string) => client.publish(topic, value),
		async reconnect(): Promise<void> {
			await client.close().catch(() => undefined);
			client = await MqttClient.connect(account);
		},
		close: () => client.close(),
	};
}

type Line = Readonly<{ body: string; id?: string | undefined }>;

const within = <T>(work: Promise<T>): Promise<T> =>
	Promise.race([
		work,
		sleep(answer, undefined, { ref: false }).then(() => {
			throw new Error("no answer");
		}),
	]);

/** Returns every body in a room with the ids of the messages refused there, oldest first. */
async function timeline(who: MatrixClient, room: string) {
	type Event = { type: string; content: Record<string, unknown>; event_id: string };
	const events: Event[] = [];
	for (let from = ""; ; ) {
		const path = `v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=500${from && `&from=${from}`}`;
		const { chunk, end } = await who.request<{ chunk: Event[]; end?: string }>("GET", path);
		events.push(...chunk);
		if (end === undefined) return events.reverse();
		from = end;
	}
}
type Timeline = Awaited<ReturnType<typeof timeline>>;
/** Returns the lines of a path: bodies like "a17", or "Somebody: a17" where the bot relayed a person's line. */
const ofPath = (letter: string, lines: readonly Line[]): Arrived[] =>
	lines.flatMap(({ body, id }) => {
		const n = new RegExp(`(?:^|[ :])${letter}(\\d+)$`).exec(body)?.[1];
		return n === undefined ? [] : [{ n: Number(n), ...(id !== undefined && { id }) }];
	});
const spoken = (letter: string, events: Timeline) =>
	ofPath(
		letter,
		events
			.filter(({ type }) => type === "m.room.message")
			.map(({ content }) => ({ body: String(content.body) })),
	);
const numbers = (letter: string, bodies: ReadonlySet<string>) =>
	ofPath(
		letter,
		[...bodies].map((body) => ({ body })),
	).map(({ n }) => n);

/** A time in which the bridge or its XMPP link was down, in ms since 1970. */
export type Outage = { from: number; until: number };
/** Milliseconds before an outage in which a written line may have been in flight. */
const underWay = 3_000;

/**
 * Connects all people and things: a room of three networks, a chat of two, and a topic. `handed`: the ids of all
 * events that the homeserver handed over and the bridge acknowledged.
 */
export async function world(
	{ bed, xmpp, log }: Bridged,
	topic: string,
	handed: ReadonlySet<string>,
	outages: readonly Outage[],
) {
	const matrix = async (name: string) => MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name));
	const [alice, bob] = await Promise.all([matrix("alice"), matrix("bob")]);
	const muc = { jid: `verona@${xmpp.muc}`, nick: "Romeo" };
	const romeo = await xmppPerson(await bed.xmppUser("prosody", "romeo"), muc);
	const juliet = await xmppPerson(await bed.xmppUser("prosody", "juliet"));
	const sensor = await thing(bed.mqttUser("sensor"));

	const plaza = await alice.createRoom({ preset: "public_chat", name: "Plaza" });
	await link(alice, plaza, muc.jid);

	const climate = await alice.createRoom({ preset: "public_chat", room_alias_name: "climate" });
	await log.waitFor("the mirror", (line) => line.msg === "all mirrors are up", 60_000);

	const bobsGhost = `bob@${xmpp.component}`;
	await juliet.send(bobsGhost, "hello", "chat");
	const { room_id: chat } = await bob.waitFor(
		"juliet's invitation",
		({ from, state_key }) => from === "invite" && state_key === bob.userId,
	);
	await bob.join(chat);
	await bob.waitForMessage("hello", chat);

	const sentBy = { alice: new Map<string, number>(), bob: new Map<string, number>() };
	const onMatrix = (who: "alice" | "bob", client: MatrixClient, room: string, letter: string) => {
		return async (path: Path, n: number) => {
			const id = await within(client.send(room, `${letter}${n}`));
			sentBy[who].set(id, n);
			path.confirmed.add(n);
		};
	};
	/** The time at which juliet's server took each line. */
	const written = new Map<number, number>();
	const path = (
		name: string,
		say: (path: Path, n: number) => Promise<void>,
		arrived: Path["arrived"],
	): Path => {
		const self: Path = {
			name,
			sent: 0,
			confirmed: new Set(),
			refused: new Set(),
			say: (n) => say(self, n),
			arrived,
		};
		return self;
	};
	const paths: readonly [Path, Path, Path, Path, Path] = [
		path("Matrix → MUC", onMatrix("alice", alice, plaza, "a"), async () =>
			ofPath("a", await romeo.archive(muc.jid)).map(({ n }) => ({ n })),
		),
		path(
			"MUC → Matrix",
			(_, n) => within(romeo.send(muc.jid, `b${n}`, "groupchat")),
			async () => spoken("b", await timeline(alice, plaza)),
		),
		path(
			"1:1 XMPP → Matrix",
			async (_, n) => {
				await within(juliet.send(bobsGhost, `c${n}`, "chat"));
				written.set(n, Date.now());
			},
			async () => spoken("c", await timeline(bob, chat)),
		),
		path("1:1 Matrix → XMPP", onMatrix("bob", bob, chat, "d"), async () =>
			ofPath("d", await juliet.archive(juliet.client.jid.split("/")[0] as string)),
		),
		path(
			"MQTT → Matrix",
			async (self, n) => {
				await within(sensor.publish(topic, `e${n}`));
				self.confirmed.add(n);
			},
			async () => spoken("e", await timeline(alice, climate)),
		),
	];
	const [fromAlice, fromRomeo, fromJuliet, fromBob] = paths;

	// Synapse forgets some events at its restart, and keeps others back until its next retry.
	for (const [one, sent] of [
		[fromAlice, sentBy.alice],
		[fromBob, sentBy.bob],
	] as const)
		one.withheld = () => {
			const inTime = new Set<number>();
			let newest = -1;
			for (const id of handed) {
				const n = sent.get(id) ?? -1;
				if (n > newest) inTime.add(n);
				newest = Math.max(newest, n);
			}
			return new Set([...sent.values()].filter((n) => !inTime.has(n)));
		};

	/** Reads the confirmations and refusals that the senders got outside of responses. */
	async function told(): Promise<void> {
		for (const n of numbers("b", romeo.reflected)) fromRomeo.confirmed.add(n);
		for (const n of numbers("c", juliet.errors)) fromJuliet.refused.add(n);
		// The bridge sends no receipts (XEP-0184), but an error for each line that it could not deliver. Only a line in
		// flight at the bridge's death gets neither.
		for (const [n, at] of written)
			if (!outages.some(({ from, until }) => at > from - underWay && at < until)) fromJuliet.confirmed.add(n);
		for (const [room, who, sent, into] of [
			[plaza, alice, sentBy.alice, fromAlice.refused],
			[chat, bob, sentBy.bob, fromBob.refused],
		] as const)
			for (const { type, content } of await timeline(who, room)) {
				const about = (content["m.relates_to"] as { event_id?: string } | undefined)?.event_id;
				const n = sent.get(about ?? "");
				if (type === "com.beeper.message_send_status" && n !== undefined) into.add(n);
			}
	}

	return {
		paths,
		/** Returns the numbers of the lines by their event ids. */
		sent: () => ({ alice: [...sentBy.alice], bob: [...sentBy.bob] }),
		told,
		xmppBack: () => Promise.all([romeo.reconnect(), juliet.reconnect()]),
		mqttBack: () => sensor.reconnect(),
		async close() {
			await Promise.all([
				alice.close(),
				bob.close(),
				romeo.client.close(),
				juliet.client.close(),
				sensor.close(),
			]);
		},
	};
}

export type World = Awaited<ReturnType<typeof world>>;
