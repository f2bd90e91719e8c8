import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** The state of a room. */
type Room = {
	id: string;
	aliases: Set<string>;
	public: boolean;
	/** By MXID: join, invite, leave or ban. */
	members: Map<string, string>;
	state: Map<string, { type: string; key: string; content: Content; sender: string }>;
	timeline: Event[];
	created: Content;
	creator: string;
};
type Content = Record<string, unknown>;
export type Event = {
	type: string;
	event_id: string;
	room_id: string;
	sender: string;
	origin_server_ts: number;
	content: Content;
	state_key?: string;
	unsigned?: Content;
};
type Seen = { method: string; path: string; as: string; query: URLSearchParams; body: Content; raw: Buffer };
/**
 * The fault of a request: another answer instead of the real one; the connection closed after ("drop") or before ("cut")
 * the request is carried out; or no answer, after ("mute") or without ("hang") carrying it out.
 */
export type Fault =
	/** `after`: the delay of the answer in ms. */
	| { status: number; body: string; headers?: Record<string, string>; after?: number }
	| "drop"
	| "cut"
	| "mute"
	| "hang";

export type FakeHomeserver = Awaited<ReturnType<typeof fakeHomeserver>>;

/**
 * Starts a small homeserver on a real socket that behaves as Synapse where it matters: a transaction id repeated by one
 * appservice on one path gets the first answer, whichever the ghost. `seen` holds all requests.
 */
export async function fakeHomeserver(options: { domain?: string; token?: string; hsToken?: string } = {}) {
	const { domain = "hs.test", token = "as-test", hsToken = "hs-test" } = options;
	const rooms = new Map<string, Room>();
	const users = new Map<string, string | undefined>();
	const seen: Seen[] = [];
	const uploads: { bytes: Buffer; type: string }[] = [];
	const answers = new Map<string, Content>();
	/** The ids of the rooms in the public directory. */
	const listed = new Set<string>();
	let appservice = "";
	let count = 0;
	let txns = 0;
	let fault: (request: Seen) => Fault | undefined = () => undefined;

	const no = (status: number, errcode: string, error = errcode) => ({ status, body: { errcode, error } });
	const ok = (body: Content = {}) => ({ status: 200, body });
	const find = (name: string) =>
		rooms.get(name) ?? [...rooms.values()].find((room) => room.aliases.has(name));

	function emit(
		room: Room,
		sender: string,
		type: string,
		content: Content,
		more: Partial<Event> = {},
	): Event {
		const event: Event = {
			type,
			event_id: `$${++count}`,
			room_id: room.id,
			sender,
			origin_server_ts: Date.now(),
			content,
			...more,
		};
		room.timeline.push(event);
		if (event.state_key !== undefined)
			room.state.set(`${type} ${event.state_key}`, { type, key: event.state_key, content, sender });
		return event;
	}
	function member(room: Room, mxid: string, membership: string, sender = mxid, more: Content = {}): Event {
		const previous = room.state.get(`m.room.member ${mxid}`)?.content;
		room.members.set(mxid, membership);
		const displayname = users.get(mxid);
		const content = { membership, ...(displayname && { displayname }), ...more };
		return emit(room, sender, "m.room.member", content, {
			state_key: mxid,
			...(previous && { unsigned: { prev_content: previous } }),
		});
	}
	function newRoom(creator: string, body: Content): Room {
		const id = `!${++count}`;
		const room: Room = {
			id,
			aliases: new Set(),
			public: body.preset === "public_chat",
			members: new Map(),
			state: new Map(),
			timeline: [],
			created: body,
			creator,
		};
		rooms.set(id, room);
		member(room, creator, "join");
		for (const mxid of (body.invite ?? []) as string[])
			member(room, mxid, "invite", creator, body.is_direct ? { is_direct: true } : {});
		return room;
	}

	type Answer = { status: number; body: Content };
	type Route = [method: string, path: RegExp, run: (found: string[], request: Seen) => Answer];
	const inRoom = (room: Room | undefined, mxid: string) => room?.members.get(mxid) === "join";
	const send = (id: string, type: string, txn: string, request: Seen): Answer => {
		const room = rooms.get(id);
		const key = `${request.path}`;
		const known = answers.get(key);
		if (known) return ok(known);
		if (!room || !inRoom(room, request.as)) return no(403, "M_FORBIDDEN", "not in the room");
		if (request.raw.length > 65_000) return no(413, "M_TOO_LARGE", "event too large");
		const relation = JSON.stringify(request.body["m.relates_to"]);
		const same = (one: Event) =>
			one.sender === request.as && JSON.stringify(one.content["m.relates_to"]) === relation;
		if (type === "m.reaction" && room.timeline.some(same)) return no(400, "M_DUPLICATE_ANNOTATION");
		const ts = request.query.get("ts");
		const event = emit(room, request.as, type, request.body, ts ? { origin_server_ts: Number(ts) } : {});
		const answer = { event_id: event.event_id };
		if (txn) answers.set(key, answer);
		return ok(answer);
	};
	const v3 = "/_matrix/client/v3";
	const routes: Route[] = [
		["GET", /\/account\/whoami$/, (_, { as }) => ok({ user_id: as })],
		[
			"POST",
			/\/register$/,
			(_, { body }) => {
				const mxid = `@${body.username}:${domain}`;
				if (users.has(mxid)) return no(400, "M_USER_IN_USE");
				users.set(mxid, undefined);
				return ok({ user_id: mxid });
			},
		],
		[
			"GET",
			/\/profile\/([^/]+)$/,
			([mxid = ""]) => {
				const name = users.get(mxid);
				return users.has(mxid) ? ok(name ? { displayname: name } : {}) : no(404, "M_NOT_FOUND");
			},
		],
		[
			"PUT",
			/\/profile\/([^/]+)\/displayname$/,
			([mxid = ""], { body }) => {
				users.set(mxid, body.displayname as string);
				return ok();
			},
		],
		[
			"GET",
			/\/joined_rooms$/,
			(_, { as }) =>
				ok({ joined_rooms: [...rooms.values()].filter((room) => inRoom(room, as)).map(({ id }) => id) }),
		],
		[
			"POST",
			/\/join\/([^/]+)$/,
			([name = ""], { as, body }) => {
				const room = find(name);
				if (!room) return no(404, "M_NOT_FOUND");
				const now = room.members.get(as);
				if (now === "ban") return no(403, "M_BAD_STATE", "Cannot join user who was banned");
				if (now !== "join" && !room.public && now !== "invite") return no(403, "M_FORBIDDEN", "not invited");
				// Synapse takes the content of the member event from the request.
				const called = body.displayname === undefined ? {} : { displayname: body.displayname };
				const before = room.state.get(`m.room.member ${as}`)?.content.displayname;
				if (now !== "join" || ("displayname" in called && called.displayname !== before))
					member(room, as, "join", as, called);
				return ok({ room_id: room.id });
			},
		],
		[
			"POST",
			/\/rooms\/([^/]+)\/leave$/,
			([id = ""], { as, body }) => {
				const room = rooms.get(id);
				if (!users.has(as)) return no(403, "M_FORBIDDEN", "Application service has not registered this user");
				if (room) member(room, as, "leave", as, body);
				return ok();
			},
		],
		[
			"POST",
			/\/rooms\/([^/]+)\/invite$/,
			([id = ""], { as, body }) => {
				const room = rooms.get(id);
				const who = body.user_id as string;
				if (!room || !inRoom(room, as) || inRoom(room, who)) return no(403, "M_FORBIDDEN");
				member(room, who, "invite", as, body.reason ? { reason: body.reason } : {});
				return ok();
			},
		],
		[
			"POST",
			/\/rooms\/([^/]+)\/(kick|ban|unban)$/,
			([id = "", act = ""], { as, body }) => {
				const room = rooms.get(id);
				const who = body.user_id as string;
				const now = room?.members.get(who);
				// The creator of the room has power level 100.
				if (!room || !inRoom(room, as) || room.creator !== as) return no(403, "M_FORBIDDEN");
				if (act === "kick" && now !== "join" && now !== "invite") return no(403, "M_FORBIDDEN");
				if (act === "unban" && now !== "ban") return no(403, "M_FORBIDDEN");
				const { reason } = body;
				member(room, who, act === "ban" ? "ban" : "leave", as, { ...(reason !== undefined && { reason }) });
				return ok();
			},
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/joined_members$/,
			([id = ""], { as }) => {
				const room = rooms.get(id);
				if (!room || !inRoom(room, as)) return no(403, "M_FORBIDDEN");
				const joined = [...room.members].filter(([, membership]) => membership === "join");
				return ok({
					joined: Object.fromEntries(
						joined.map(([mxid]) => [
							mxid,
							{
								display_name:
									room.state.get(`m.room.member ${mxid}`)?.content.displayname ?? users.get(mxid) ?? null,
							},
						]),
					),
				});
			},
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/members$/,
			([id = ""], { as, query }) => {
				const room = rooms.get(id);
				if (!room || !inRoom(room, as)) return no(403, "M_FORBIDDEN");
				const chunk = room.timeline.filter(
					({ type, content }) => type === "m.room.member" && content.membership === query.get("membership"),
				);
				return ok({ chunk });
			},
		],
		[
			"POST",
			/\/createRoom$/,
			(_, { as, body }) => {
				const alias = body.room_alias_name && `#${body.room_alias_name}:${domain}`;
				if (typeof alias === "string" && find(alias)) return no(400, "M_ROOM_IN_USE");
				const room = newRoom(as, body);
				if (typeof alias === "string") room.aliases.add(alias);
				return ok({ room_id: room.id });
			},
		],
		[
			"GET",
			/\/directory\/room\/([^/]+)$/,
			([alias = ""]) => {
				const room = find(alias);
				return room ? ok({ room_id: room.id, servers: [domain] }) : no(404, "M_NOT_FOUND");
			},
		],
		[
			"PUT",
			/\/directory\/room\/([^/]+)$/,
			([alias = ""], { body }) => {
				if (find(alias)) return no(409, "M_UNKNOWN", "Room alias already exists");
				rooms.get(body.room_id as string)?.aliases.add(alias);
				return ok();
			},
		],
		[
			"DELETE",
			/\/directory\/room\/([^/]+)$/,
			([alias = ""]) => {
				find(alias)?.aliases.delete(alias);
				return ok();
			},
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/aliases$/,
			([id = ""]) => ok({ aliases: [...(rooms.get(id)?.aliases ?? [])] }),
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/state\/([^/]+)\/([^/]*)$/,
			([id = "", type, key], { query }) => {
				const room = rooms.get(id);
				const created = {
					type: "m.room.create",
					key: "",
					content: { room_version: "11" },
					sender: room?.creator,
				};
				const found =
					room?.state.get(`${type} ${key}`) ?? (room && type === "m.room.create" ? created : undefined);
				if (!found) return no(404, "M_NOT_FOUND");
				return ok(query.get("format") === "event" ? { ...found } : found.content);
			},
		],
		[
			"PUT",
			/\/rooms\/([^/]+)\/state\/([^/]+)\/([^/]*)$/,
			([id = "", type = "", key = ""], { as, body }) => {
				const room = rooms.get(id);
				if (!room || !inRoom(room, as)) return no(403, "M_FORBIDDEN");
				if (type === "m.room.member" && key !== as && inRoom(room, key)) return no(403, "M_FORBIDDEN");
				if (type === "m.room.member")
					return ok({ event_id: member(room, key, String(body.membership), as, body).event_id });
				return ok({ event_id: emit(room, as, type, body, { state_key: key }).event_id });
			},
		],
		[
			"PUT",
			/\/rooms\/([^/]+)\/send\/([^/]+)\/([^/]+)$/,
			([id = "", type = "", txn = ""], request) => send(id, type, txn, request),
		],
		[
			"PUT",
			/\/rooms\/([^/]+)\/redact\/([^/]+)\/([^/]+)$/,
			([id = "", redacts = "", txn = ""], request) => {
				const room = rooms.get(id);
				const target = room?.timeline.find((event) => event.event_id === redacts);
				if (!room || !target || !inRoom(room, request.as)) return no(403, "M_FORBIDDEN");
				// The creator of the room has power level 100.
				if (target.sender !== request.as && room.creator !== request.as) return no(403, "M_FORBIDDEN");
				const answer = send(id, "m.room.redaction", txn, {
					...request,
					body: { ...request.body, redacts },
				});
				target.content = {};
				return answer;
			},
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/event\/([^/]+)$/,
			([id = "", event = ""], { as }) => {
				const room = rooms.get(id);
				const found = room?.timeline.find((one) => one.event_id === event);
				return found && inRoom(room, as) ? ok(found) : no(404, "M_NOT_FOUND");
			},
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/relations\/([^/]+)\/([^/]+)$/,
			([id = "", event = "", type = ""], { as }) => {
				const room = rooms.get(id);
				if (!room || !inRoom(room, as)) return no(403, "M_FORBIDDEN");
				const about = (one: Event) => (one.content["m.relates_to"] ?? {}) as Content;
				const chunk = room.timeline.filter(
					(one) => about(one).event_id === event && about(one).rel_type === type,
				);
				return ok({ chunk: chunk.reverse() });
			},
		],
		[
			"GET",
			/\/rooms\/([^/]+)\/messages$/,
			([id = ""], { query, as }) => {
				const room = rooms.get(id);
				if (!room?.members.has(as)) return no(403, "M_FORBIDDEN");
				const { not_types: without = [] } = JSON.parse(query.get("filter") ?? "{}") as {
					not_types?: string[];
				};
				const timeline = room.timeline.filter(({ type }) => !without.includes(type)).reverse();
				const from = Number(query.get("from") ?? 0);
				const end = from + Number(query.get("limit"));
				const more = end < timeline.length;
				return ok({ chunk: timeline.slice(from, end), ...(more && { end: String(end) }) });
			},
		],
		[
			"GET",
			/\/v1\/room_summary\/([^/]+)$/,
			([name = ""], { as }) => {
				const room = find(name);
				const membership = room?.members.get(as) ?? "leave";
				if (!room || (!room.public && !["join", "invite"].includes(membership)))
					return no(404, "M_NOT_FOUND", "Room not found or is not accessible");
				const of = (type: string, field: string) => room.state.get(`${type} `)?.content[field];
				const [alias] = room.aliases;
				return ok({
					room_id: room.id,
					membership,
					name: of("m.room.name", "name"),
					topic: of("m.room.topic", "topic"),
					canonical_alias: alias,
					join_rule: room.public ? "public" : "invite",
					room_type: of("m.room.create", "type"),
					encryption: of("m.room.encryption", "algorithm"),
					num_joined_members: [...room.members.values()].filter((one) => one === "join").length,
				});
			},
		],
		[
			"GET",
			/\/directory\/list\/room\/([^/]+)$/,
			([id = ""]) =>
				rooms.get(id) ? ok({ visibility: listed.has(id) ? "public" : "private" }) : no(404, "M_NOT_FOUND"),
		],
		[
			"GET",
			/\/publicRooms$/,
			(_, { query }) => {
				const from = Number(query.get("since") ?? 0);
				const end = from + Number(query.get("limit") ?? 100);
				const chunk = [...listed].slice(from, end).map((id) => ({
					room_id: id,
					name: rooms.get(id)?.state.get("m.room.name ")?.content.name,
					num_joined_members: rooms.get(id)?.members.size,
				}));
				return ok({
					chunk,
					total_room_count_estimate: listed.size,
					...(end < listed.size && { next_batch: String(end) }),
				});
			},
		],
		["PUT", /\/directory\/list\/appservice\/[^/]+\/[^/]+$/, () => ok()],
		["PUT", /\/rooms\/[^/]+\/typing\/[^/]+$/, () => ok()],
		["POST", /\/rooms\/[^/]+\/receipt\/m\.read\/[^/]+$/, () => ok()],
		["GET", /\/v1\/media\/config$/, () => ok({ "m.upload.size": 1_048_576 })],
		[
			"POST",
			/\/media\/v3\/upload$/,
			(_, { raw }) => {
				uploads.push({ bytes: raw, type: "" });
				return ok({ content_uri: `mxc://${domain}/${uploads.length}` });
			},
		],
	];

	async function serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of request) chunks.push(chunk as Buffer);
		const raw = Buffer.concat(chunks);
		const url = new URL(request.url ?? "/", "http://hs");
		const json = request.headers["content-type"] === "application/json" && raw.length > 0;
		const one: Seen = {
			method: request.method ?? "",
			path: url.pathname,
			as: url.searchParams.get("user_id") ?? `@trivium:${domain}`,
			query: url.searchParams,
			body: json ? JSON.parse(raw.toString("utf8")) : {},
			raw,
		};
		seen.push(one);
		const reply = (status: number, body: string, headers: Record<string, string> = {}) =>
			response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);
		const wrong = fault(one);
		if (wrong === "hang") return;
		if (wrong === "cut") return void request.socket.destroy();
		if (wrong && wrong !== "drop" && wrong !== "mute") {
			if (wrong.after) await sleep(wrong.after);
			return void reply(wrong.status, wrong.body, wrong.headers);
		}
		if (request.headers.authorization !== `Bearer ${token}`)
			return void reply(
				401,
				JSON.stringify({ errcode: "M_UNKNOWN_TOKEN", error: "Unrecognised access token" }),
			);
		if (/\/appservice\/[^/]+\/ping$/.test(one.path)) {
			const knock = await toBridge("POST", "/_matrix/app/v1/ping", {}).catch(() => ({ status: 0 }));
			return void reply(
				knock.status === 200 ? 200 : 502,
				JSON.stringify({ errcode: "M_BAD_STATUS", error: "" }),
			);
		}
		for (const [method, path, run] of routes) {
			const match = method === one.method && path.exec(one.path);
			if (!match) continue;
			const answer = run(match.slice(1).map(decodeURIComponent), one);
			if (wrong === "drop") return void request.socket.destroy();
			if (wrong === "mute") return;
			return void reply(answer.status, JSON.stringify(answer.body));
		}
		reply(404, JSON.stringify({ errcode: "M_UNRECOGNIZED", error: `${one.method} ${one.path}` }));
	}

	async function toBridge(method: string, path: string, body?: object | string) {
		const response = await fetch(appservice + path, {
			method,
			headers: { authorization: `Bearer ${hsToken}`, "content-type": "application/json" },
			...(body && { body: typeof body === "string" ? body : JSON.stringify(body) }),
		});
		return { status: response.status, text: await response.text() };
	}

	const server = http.createServer((request, response) => {
		serve(request, response).catch((error: unknown) => {
			console.error(error);
			response.destroy();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;

	return {
		url: `http://127.0.0.1:${port}`,
		domain,
		rooms,
		users,
		seen,
		uploads,
		listed,
		v3,
		/** Sets the URL of the bridge. */
		serves(url: string) {
			appservice = url;
		},
		/** Adds a fault for the requests from now on. */
		fail(next: (request: Seen) => Fault | undefined) {
			fault = next;
		},
		/** Closes all connections, as a restart does. */
		cut: () => server.closeAllConnections(),
		/** Forgets all transaction ids, as a restart of Synapse does. */
		forget: () => answers.clear(),
		/** Adds an account of a person. */
		person(localpart: string, name: string | undefined = localpart): string {
			const mxid = `@${localpart}:${domain}`;
			users.set(mxid, name);
			return mxid;
		},
		room: (creator: string, body: Content = {}) => newRoom(creator, body),
		find,
		member,
		emit,
		/** Sends one transaction; resolves with the HTTP status of the bridge's answer. */
		push: async (events: readonly unknown[], more: object = {}) =>
			(await toBridge("PUT", `/_matrix/app/v1/transactions/${++txns}`, { events, ...more })).status,
		ask: toBridge,
		/** Returns the requests with this method and a part of the path. */
		asked: (method: string, path: string | RegExp) =>
			seen.filter((one) => one.method === method && decodeURIComponent(one.path).match(path)),
		async close() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}
