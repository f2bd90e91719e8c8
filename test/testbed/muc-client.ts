import { setTimeout as sleep } from "node:timers/promises";
import type { XmppAccount } from "./index.ts";
import { type Element, hasStatus, XmppClient, xml } from "./xmpp-client.ts";

const sid = "urn:xmpp:sid:0";
const rsm = "http://jabber.org/protocol/rsm";

/** A line of a MUC, by the id that the MUC gave it. */
export type Line = Readonly<{ id: string; body: string }>;
/** A line that came as it was said, in the client's stay of this number, at this time (ms since 1970). */
export type LiveLine = Line & Readonly<{ stay: number; at: number }>;
/** A line that this client has written. `lost`: the connection broke before the MUC answered. */
type Own = { at: number; state: "sent" | "reflected" | "refused" };

/**
 * A person's client in a MUC that does what real clients do: it joins again when it was put out or had to connect again,
 * and reads from the archive what it missed. So it should have each line once, live or from the archive.
 */
export class MucClient {
	readonly nick: string;
	/** All lines that the MUC sent as they were said, in order. */
	readonly live: LiveLine[] = [];
	/** All lines that this client has, live or from the archive, by their ids. */
	readonly known = new Map<string, string>();
	/** The lines that this client wrote, by their bodies, which are also their ids. */
	readonly own = new Map<string, Own>();
	/** How often the MUC put this client out. */
	outs = 0;
	readonly #account: XmppAccount;
	readonly #room: string;
	#client: XmppClient | undefined;
	#joined = false;
	#joining: Promise<void> | undefined;
	#closed = false;
	/** Counts the joins. */
	#stay = 0;
	/** The id of the last line before which this client has all lines. */
	#read = "";

	constructor(account: XmppAccount, room: string, nick: string) {
		this.#account = account;
		this.#room = room;
		this.nick = nick;
	}

	/** Connects, and joins the MUC. Resolves when the client has all lines that were said before. */
	async enter(): Promise<void> {
		await this.#connect();
		await this.#join();
	}

	get isIn(): boolean {
		return this.#joined && this.#joining === undefined && this.#client?.online === true;
	}

	/** Connects again after the server was restarted, and joins. Does not return before the server takes the login. */
	async reconnect(): Promise<void> {
		this.#joined = false;
		await this.#client?.close();
		for (;;) {
			try {
				await this.#connect();
				break;
			} catch {
				await sleep(200);
			}
		}
		this.#joining = undefined;
		await this.#join();
	}

	/** Writes a line, if the client is in the MUC. Returns false if it is not. */
	async say(body: string): Promise<boolean> {
		if (!this.isIn || !this.#client) return false;
		const own: Own = { at: Date.now(), state: "sent" };
		this.own.set(body, own);
		const line = xml("message", { to: this.#room, type: "groupchat", id: body }, xml("body", {}, body));
		await this.#client.send(line).catch(() => undefined);
		// A busy test writes a line to its socket some time after the call.
		own.at = Date.now();
		return true;
	}

	/** Resolves with the state of an own line when the MUC has answered it, or the client was put out, or after `ms`. */
	async answered(body: string, ms: number): Promise<Own["state"] | undefined> {
		const stay = this.#stay;
		const state = () => this.own.get(body)?.state;
		for (const end = Date.now() + ms; state() === "sent" && Date.now() < end; await sleep(20))
			if (this.#stay !== stay) break;
		return state();
	}

	/** Resolves with all lines of the archive, in its order. */
	archive(): Promise<readonly Line[]> {
		return this.#archived("");
	}

	async close(): Promise<void> {
		this.#closed = true;
		await this.#client?.close();
	}

	async #connect(): Promise<void> {
		const client = await XmppClient.connect(this.#account);
		const { push } = client.inbox;
		client.inbox.push = (stanza) => {
			if (client === this.#client || this.#client === undefined) this.#take(stanza);
			push.call(client.inbox, stanza);
		};
		this.#client = client;
	}

	#take(stanza: Element): void {
		const { from = "", id = "", type } = stanza.attrs;
		if (from !== this.#room && !from.startsWith(`${this.#room}/`)) return;
		if (stanza.is("presence")) {
			const isOwn = from === `${this.#room}/${this.nick}` && hasStatus(stanza, "110");
			if (!isOwn || type !== "unavailable" || !this.#joined) return;
			this.outs++;
			this.#joined = false;
			void this.#join().catch(() => undefined);
			return;
		}
		if (!stanza.is("message")) return;
		const own = this.own.get(id);
		if (type === "error") {
			if (own) own.state = "refused";
			return;
		}
		const line = this.#lineIn(stanza);
		if (!line) return;
		this.known.set(line.id, line.body);
		if (own && from === `${this.#room}/${this.nick}`) own.state = "reflected";
		if (stanza.getChild("delay", "urn:xmpp:delay")) return;
		this.live.push({ ...line, stay: this.#stay, at: Date.now() });
		if (this.isIn) this.#read = line.id;
	}

	#lineIn(stanza: Element): Line | undefined {
		const body = stanza.getChild("body")?.getText();
		const ids = stanza.getChildren("stanza-id", sid).filter(({ attrs }) => attrs.by === this.#room);
		if (body === undefined || ids.length !== 1) return undefined;
		return { id: ids[0]?.attrs.id ?? "", body };
	}

	/** Joins, as often as it takes, and then reads what was said since the last known line. */
	#join(): Promise<void> {
		if (this.#joining !== undefined) return this.#joining;
		const mine = this.#enter(this.#client).finally(() => {
			if (this.#joining === mine) this.#joining = undefined;
		});
		this.#joining = mine;
		return mine;
	}

	async #enter(client: XmppClient | undefined): Promise<void> {
		// A connection that broke takes no further stanzas: the test calls reconnect.
		while (!this.#closed && client && client === this.#client) {
			try {
				await client.joinRoom(this.#room, this.nick);
				this.#joined = true;
				this.#stay++;
				const missed = await this.#archived(this.#read).catch(() => this.#archived(""));
				for (const { id, body } of missed) this.known.set(id, body);
				this.#read = missed.at(-1)?.id ?? this.#read;
				// The MUC may have put the client out meanwhile.
				if (this.#joined) return;
			} catch (error) {
				if (process.env.TRIVIUM_TEST_LOG) console.log(this.nick, "could not join:", String(error));
				await sleep(300);
			}
		}
	}

	/** Resolves with the lines of the archive after an id, "" for all. */
	async #archived(from: string): Promise<readonly Line[]> {
		const client = this.#client;
		if (!client) return [];
		const lines: Line[] = [];
		for (let after = from; ; ) {
			const begun = client.inbox.items.length;
			const page = xml(
				"set",
				{ xmlns: rsm },
				xml("max", {}, "100"),
				...(after ? [xml("after", {}, after)] : []),
			);
			const query = xml("query", { xmlns: "urn:xmpp:mam:2" }, page);
			const answer = await client.iq(this.#room, "set", query, 30_000);
			const results = client.inbox.items.slice(begun).flatMap((stanza) => {
				const result = stanza.getChild("result", "urn:xmpp:mam:2");
				return stanza.attrs.from === this.#room && result ? [result] : [];
			});
			for (const result of results) {
				const body = result.getChild("forwarded")?.getChild("message")?.getChild("body")?.getText();
				after = result.attrs.id ?? "";
				if (body !== undefined) lines.push({ id: after, body });
			}
			if (results.length === 0 || answer.getChild("fin")?.attrs.complete === "true") return lines;
		}
	}
}
