import { createHash, timingSafeEqual } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type CheckResult, fails, lacks, works } from "../core/check-result.ts";
import { FileError, withFile } from "../files/file-error.ts";
import * as phrases from "./phrases.ts";
import { isPingUnknown, whyNotReached } from "./reach.ts";
import {
	aboutRegistration,
	differences,
	type Registration,
	readRegistration,
	undeclared,
} from "./registration.ts";

type Options = Readonly<{
	homeserver: string;
	domain: string;
	bot: string;
	appservice: Readonly<{
		listen: Readonly<{ host: string; port: number }>;
		url: string;
		registration: string;
	}>;
}>;
type Answer = Readonly<{ status: number; body: Record<string, unknown> | undefined }>;

/**
 * Checks that homeserver and bridge reach each other and use the same registration. `running`: the bridge runs and holds
 * the appservice port.
 */
export async function checkMatrix(
	options: Options,
	deps: {
		ghostsOf: readonly string[];
		running: boolean;
		/** The aliases or ids of the rooms that the config mirrors topics in. */
		mirrored?: readonly string[];
		/** People of other networks may make rooms. */
		roomsMade?: boolean;
	},
): Promise<CheckResult[]> {
	const found: CheckResult[] = [await reachable(options.homeserver)];
	const { registration: file, url } = options.appservice;
	let registration: Registration;
	try {
		registration = readRegistration(await withFile(aboutRegistration(file), () => readFile(file, "utf8")));
	} catch (error) {
		const { message } = error as Error;
		return [...found, fails("registration", error instanceof FileError ? message : `${file}: ${message}`)];
	}
	const { mode } = await stat(file);
	if (mode & 0o004) found.push(fails("registration", phrases.registrationReadable(file)));
	const differing = differences(registration, { ...options, url, networks: deps.ghostsOf });
	const missing = undeclared(registration, deps.ghostsOf);
	if (differing.length > 0)
		found.push(fails("registration", `${differing.join("; ")}. Run “register”, and restart the homeserver.`));
	else
		found.push(
			missing.length > 0
				? lacks("registration", phrases.undeclaredProtocols(missing.join(" and ")))
				: works("registration", file),
		);
	if (!found[0]?.ok) return found;
	const token = await tokenKnown(options, registration);
	found.push(token);
	if (!token.ok) return found;
	for (const network of deps.ghostsOf) found.push(await namespace(options, registration, network));
	found.push(await path(options, registration, deps.running));
	const call: Call = (method, path) =>
		ask(options.homeserver, path, registration.as_token, method).catch((error: unknown) => ({
			status: 504,
			body: { error: causeOf(error) },
		}));
	if (deps.roomsMade) found.push(await addresses(call));
	for (const room of new Set(deps.mirrored)) found.push(await mirrorRoom(room, token.detail ?? "", call));
	return found;
}

async function reachable(homeserver: string): Promise<CheckResult> {
	const what = "homeserver";
	try {
		const { status, body } = await ask(homeserver, "/_matrix/client/versions");
		if (!Array.isArray(body?.versions)) return fails(what, phrases.notMatrix(homeserver, status));
		return works(what, `${homeserver}, Matrix ${body.versions.at(-1)}`);
	} catch (error) {
		return fails(what, phrases.notReached(homeserver, causeOf(error)));
	}
}

async function tokenKnown(options: Options, registration: Registration): Promise<CheckResult> {
	const what = "as_token";
	const ours = `@${options.bot}:${options.domain}`;
	const { status, body } = await whoami(options, registration);
	if (status === 401) return fails(what, phrases.tokenUnknown(options.appservice.registration));
	if (status !== 200) return fails(what, phrases.homeserverSays(described({ status, body })));
	if (body?.user_id !== ours) return fails(what, phrases.tokenOfAnother(String(body?.user_id), ours));
	return works(what, ours);
}

/** Checks a network's namespace with a ghost that is never registered: the homeserver may have loaded an older file. */
async function namespace(
	options: Options,
	registration: Registration,
	network: string,
): Promise<CheckResult> {
	const what = `namespace ${network}`;
	const mxid = `@_${network}_trivium-check:${options.domain}`;
	const { status, body } = await whoami(options, registration, mxid);
	// Synapse answers "cannot masquerade as" outside the namespaces and "has not registered" within; others answer alike.
	if (status === 403 && /masquerade/i.test(String(body?.error)))
		return fails(what, phrases.namespaceMissing(mxid));
	return works(what);
}

const whoami = (options: Options, registration: Registration, as?: string) =>
	ask(
		options.homeserver,
		`/_matrix/client/v3/account/whoami${as ? `?user_id=${encodeURIComponent(as)}` : ""}`,
		registration.as_token,
	);

/** Has the homeserver ping the appservice URL, answering from a short-lived server. // Matrix spec v1.7, "Pinging" */
async function path(options: Options, registration: Registration, running: boolean): Promise<CheckResult> {
	const what = "appservice path";
	const { listen, url } = options.appservice;
	const address = `${listen.host}:${listen.port}`;
	let wrongToken = false;
	/** The host of the URL by which the homeserver came, or of a proxy's. */
	let host: string | undefined;
	let server: Server | undefined;
	try {
		server = await pingServer(listen, registration.hs_token, (asked, right) => {
			host = asked;
			wrongToken ||= !right;
		});
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code !== "EADDRINUSE") return fails(what, phrases.cannotListen(address, String(code)));
		if (!running) return fails(what, phrases.portTaken(address));
	}
	try {
		const ping = `/_matrix/client/v1/appservice/${encodeURIComponent(registration.id)}/ping`;
		const answer = await ask(options.homeserver, ping, registration.as_token, "POST");
		if (answer.status === 200)
			return host === undefined || host === new URL(url).host
				? works(what, url)
				: lacks(what, phrases.reachedElsewhere(host, url));
		if (wrongToken) return fails(what, phrases.hsTokenWrong);
		if (isPingUnknown(answer.status, answer.body)) return lacks(what, phrases.pingUnknown);
		return fails(what, whyNotReached(url, answer.body, described(answer)));
	} catch (error) {
		return fails(what, phrases.cannotReachUs(url, causeOf(error)));
	} finally {
		server?.closeAllConnections();
		server?.close();
	}
}

/** Checks that the bot can have a session of its own, by which rooms get addresses outside our namespaces. */
async function addresses(call: Call): Promise<CheckResult> {
	const what = "rooms that others make";
	const { status, body } = await call("GET", "/_matrix/client/v3/login");
	if (status !== 200) return fails(what, phrases.homeserverSays(described({ status, body })));
	const flows = Array.isArray(body?.flows) ? body.flows : [];
	const offers = flows.some(({ type }: { type?: unknown }) => type === "m.login.application_service");
	return offers ? works(what) : lacks(what, phrases.noOwnSession);
}

/** Checks that a room of the config's mirrors exists, and that the bot is in it or may join. */
async function mirrorRoom(room: string, bot: string, call: Call): Promise<CheckResult> {
	const what = `mirror room ${room}`;
	let id = room;
	if (room.startsWith("#")) {
		const alias = await call("GET", `/_matrix/client/v3/directory/room/${encodeURIComponent(room)}`);
		if (alias.status !== 200) return fails(what, phrases.noMirrorRoom(described(alias)));
		id = String(alias.body?.room_id);
	}
	const joined = await call("GET", "/_matrix/client/v3/joined_rooms");
	const rooms = joined.body?.joined_rooms;
	if (Array.isArray(rooms) && rooms.includes(id)) return works(what);
	// Matrix spec v1.15, "Room previews". COMPAT the path of MSC3266 before that.
	for (const summary of ["v1/room_summary", "unstable/im.nheko.summary/rooms"]) {
		const end = summary.startsWith("v1") ? "" : "/summary";
		const { status, body } = await call("GET", `/_matrix/client/${summary}/${encodeURIComponent(id)}${end}`);
		if (body?.errcode === "M_UNRECOGNIZED") continue;
		if (status === 200 && ["public", undefined].includes(body?.join_rule as string | undefined))
			return works(what);
		return fails(what, phrases.mirrorRoomClosed(bot));
	}
	return lacks(what, phrases.mirrorRoomUnsure(bot));
}

/** Starts a server that answers pings. It refuses transactions, so that the homeserver keeps them for the bridge. */
function pingServer(
	listen: { host: string; port: number },
	hsToken: string,
	onPing: (host: string | undefined, rightToken: boolean) => void,
): Promise<Server> {
	const hash = (text: string) => createHash("sha256").update(text).digest();
	const server = createServer((request, response) => {
		const right = timingSafeEqual(hash(request.headers.authorization ?? ""), hash(`Bearer ${hsToken}`));
		const isPing = request.url?.split("?")[0] === "/_matrix/app/v1/ping";
		if (isPing) onPing(request.headers.host, right);
		response.writeHead(!right ? 403 : isPing ? 200 : 503, { "content-type": "application/json" });
		response.end(right && isPing ? "{}" : '{"errcode":"M_UNKNOWN","error":"the bridge is not running"}');
	});
	return new Promise((resolve, reject) => {
		server.once("error", reject);
		server.listen(listen.port, listen.host, () => resolve(server));
	});
}

type Call = (method: "GET" | "POST", path: string) => Promise<Answer>;

async function ask(homeserver: string, path: string, token?: string, method = "GET"): Promise<Answer> {
	const response = await fetch(homeserver.replace(/\/$/, "") + path, {
		method,
		headers: { ...(token && { authorization: `Bearer ${token}` }), "content-type": "application/json" },
		...(method === "POST" && { body: "{}" }),
		signal: AbortSignal.timeout(20_000),
	});
	const parsed: unknown = await response.json().catch(() => undefined);
	const isObject = typeof parsed === "object" && parsed !== null;
	return { status: response.status, body: isObject ? (parsed as Record<string, unknown>) : undefined };
}

/** Returns the status and the error of an answer as one line. */
const described = ({ status, body }: Answer) =>
	[status, body?.errcode, body?.error].filter((part) => part !== undefined).join(" ");

/** Returns the cause of a failed fetch, whose own message is only "fetch failed". */
function causeOf(error: unknown): string {
	const { message, cause } = error as Error;
	const inner = cause as (Error & { code?: string }) | undefined;
	return inner ? inner.message || String(inner.code) : message;
}
