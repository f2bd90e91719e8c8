import { setTimeout as sleep } from "node:timers/promises";
import type { Bridged } from "../testbed/bridge.ts";
import type { MqttAccount, XmppAccount } from "../testbed/index.ts";
import { MatrixClient } from "../testbed/matrix-client.ts";
import { MqttClient } from "../testbed/mqtt-client.ts";
import { type Element, XmppClient, xml } from "../testbed/xmpp-client.ts";

/** One way a message can go, with all that is known of the numbered lines sent along it. */
export type Path = {
	name: string;
	sent: number;
	/** The sender was told that it is there: by the answer to the request, a reflection, a receipt, a PUBACK. */
	confirmed: Set<number>;
	/** The sender was told that it is not delivered. */
	refused: Set<number>;
	say(n: number): Promise<void>;
	/** How the server handed it to our side, which took it; where that is not known it is taken for granted. */
	handed?(n: number): "in order" | "late" | "never";
	/** What the target keeps, in its order. */
	arrived(): Promise<readonly number[]>;
};
export const columns = [
	"sent",
	"confirmed",
	"refused",
	"arrived",
	"lost",
	"withheld",
	"twice",
	"disorder",
] as const;
export type Figures = Record<(typeof columns)[number], number>;

export const pathNames = [
	"Matrix → MUC",
	"MUC → Matrix",
	"1:1 XMPP → Matrix",
	"1:1 Matrix → XMPP",
	"MQTT → Matrix",
] as const;

/** No answer in this time, in ms, is none. */
const answer = 10_000;

/** Somebody on XMPP who comes back after their server did. */
async function xmppPerson(account: XmppAccount, room?: { jid: string; nick: string }) {
	const reflected = new Set<string>();
	const receipts = new Set<string>();
	const errors = new Set<string>();
	let client: XmppClient;

	function note(stanza: Element): void {
		if (!stanza.is("message")) return;
		const { id = "", from, type } = stanza.attrs;
		if (type === "error") errors.add(id);
		else if (room && from === `${room.jid}/${room.nick}`) reflected.add(id);
		const receipt = stanza.getChild("received", "urn:xmpp:receipts")?.attrs.id;
		if (receipt) receipts.add(receipt);
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
		receipts,
		errors,
		get client() {
			return client;
		},
		async reconnect(): Promise<void> {
			await client.close();
			await connect();
		},
		send: (to: string, body: string, type: "chat" | "groupchat") =>
			client.send(
				xml(
					"message",
					{ to, type, id: body },
					xml("body", {}, body),
					...(type === "chat" ? [xml("request", { xmlns: "urn:xmpp:receipts" })] : []),
				),
			),
		/** Every body an archive holds, in its order (XEP-0313); one's own where no room is named. */
		async archive(of: string): Promise<string[]> {
			const bodies: string[] = [];
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
					if (body !== undefined) bodies.push(body);
				}
				if (fin.getChild("fin")?.attrs.complete === "true") return bodies;
			}
		},
	};
}

/** A thing that publishes, and comes back after its broker did. */
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

const within = <T>(work: Promise<T>): Promise<T> =>
	Promise.race([
		work,
		sleep(answer, undefined, { ref: false }).then(() => {
			throw new Error("no answer");
		}),
	]);

/** Every body in a room, with the ids of what was refused there, oldest first. */
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
const bodies = (events: Timeline) =>
	events.filter(({ type }) => type === "m.room.message").map(({ content }) => String(content.body));

/** The numbers of a path's lines: they are "a17", or "Somebody: a17" where somebody spoke for another. */
const numbers = (letter: string, lines: readonly string[]) =>
	lines.flatMap((line) => new RegExp(`(?:^|[ :])${letter}(\\d+)$`).exec(line)?.[1] ?? []).map(Number);

/**
 * Everybody who talks, and where: a room of three networks, a chat of two, a topic. `handed` has the ids of all events
 * the homeserver handed us and we acknowledged.
 */
export async function world({ bed, xmpp, log }: Bridged, topic: string, handed: ReadonlySet<string>) {
	const matrix = async (name: string) => MatrixClient.connect(bed.matrix.url, await bed.matrixUser(name));
	const [alice, bob] = await Promise.all([matrix("alice"), matrix("bob")]);
	const muc = { jid: `verona@${xmpp.muc}`, nick: "Romeo" };
	const romeo = await xmppPerson(await bed.xmppUser("prosody", "romeo"), muc);
	const juliet = await xmppPerson(await bed.xmppUser("prosody", "juliet"));
	const sensor = await thing(bed.mqttUser("sensor"));

	const plaza = await alice.createRoom({ preset: "public_chat", name: "Plaza" });
	await alice.invite(plaza, "@trivium:hs.test");
	await alice.waitFor(
		"the bot",
		({ state_key, content }) => state_key === "@trivium:hs.test" && content.membership === "join",
	);
	await alice.send(plaza, `!bridge link xmpp ${muc.jid}`);
	await alice.waitFor("the link", ({ content }) => /^Linked/.test(String(content.body)), 20_000);

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
	const paths: Path[] = [
		path("Matrix → MUC", onMatrix("alice", alice, plaza, "a"), async () =>
			numbers("a", await romeo.archive(muc.jid)),
		),
		path(
			"MUC → Matrix",
			(_, n) => within(romeo.send(muc.jid, `b${n}`, "groupchat")),
			async () => numbers("b", bodies(await timeline(alice, plaza))),
		),
		path(
			"1:1 XMPP → Matrix",
			(_, n) => within(juliet.send(bobsGhost, `c${n}`, "chat")),
			async () => numbers("c", bodies(await timeline(bob, chat))),
		),
		path("1:1 Matrix → XMPP", onMatrix("bob", bob, chat, "d"), async () =>
			numbers("d", await juliet.archive(juliet.client.jid.split("/")[0] as string)),
		),
		path(
			"MQTT → Matrix",
			async (self, n) => {
				await within(sensor.publish(topic, `e${n}`));
				self.confirmed.add(n);
			},
			async () => numbers("e", bodies(await timeline(alice, climate))),
		),
	];

	// Synapse forgets some events when it restarts, and leaves others lying until it repeats the next time.
	const [fromAlice, , , fromBob] = paths as [Path, Path, Path, Path];
	for (const [one, sent] of [
		[fromAlice, sentBy.alice],
		[fromBob, sentBy.bob],
	] as const)
		one.handed = (n) => {
			const order = [...handed].flatMap((id) => sent.get(id) ?? []);
			const place = order.indexOf(n);
			if (place < 0) return "never";
			return order.slice(0, place).some((other) => other > n) ? "late" : "in order";
		};

	/** What the senders were told in other ways than by an answer. */
	async function told(): Promise<void> {
		const [a, b, c, d] = paths as [Path, Path, Path, Path];
		const set = (ids: Iterable<string>, letter: string, into: Set<number>) => {
			for (const n of numbers(letter, [...ids])) into.add(n);
		};
		set(romeo.reflected, "b", b.confirmed);
		set(juliet.receipts, "c", c.confirmed);
		set(juliet.errors, "c", c.refused);
		for (const [room, who, sent, into] of [
			[plaza, alice, sentBy.alice, a.refused],
			[chat, bob, sentBy.bob, d.refused],
		] as const)
			for (const { type, content } of await timeline(who, room)) {
				const about = (content["m.relates_to"] as { event_id?: string } | undefined)?.event_id;
				const n = sent.get(about ?? "");
				if (type === "com.beeper.message_send_status" && n !== undefined) into.add(n);
			}
	}

	return {
		paths,
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

const inOrder = () => "in order" as const;

/** Of what its sender saw confirmed, and was not told of later, what is not there. */
export const missing = ({ confirmed, refused }: Path, arrived: readonly number[]) =>
	[...confirmed].filter((n) => !arrived.includes(n) && !refused.has(n));

/** Which lines were lost, withheld, came twice, or stand after a later one: for whoever has to find out why. */
export function oddities(path: Path, arrived: readonly number[]): string {
	const { confirmed, handed = inOrder } = path;
	const lists = {
		lost: missing(path, arrived).filter((n) => handed(n) !== "never"),
		withheld: [...confirmed].filter((n) => handed(n) !== "in order"),
		twice: arrived.filter((n, index) => arrived.indexOf(n) !== index),
		late: arrived.flatMap((n, index) =>
			index > 0 && n < (arrived[index - 1] as number) ? [`${n} after ${arrived[index - 1]}`] : [],
		),
	};
	return Object.entries(lists)
		.flatMap(([name, list]) => (list.length > 0 ? [`${name}: ${list.join(", ")}`] : []))
		.join("; ");
}

export function figures(path: Path, arrived: readonly number[]): Figures {
	const { sent, confirmed, refused, handed = inOrder } = path;
	const once = new Set(arrived);
	// What the server itself handed late cannot come in time.
	const first = [...once].filter((n) => handed(n) === "in order");
	return {
		sent,
		confirmed: confirmed.size,
		refused: refused.size,
		arrived: once.size,
		lost: missing(path, arrived).filter((n) => handed(n) !== "never").length,
		withheld: [...confirmed].filter((n) => handed(n) !== "in order").length,
		twice: arrived.length - once.size,
		disorder: first.filter((n, index) => index > 0 && n < (first[index - 1] as number)).length,
	};
}
