import { createHash, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { type Client, client, type Element, xml } from "@xmpp/client";
import { Inbox } from "./inbox.ts";
import type { XmppAccount } from "./index.ts";
import { caFile } from "./layout.ts";

export { type Element, xml };

/** Makes this process, and no other, trust the testbed's authority; certificates are verified as usual. */
function trustTestbed(): void {
	const trusted = getCACertificates("default");
	const own = existsSync(caFile) ? readFileSync(caFile, "utf8") : "";
	if (own && !trusted.includes(own)) setDefaultCACertificates([...trusted, own]);
}

/** A person's XMPP client on a real server. */
export class XmppClient {
	/** The full JID. */
	readonly jid: string;
	readonly inbox: Inbox<Element>;
	readonly #client: Client;

	constructor(jid: string, inbox: Inbox<Element>, connection: Client) {
		this.jid = jid;
		this.inbox = inbox;
		this.#client = connection;
	}

	/** Logs in and, unless `available` is false, sends presence. The client does not reconnect by itself. */
	static async connect(
		account: XmppAccount,
		{ resource = "test", available = true } = {},
	): Promise<XmppClient> {
		trustTestbed();
		const { domain, username, password } = account;
		const connection = client({ service: account.c2s, domain, username, password, resource });
		connection.reconnect.stop();
		connection.timeout = 15_000; // the default of 2 s is too short on a busy machine
		// @xmpp/client 0.14 counts stanzas from before <enabled/>, and the server closes the stream on such an
		// acknowledgement. So the client must not see the offer of stream management.
		connection.prependListener("element", (element: Element) => element.remove("sm", "urn:xmpp:sm:3"));
		// @xmpp/connection 0.14 has no parser any more for the data that comes while both sides close the stream.
		const take = connection._onData;
		connection._onData = (data) => {
			if (connection.parser) take.call(connection, data);
		};
		const inbox = new Inbox<Element>(`${username}@${domain}`, (stanza) => stanza.toString());
		connection.on("stanza", (stanza: Element) => inbox.push(stanza));
		connection.on("error", () => {}); // start() rejects with it; a test notices later ones by missing stanzas
		const jid = await connection.start();
		const self = new XmppClient(jid.toString(), inbox, connection);
		if (available) await self.send(xml("presence"));
		return self;
	}

	/** False once the connection has broken, as far as this client has noticed. */
	get online(): boolean {
		return this.#client.status === "online";
	}

	send(stanza: Element): Promise<void> {
		return this.#client.send(stanza);
	}

	/** Writes text to the stream unchanged, valid XML or not. */
	sendRaw(text: string): Promise<void> {
		return this.#client.write(text);
	}

	/** Sends an IQ. Resolves with the result, rejects with the error of the other side. */
	iq(to: string, type: "get" | "set", child: Element, ms = 10_000): Promise<Element> {
		return this.#request(xml("iq", { to, type }, child), ms);
	}

	#request(iq: Element, ms: number): Promise<Element> {
		const id = randomUUID();
		iq.attrs.id = id;
		const answer = this.#client.iqCaller.request(iq, ms);
		// @xmpp/iq 0.14 handles the answer only after its write has ended. An error that comes before that would be an
		// unhandled rejection, which fails the whole run.
		this.#client.iqCaller.handlers.get(id)?.promise.catch(() => {});
		return answer;
	}

	/** Sends a message. Returns its id. */
	async sendMessage(
		to: string,
		body: string,
		type: "chat" | "groupchat" = "chat",
		id: string = randomUUID(),
	): Promise<string> {
		await this.send(xml("message", { to, type, id }, xml("body", {}, body)));
		return id;
	}

	/**
	 * Submits the configuration of an own MUC, which opens a new one to others; without settings the server's
	 * defaults.
	 */
	async configureRoom(room: string, settings: Readonly<Record<string, string>> = {}): Promise<void> {
		const formType = { FORM_TYPE: "http://jabber.org/protocol/muc#roomconfig" };
		const fields: Readonly<Record<string, string>> =
			Object.keys(settings).length > 0 ? { ...formType, ...settings } : {};
		const form = xml(
			"x",
			{ xmlns: "jabber:x:data", type: "submit" },
			...Object.entries(fields).map(([name, value]) => xml("field", { var: name }, xml("value", {}, value))),
		);
		await this.iq(room, "set", xml("query", { xmlns: "http://jabber.org/protocol/muc#owner" }, form));
	}

	/** Joins with at most `history` old messages. Resolves with the own presence, rejects with the room's refusal. */
	async joinRoom(room: string, nick: string, { history = 0, password }: JoinOptions = {}): Promise<Element> {
		const earlier = new Set(this.inbox.items);
		const parts = [
			xml("history", { maxstanzas: String(history) }),
			password === undefined ? undefined : xml("password", {}, password),
		];
		await this.send(
			xml(
				"presence",
				{ to: `${room}/${nick}` },
				xml("x", { xmlns: "http://jabber.org/protocol/muc" }, ...parts),
			),
		);
		const answer = await this.inbox.waitFor(
			`the answer of ${room} to joining as ${nick}`,
			(stanza) =>
				stanza.is("presence") &&
				isFrom(stanza, room) &&
				(isError(stanza) || (hasStatus(stanza, "110") && stanza.attrs.type !== "unavailable")) &&
				!earlier.has(stanza),
		);
		if (isError(answer)) throw new Error(`${room} refused ${nick}: ${answer}`);
		return answer;
	}

	/** Publishes a vCard with a picture, and names its hash to the rooms that it is in, by their `room/nick`. */
	async picture(bytes: Buffer, name: string, ...rooms: readonly string[]): Promise<void> {
		const photo = xml("PHOTO", {}, xml("TYPE", {}, "image/png"), xml("BINVAL", {}, bytes.toString("base64")));
		const card = xml("vCard", { xmlns: "vcard-temp" }, xml("FN", {}, name), photo);
		await this.#request(xml("iq", { type: "set" }, card), 10_000);
		const sha1 = createHash("sha1").update(bytes).digest("hex");
		const update = () => xml("x", { xmlns: "vcard-temp:x:update" }, xml("photo", {}, sha1));
		for (const to of rooms) await this.send(xml("presence", { to }, update()));
	}

	/** Resolves with the bytes of the picture in a vCard. */
	async pictureOf(jid: string): Promise<Buffer> {
		const answer = await this.iq(jid, "get", xml("vCard", { xmlns: "vcard-temp" }), 20_000);
		const photo = answer.getChild("vCard", "vcard-temp")?.getChild("PHOTO");
		return Buffer.from(photo?.getChild("BINVAL")?.getText() ?? "", "base64");
	}

	leaveRoom(room: string, nick: string): Promise<void> {
		return this.send(xml("presence", { to: `${room}/${nick}`, type: "unavailable" }));
	}

	waitFor(what: string, fits: (stanza: Element) => boolean, ms?: number): Promise<Element> {
		return this.inbox.waitFor(what, fits, ms);
	}

	/** Resolves with the first message of exactly this body, from this room, occupant or person if one is given. */
	waitForMessage(body: string, from?: string, ms?: number): Promise<Element> {
		return this.waitFor(`a message "${body}"`, (stanza) => isMessage(stanza, body, from), ms);
	}

	async close(): Promise<void> {
		await this.#client.stop().catch(() => {});
	}
}

type JoinOptions = { history?: number; password?: string };

const isError = (stanza: Element) => stanza.attrs.type === "error";

function isFrom(stanza: Element, address: string): boolean {
	const from = stanza.attrs.from ?? "";
	return from === address || from.startsWith(`${address}/`);
}

/** Returns true for a message, other than an error, with exactly this body. */
export function isMessage(stanza: Element, body: string, from?: string): boolean {
	if (!stanza.is("message") || isError(stanza) || stanza.getChild("body")?.getText() !== body) return false;
	return from === undefined || isFrom(stanza, from);
}

/** Returns true where a MUC presence carries this status code. */
export function hasStatus(stanza: Element, code: string): boolean {
	const x = stanza.getChild("x", "http://jabber.org/protocol/muc#user");
	return x?.getChildren("status").some((status) => status.attrs.code === code) ?? false;
}
