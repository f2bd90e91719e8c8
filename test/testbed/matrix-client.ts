import { randomUUID } from "node:crypto";
import { Inbox } from "./inbox.ts";
import { eventsOf, type SeenEvent, type Sync } from "./matrix-sync.ts";
import type { MatrixAccount } from "./synapse.ts";

export type { SeenEvent };

export class MatrixError extends Error {
	readonly status: number;
	readonly code: string;

	constructor(status: number, code: string, message: string) {
		super(message);
		this.status = status;
		this.code = code;
	}
}

/** Synapse returns 10 events of a room by default and leaves out those before; a busy test machine gets more between two. */
const filter = encodeURIComponent(JSON.stringify({ room: { timeline: { limit: 1_000 } } }));

/** A person's Matrix client on a real homeserver: plain requests, with /sync in the background. */
export class MatrixClient {
	readonly userId: string;
	readonly accessToken: string;
	readonly inbox: Inbox<SeenEvent>;
	readonly base: string;
	readonly #end = new AbortController();
	#syncing: Promise<void> = Promise.resolve();

	constructor(base: string, { userId, accessToken }: Pick<MatrixAccount, "userId" | "accessToken">) {
		this.base = base;
		this.userId = userId;
		this.accessToken = accessToken;
		this.inbox = new Inbox(userId, (event) => JSON.stringify(event));
	}

	/** Logs in and starts /sync; the inbox receives all events after this. */
	static async connect(
		base: string,
		account: Pick<MatrixAccount, "userId" | "accessToken">,
	): Promise<MatrixClient> {
		const self = new MatrixClient(base, account);
		const since = await self.#sync(undefined);
		self.#syncing = self.#listen(since);
		return self;
	}

	/** Sends a request and resolves with its JSON. `path`: below /_matrix/client, with the version: `v3/rooms/…`. */
	async request<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
		const response = await fetch(`${this.base}/_matrix/client/${path}`, {
			method,
			headers: { authorization: `Bearer ${this.accessToken}` },
			signal: this.#end.signal,
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
		const answer = (await response.json()) as T & { errcode?: string; error?: string };
		if (response.ok) return answer;
		const { errcode = "?", error = "" } = answer;
		throw new MatrixError(
			response.status,
			errcode,
			`${method} ${path}: ${response.status} ${errcode} ${error}`,
		);
	}

	async createRoom(options: Record<string, unknown> = {}): Promise<string> {
		const { room_id } = await this.request<{ room_id: string }>("POST", "v3/createRoom", options);
		return room_id;
	}

	async join(roomOrAlias: string): Promise<string> {
		const path = `v3/join/${encodeURIComponent(roomOrAlias)}`;
		return (await this.request<{ room_id: string }>("POST", path, {})).room_id;
	}

	leave(room: string): Promise<unknown> {
		return this.request("POST", `v3/rooms/${encodeURIComponent(room)}/leave`, {});
	}

	invite(room: string, user_id: string): Promise<unknown> {
		return this.request("POST", `v3/rooms/${encodeURIComponent(room)}/invite`, { user_id });
	}

	/** Sends a text or any content. Resolves with the event id. */
	async send(room: string, what: string | Record<string, unknown>, type = "m.room.message"): Promise<string> {
		const content = typeof what === "string" ? { msgtype: "m.text", body: what } : what;
		const path = `v3/rooms/${encodeURIComponent(room)}/send/${type}/${randomUUID()}`;
		return (await this.request<{ event_id: string }>("PUT", path, content)).event_id;
	}

	/** Resolves with the contents of all invites of this person into a room, the latest first. */
	async invitesTo(room: string): Promise<readonly Record<string, unknown>[]> {
		const path = `v3/rooms/${encodeURIComponent(room)}/messages?dir=b&limit=100`;
		const { chunk } = await this.request<{ chunk: readonly SeenEvent[] }>("GET", path);
		return chunk
			.filter((one) => one.state_key === this.userId && one.content.membership === "invite")
			.map(({ content }) => content);
	}

	async displayName(name: string): Promise<void> {
		await this.request("PUT", `v3/profile/${encodeURIComponent(this.userId)}/displayname`, {
			displayname: name,
		});
	}

	/** Uploads a picture and makes it that of this person. Resolves with its mxc URI. */
	async picture(bytes: Buffer): Promise<string> {
		const answer = await fetch(`${this.base}/_matrix/media/v3/upload?filename=me.png`, {
			method: "POST",
			headers: { authorization: `Bearer ${this.accessToken}`, "content-type": "image/png" },
			body: new Uint8Array(bytes),
		});
		const { content_uri: url } = (await answer.json()) as { content_uri: string };
		await this.request("PUT", `v3/profile/${encodeURIComponent(this.userId)}/avatar_url`, {
			avatar_url: url,
		});
		return url;
	}

	/** Resolves with the bytes at an mxc URI. */
	async download(url: string): Promise<Buffer> {
		const path = `${this.base}/_matrix/client/v1/media/download/${url.slice("mxc://".length)}`;
		const answer = await fetch(path, { headers: { authorization: `Bearer ${this.accessToken}` } });
		return Buffer.from(await answer.arrayBuffer());
	}

	/** Resolves with the display names of the joined members, by MXID. */
	async members(room: string): Promise<Map<string, string | undefined>> {
		type Joined = { joined: Record<string, { display_name?: string }> };
		const { joined } = await this.request<Joined>(
			"GET",
			`v3/rooms/${encodeURIComponent(room)}/joined_members`,
		);
		return new Map(Object.entries(joined).map(([id, { display_name }]) => [id, display_name]));
	}

	waitFor(what: string, fits: (event: SeenEvent) => boolean, ms?: number): Promise<SeenEvent> {
		return this.inbox.waitFor(what, fits, ms);
	}

	/** Resolves with the first message of exactly this body, in this room if one is given. */
	waitForMessage(body: string, room?: string, ms?: number): Promise<SeenEvent> {
		const fits = (event: SeenEvent) =>
			event.type === "m.room.message" &&
			event.content.body === body &&
			(room ?? event.room_id) === event.room_id;
		return this.waitFor(`a message "${body}"`, fits, ms);
	}

	async close(): Promise<void> {
		this.#end.abort();
		await this.#syncing;
	}

	async #listen(first: string): Promise<void> {
		for (let since = first; !this.#end.signal.aborted; ) {
			try {
				since = await this.#sync(since);
			} catch {
				// Tests stop the homeserver on purpose, so a failed /sync is repeated soon.
				await new Promise((resolve) => setTimeout(resolve, 100));
			}
		}
	}

	async #sync(since: string | undefined): Promise<string> {
		const query = since === undefined ? "" : `&since=${since}&timeout=30000`;
		const answer = await this.request<Sync>("GET", `v3/sync?set_presence=offline&filter=${filter}${query}`);
		for (const event of eventsOf(answer)) this.inbox.push(event);
		return answer.next_batch;
	}
}
