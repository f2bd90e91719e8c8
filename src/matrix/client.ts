import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { TemporaryError } from "../core/errors.ts";

/** A permanent refusal by the homeserver. */
export class MatrixError extends Error {
	override readonly name = "MatrixError";
	readonly status: number;
	readonly errcode: string;
	constructor(status: number, errcode: string, message: string) {
		super(message);
		this.status = status;
		this.errcode = errcode;
	}
}

/** Whether an error is the homeserver's refusal with this errcode. */
export const hasCode = (error: unknown, errcode: string): boolean =>
	error instanceof MatrixError && error.errcode === errcode;

/** Resolves with the answer to a request; undefined if the homeserver refuses it. @throws TemporaryError */
export const unlessRefused = <T>(request: Promise<T>): Promise<T | undefined> =>
	request.catch((error: unknown) => {
		if (error instanceof MatrixError) return undefined;
		throw error;
	});

/** A temporary refusal by a homeserver that can be reached: a rate limit or an internal error. */
export class Unwell extends TemporaryError {
	/** The homeserver's answer. */
	readonly body: Readonly<Record<string, unknown>>;
	constructor(message: string, options: { retryAfter?: number | undefined; body?: object } = {}) {
		super(message, { retryAfter: options.retryAfter });
		this.body = { ...options.body };
	}
}

export type Call = Readonly<{
	/** The ghost that acts; the bot where absent. */
	as?: string;
	/** The body as JSON; `file`: as bytes with their media type. */
	body?: object;
	file?: Readonly<{ type: string; bytes: Buffer }>;
	/** A list is written as one field for each value. */
	query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
	/** Timeout of the whole request, in ms. */
	timeout?: number;
}>;

export type Client = ReturnType<typeof createMatrixClient>;

/** Template tag: returns a path in which each value is one escaped segment. */
export function at(texts: TemplateStringsArray, ...values: readonly string[]): string {
	return texts.reduce((path, text, index) => path + encodeURIComponent(values[index - 1] ?? "") + text);
}

const v3 = "/_matrix/client/v3";
const patience = 60_000;
/** Timeout in ms of requests that hold up other work. */
const soon = 10_000;
/** Leaves the members out of the state that comes with an answer: a large room has thousands. */
const withoutMembers = JSON.stringify({ lazy_load_members: true });

/**
 * Returns the client-server API over kept-alive sockets of node:http, which cost a third of fetch: the requests are most
 * of the cost of a message towards Matrix. The caller gives every path and body, so that a retry repeats it byte by byte.
 */
export function createMatrixClient(options: {
	homeserver: string;
	token: string;
	/** Called at each answer by which the homeserver limits our rate. */
	limited?: () => void;
	/** Called when a connection to the homeserver ends. */
	closed?: () => void;
}) {
	const base = new URL(options.homeserver);
	const { request, Agent } = base.protocol === "https:" ? https : http;
	const agent = new Agent({ keepAlive: true, maxSockets: 64 });
	const prefix = base.pathname.replace(/\/$/, "");
	const authorization = `Bearer ${options.token}`;
	const watched = new WeakSet<Socket>();

	/** Sends a request. @throws TemporaryError if the homeserver is unreachable, busy or failing; MatrixError if it refuses. */
	async function call<T>(method: string, path: string, how: Call = {}): Promise<T> {
		const query = new URLSearchParams();
		if (how.as) query.set("user_id", how.as);
		for (const [key, value] of Object.entries(how.query ?? {}))
			for (const one of Array.isArray(value) ? value : [value])
				if (one !== undefined) query.append(key, String(one));
		const target = prefix + path + (query.size > 0 ? `?${query}` : "");
		const repeatable = method !== "POST";
		const answer = await exchange(method, target, how).catch((error: unknown) => {
			// The server closed an idle socket just as the request used it: repeat it at once, without backoff.
			if (!repeatable || !(error instanceof StaleSocket)) throw error;
			return exchange(method, target, how).catch((again: Error) => {
				// The first request may have arrived, so the error does not claim that nothing was sent.
				throw again instanceof TemporaryError ? new TemporaryError(again.message, { cause: again }) : again;
			});
		});
		if (answer.status === 429) options.limited?.();
		return understand<T>(answer, method, path);
	}

	function exchange(method: string, path: string, how: Call): Promise<Answer> {
		// Node sends a text in one write with the headers; bytes would cost a second write.
		const body = how.file?.bytes ?? (how.body && JSON.stringify(how.body));
		const headers = {
			authorization,
			...(body !== undefined && {
				"content-type": how.file?.type ?? "application/json",
				"content-length": Buffer.byteLength(body),
			}),
		};
		return new Promise((resolve, reject) => {
			const outgoing = request({ agent, method, path, headers, hostname: host, port: base.port });
			const timer = setTimeout(
				() => outgoing.destroy(new Error("no answer in time")),
				how.timeout ?? patience,
			);
			const fail = (error: Error & { code?: string }) => {
				clearTimeout(timer);
				const stale = outgoing.reusedSocket && (error.code === "ECONNRESET" || error.code === "EPIPE");
				const text = `the homeserver cannot be reached: ${error.message || error.code}`;
				const options = { cause: error, unsent: neverConnected.has(error.code ?? "") };
				reject(new (stale ? StaleSocket : TemporaryError)(text, options));
			};
			outgoing.on("error", fail);
			outgoing.on("socket", (socket) => {
				if (watched.has(socket)) return;
				watched.add(socket);
				socket.once("close", () => options.closed?.());
			});
			outgoing.on("response", (incoming) => {
				const chunks: Buffer[] = [];
				incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
				incoming.on("error", fail);
				incoming.on("end", () => {
					clearTimeout(timer);
					const { statusCode: status = 0, headers } = incoming;
					resolve({ status, headers, text: Buffer.concat(chunks).toString("utf8") });
				});
			});
			outgoing.end(body);
		});
	}
	// URL keeps the brackets of an IPv6 address, which node:http does not take.
	const host = base.hostname.replace(/^\[(.*)\]$/, "$1");

	return {
		call,
		whoami: () => call<{ user_id: string }>("GET", `${v3}/account/whoami`, { timeout: soon }),
		/** Registers the account; true when it is new. // Matrix spec, application services "Server admin style permissions" */
		async register(localpart: string): Promise<boolean> {
			const body = { type: "m.login.application_service", username: localpart, inhibit_login: true };
			try {
				await call("POST", `${v3}/register`, { body });
				return true;
			} catch (error) {
				if (error instanceof MatrixError && error.errcode === "M_USER_IN_USE") return false;
				throw error;
			}
		},
		profile: (mxid: string, timeout?: number) =>
			call<{ displayname?: string; avatar_url?: unknown }>("GET", at`/_matrix/client/v3/profile/${mxid}`, {
				...(timeout && { timeout }),
			}),
		setName: (mxid: string, displayname: string) =>
			call("PUT", at`/_matrix/client/v3/profile/${mxid}/displayname`, { as: mxid, body: { displayname } }),
		/** Sets the picture of an account; "" removes it. */
		setPicture: (mxid: string, avatar_url: string) =>
			call("PUT", at`/_matrix/client/v3/profile/${mxid}/avatar_url`, { as: mxid, body: { avatar_url } }),
		send: (room: string, type: string, txn: string, how: Call) =>
			call<{ event_id: string }>("PUT", at`/_matrix/client/v3/rooms/${room}/send/${type}/${txn}`, how),
		state: <T>(room: string, type: string, key: string, as?: string) =>
			call<T>("GET", at`/_matrix/client/v3/rooms/${room}/state/${type}/${key}`, { ...(as && { as }) }),
		setState: (room: string, type: string, key: string, body: object, as?: string) =>
			call<{ event_id: string }>("PUT", at`/_matrix/client/v3/rooms/${room}/state/${type}/${key}`, {
				body,
				...(as && { as }),
			}),
		/** Joins a room. `via`: servers that know it, for a room that ours may not know. */
		join: (room: string, as?: string, via?: readonly string[]) =>
			call<{ room_id: string }>("POST", at`/_matrix/client/v3/join/${room}`, {
				body: {},
				...(as && { as }),
				// COMPAT server_name: before Matrix v1.12.
				...(via && { query: { via, server_name: via } }),
			}),
		/**
		 * Joins under a name and with a picture of this room alone, where the homeserver
		 * takes one here. `via`: servers that know the room.
		 */
		joinAs: (
			room: string,
			{ as, via, timeout, ...looks }: Looks & { as: string; via: readonly string[]; timeout: number },
		) =>
			call<{ room_id: string }>("POST", at`/_matrix/client/v3/join/${room}`, {
				as,
				// Synapse takes the content of the member event from here; other homeservers ignore it.
				body: looks,
				// COMPAT server_name: before Matrix v1.12.
				query: { via, server_name: via },
				timeout,
			}),
		leave: (room: string, as?: string, reason?: string) =>
			call("POST", at`/_matrix/client/v3/rooms/${room}/leave`, {
				body: { ...(reason && { reason }) },
				...(as && { as }),
			}),
		invite: (
			room: string,
			mxid: string,
			{ as, reason }: { as?: string | undefined; reason?: string | undefined } = {},
		) =>
			call("POST", at`/_matrix/client/v3/rooms/${room}/invite`, {
				body: { user_id: mxid, ...(reason && { reason }) },
				...(as && { as }),
			}),
		/** Removes a member, or ends or begins a ban. // Matrix spec, "Leaving rooms" */
		moderate: (
			room: string,
			act: "kick" | "ban" | "unban",
			mxid: string,
			{ as, reason }: { as?: string | undefined; reason?: string | undefined },
		) =>
			call("POST", `${v3}/rooms/${encodeURIComponent(room)}/${act}`, {
				body: { user_id: mxid, ...(reason && { reason }) },
				...(as && { as }),
			}),
		redact: (room: string, event: string, txn: string, how: Call) =>
			call("PUT", at`/_matrix/client/v3/rooms/${room}/redact/${event}/${txn}`, how),
		event: (room: string, event: string, as?: string) =>
			call<unknown>("GET", at`/_matrix/client/v3/rooms/${room}/event/${event}`, {
				timeout: soon,
				...(as && { as }),
			}),
		/** Reads the events with this relation to an event, the newest first. // Matrix spec v1.3, "Relationships API" */
		relations: (
			room: string,
			event: string,
			type: string,
			{ as, ...query }: { as?: string | undefined; from?: string | undefined; limit: number },
		) =>
			call<{ chunk: unknown[]; next_batch?: string }>(
				"GET",
				at`/_matrix/client/v1/rooms/${room}/relations/${event}/${type}`,
				{ timeout: soon, query, ...(as && { as }) },
			),
		joinedRooms: () => call<{ joined_rooms: string[] }>("GET", `${v3}/joined_rooms`),
		joinedMembers: (room: string, as?: string) =>
			call<{ joined: Record<string, { display_name?: string | null; avatar_url?: unknown }> }>(
				"GET",
				at`/_matrix/client/v3/rooms/${room}/joined_members`,
				{ ...(as && { as }) },
			),
		createRoom: (body: object, as?: string) =>
			call<{ room_id: string }>("POST", `${v3}/createRoom`, { body, ...(as && { as }) }),
		alias: (alias: string) =>
			call<{ room_id: string; servers?: unknown }>("GET", at`/_matrix/client/v3/directory/room/${alias}`),
		/** Reads what a room shows of itself to `as`, from outside. // Matrix spec v1.15, "Room summaries" */
		summary: (room: string, path: string, { as, via }: { as?: string | undefined; via: readonly string[] }) =>
			call<Record<string, unknown>>("GET", path + encodeURIComponent(room), {
				query: { via },
				timeout: soon * 2,
				...(as && { as }),
			}),
		/** Reads whether the public directory lists a room of our homeserver. */
		visibility: (room: string) =>
			call<{ visibility?: string }>("GET", at`/_matrix/client/v3/directory/list/room/${room}`, {
				timeout: soon,
			}),
		/** Reads a page of the public directory. `words`: only the rooms that have them in their name, topic or alias. */
		publicRooms: (limit: number, since?: string, words?: string) =>
			call<{ chunk: unknown[]; next_batch?: string; total_room_count_estimate?: number }>(
				words === undefined ? "GET" : "POST",
				`${v3}/publicRooms`,
				{
					...(words === undefined
						? { query: { limit, since } }
						: { body: { limit, since, filter: { generic_search_term: words } } }),
					timeout: soon,
				},
			),
		/** Searches the accounts that `as` may find. // Matrix spec, "User Directory" */
		searchPeople: (words: string, limit: number, as: string) =>
			call<{ results?: unknown }>("POST", `${v3}/user_directory/search`, {
				as,
				body: { search_term: words, limit },
				timeout: soon,
			}),
		/** Lists a room in the directory of a third-party network, or takes it off. */
		listOnNetwork: (network: string, room: string, listed: boolean) =>
			call("PUT", at`/_matrix/client/v3/directory/list/appservice/${network}/${room}`, {
				body: { visibility: listed ? "public" : "private" },
				timeout: soon,
			}),
		setAlias: (alias: string, room: string) =>
			call("PUT", at`/_matrix/client/v3/directory/room/${alias}`, { body: { room_id: room } }),
		removeAlias: (alias: string) => call("DELETE", at`/_matrix/client/v3/directory/room/${alias}`),
		/** Reads a room's history, the newest event first; `end` is the token of the next older page. */
		messages: (
			room: string,
			{
				as,
				timeout,
				...query
			}: { limit: number; from?: string | undefined; filter?: string; as?: string; timeout?: number },
		) =>
			call<{ chunk: unknown[]; end?: string }>("GET", at`/_matrix/client/v3/rooms/${room}/messages`, {
				query: { dir: "b", ...query },
				...(timeout && { timeout }),
				...(as && { as }),
			}),
		/** Reads the position of an event in a room's history: `end` is the token of the page that begins with it. */
		context: (room: string, event: string, as?: string) =>
			call<{ end?: string }>("GET", at`/_matrix/client/v3/rooms/${room}/context/${event}`, {
				query: { limit: 0, filter: withoutMembers },
				timeout: soon,
				...(as && { as }),
			}),
		upload: (bytes: Buffer, type: string, filename: string, as?: string) =>
			call<{ content_uri: string }>("POST", "/_matrix/media/v3/upload", {
				file: { bytes, type },
				query: { filename },
				...(as && { as }),
			}),
		/** Has the homeserver ping the appservice; a success also ends its backoff. // Matrix spec v1.7, "Pinging" */
		ping: (id: string) =>
			call<{ duration_ms: number }>("POST", at`/_matrix/client/v1/appservice/${id}/ping`, { body: {} }),
		close: () => agent.destroy(),
	};
}

/** The name and picture of a member in a room. "" is no picture; absent: the one of the account. */
export type Looks = Readonly<{ displayname: string; avatar_url?: string }>;

/** Error codes of requests that never got a connection, so that nothing was sent. */
const neverConnected = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH"]);

/** A reset of a socket that had been idle: the server may not have read the request. */
class StaleSocket extends TemporaryError {}

type Answer = Readonly<{ status: number; headers: http.IncomingHttpHeaders; text: string }>;

/** Returns the body of a successful answer. @throws as {@link Client.call} */
export function understand<T>({ status, headers, text }: Answer, method: string, path: string): T {
	const body = parse(text);
	if (status >= 200 && status < 300 && body) return body as T;
	const { errcode, error, retry_after_ms: wait } = (body ?? {}) as Record<string, unknown>;
	const what = `${method} ${path.split("?")[0]}: ${status} ${errcode ?? ""} ${error ?? "not JSON"}`;
	if (status === 429) {
		// COMPAT retry_after_ms: deprecated in Matrix v1.10 in favour of the header; most homeservers still send it.
		const seconds = Number(headers["retry-after"]);
		const retryAfter = typeof wait === "number" ? wait : seconds > 0 ? seconds * 1000 : undefined;
		throw new Unwell(what, { retryAfter, ...(body && { body }) });
	}
	// 413 is permanent also when a proxy answers it without JSON.
	if (status === 413)
		throw new MatrixError(status, "M_TOO_LARGE", typeof error === "string" ? error : "too large");
	// 401 is temporary: the admin has to correct the registration, and the rows wait until then.
	if (status === 401)
		throw new TemporaryError(
			"the homeserver does not know our as_token: name the registration in its configuration and restart it",
			{ cause: new MatrixError(status, String(errcode), what) },
		);
	// An answer without JSON comes from a proxy that does not reach the homeserver.
	if (!body || typeof errcode !== "string") throw new TemporaryError(what);
	if (status >= 500) throw new Unwell(what, { body });
	throw new MatrixError(status, errcode, typeof error === "string" ? error : errcode);
}

function parse(text: string): object | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null ? value : undefined;
	} catch {
		return undefined;
	}
}
