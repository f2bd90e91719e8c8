import { timingSafeEqual } from "node:crypto";
import type http from "node:http";
import { registerHooks } from "node:module";
import { Writable } from "node:stream";
import type { Application, NextFunction, Request, Response } from "express";
import { TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { createListener, listening, queryOf } from "../http/listener.ts";
import type { Registration } from "./registration.ts";
import type { ThirdPartyQuery } from "./third-party.ts";

// Only this file knows matrix-appservice-bridge 11.2.0 and matrix-appservice 3.0.0.
// test/matrix/appservice.upstream.test.ts lists the faults that it works around, and fails once upstream has fixed one.

/**
 * Modules that the library imports and the bridge never uses; an empty module replaces each. One is a native crypto
 * module whose binary is missing on many machines, since its install step downloads it. The others are an HTTP client and
 * HTML readers: 330 files that would take 13 MiB of memory.
 */
const unused: ReadonlySet<string> = new Set([
	"@matrix-org/matrix-sdk-crypto-nodejs",
	"request",
	"sanitize-html",
	"html-to-text",
]);
registerHooks({
	resolve: (specifier, context, next) =>
		unused.has(specifier)
			? { url: "trivium:unused", format: "commonjs", shortCircuit: true }
			: next(specifier, context),
	load: (url, context, next) =>
		url === "trivium:unused"
			? { format: "commonjs", source: "module.exports = {};", shortCircuit: true }
			: next(url, context),
});
// The library's dependencies use APIs that Node has deprecated; operators cannot act on those warnings.
const warned = process.noDeprecation;
process.noDeprecation = true;
const { AppService, AppServiceRegistration, Bridge, Logger } = await import("matrix-appservice-bridge");
process.noDeprecation = warned ?? false;

/** Largest body in bytes. A legal transaction has up to 100 events of 64 KiB and as many EDUs; the library stops at 5 MB. */
const largestBody = 32 * 1024 * 1024;

export type Transaction = Readonly<{
	/** The transaction id. */
	id: string;
	events: readonly unknown[];
	/** Signals, such as typing: of no use after a repeat. */
	ephemeral: readonly unknown[];
}>;

export type Handlers = Readonly<{
	/** Resolves when all events are on disk; the homeserver repeats a transaction that is rejected. */
	transaction(transaction: Transaction): Promise<void>;
	/** Whether the ghost exists. */
	user(mxid: string): Promise<boolean>;
	/** Whether the room of an alias exists; makes its portal if the other network has the room. */
	alias(alias: string): Promise<boolean>;
	/** Resolves with the answer about another network, its people or its rooms; undefined if that network is unknown. */
	thirdParty(query: ThirdPartyQuery): Promise<object | undefined>;
	/** A request without our hs_token came. */
	unauthorized?(): void;
}>;

/** The members of {@link AppService} that its types do not declare. */
type Routes = {
	readonly expressApp: Application;
	listen(port: number, hostname: string, backlog: number): Promise<void>;
	close(): Promise<void>;
};
const Base = AppService as unknown as new (config: {
	homeserverToken: string;
	httpMaxSizeBytes: number;
}) => Routes;

/** Returns the listener for the homeserver: transactions, queries and pings. */
export function createAppservice(
	options: Readonly<{
		homeserver: string;
		domain: string;
		listen: Readonly<{ host: string; port: number }>;
		registration: Registration;
	}>,
	handlers: Handlers,
	log: Log,
) {
	const { registration } = options;
	const token = Buffer.from(registration.hs_token);
	/**
	 * Whether a request carries the hs_token. // Matrix spec v1.4, application services "Authorization";
	 * COMPAT the query parameter of older homeservers.
	 */
	const authorized = (request: http.IncomingMessage) => {
		const header = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
		const query = () => queryOf(request.url).get("access_token");
		const given = Buffer.from(header ?? query() ?? "");
		// The length of the token is no secret: `register` writes all tokens with one length.
		return given.length === token.length && timingSafeEqual(given, token);
	};

	/** Answers with the result of `work`: true is an empty object, and false says that there is nothing of that name. */
	async function answer(response: http.ServerResponse, work: () => Promise<boolean | object>): Promise<void> {
		try {
			const result = await work();
			if (result === false) refuse(response, 404, "M_NOT_FOUND", "there is nothing of that name");
			else json(response, 200, result === true ? {} : result);
		} catch (error) {
			const temporary = error instanceof TemporaryError;
			log[temporary ? "warn" : "error"](
				{ err: error },
				"a request of the homeserver failed; it will repeat it",
			);
			refuse(response, temporary ? 503 : 500, "M_UNKNOWN", "the bridge failed; see its log");
		}
	}

	class Listener extends Base {
		#server: http.Server | undefined;
		#stopping = false;
		/** The answers that are not written yet. */
		readonly #due = new Set<http.ServerResponse>();

		/** Takes a transaction without express, which would double the cost of a message. */
		async #transaction(
			id: string,
			request: http.IncomingMessage,
			response: http.ServerResponse,
		): Promise<void> {
			const text = await read(request);
			if (text === undefined) return refuse(response, 413, "M_TOO_LARGE", "the body is too large");
			let body: Record<string, unknown>;
			try {
				body = JSON.parse(text);
			} catch {
				return refuse(response, 400, "M_NOT_JSON", "the body cannot be read");
			}
			const events: unknown = body?.events;
			// A transaction that cannot be read is never acknowledged.
			if (!Array.isArray(events))
				return refuse(response, 400, "M_BAD_JSON", "a transaction has a list of events");
			const ephemeral = ephemeralIn(body);
			return answer(response, async () => {
				await handlers.transaction({ id, events, ephemeral });
				return true;
			});
		}
		onGetUsers(request: Request, response: Response): Promise<void> {
			return answer(response, () => handlers.user(request.params.userId ?? ""));
		}
		onGetRoomAlias(request: Request, response: Response): Promise<void> {
			return answer(response, () => handlers.alias(request.params.alias ?? ""));
		}

		/** Listens as the library does, but refuses a request without the hs_token before its body is read. */
		override async listen(port: number, hostname: string, backlog: number): Promise<void> {
			const app = this.expressApp;
			app.get(thirdPartyPath, (request: Request, response: Response) => {
				const [kind, protocol] = [request.params[0], request.params[1]];
				const fields = new Map(queryOf(request.url));
				fields.delete("access_token");
				const query = { kind: kind as ThirdPartyQuery["kind"], protocol, fields };
				return answer(response, async () => (await handlers.thirdParty(query)) ?? false);
			});
			// The library's routes come first in express; these answer every other request with JSON.
			app.post("/_matrix/app/v1/ping", (_request: Request, response: Response) => void response.json({}));
			app.use((_request: Request, response: Response) => {
				refuse(response, 404, "M_UNRECOGNIZED", "unknown path or method");
			});
			app.use((error: { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
				const status = error.status ?? 500;
				refuse(response, status, status === 413 ? "M_TOO_LARGE" : "M_NOT_JSON", "the body cannot be read");
			});
			const server = createListener("appservice", log, (request, response) => {
				this.#due.add(response);
				response.once("close", () => this.#due.delete(response));
				if (this.#stopping) response.setHeader("connection", "close");
				if (request.url === "/health") return app(request, response);
				if (!authorized(request)) {
					handlers.unauthorized?.();
					response.setHeader("connection", "close");
					return refuse(response, 403, "M_FORBIDDEN", "wrong hs_token");
				}
				// No PUT reaches the library, which would acknowledge a transaction before it is on disk.
				if (request.method !== "PUT") return app(request, response);
				const id = transactionPath.exec(request.url ?? "")?.[1];
				if (id === undefined) return refuse(response, 404, "M_UNRECOGNIZED", "unknown path or method");
				return this.#transaction(id, request, response).catch((error: unknown) => {
					log.warn({ err: error }, "the homeserver's connection broke during a transaction");
					response.destroy();
				});
			});
			this.#server = server;
			await listening(server, log, () => server.listen(port, hostname, backlog));
			log.info({ listen: options.listen }, "listening for the homeserver");
		}
		override async close(): Promise<void> {
			const server = this.#server;
			this.#stopping = true;
			// The homeserver would send its next transaction on the same connection, and the stop would never end.
			for (const response of this.#due) if (!response.headersSent) response.setHeader("connection", "close");
			if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
		}
	}

	Logger.root.configureLogging({ json: true }, logLines(log));
	const parsed = AppServiceRegistration.fromObject({
		...registration,
		namespaces: registration.namespaces as never,
		protocols: [...(registration.protocols ?? [])],
	});
	if (!parsed) throw new Error("matrix-appservice-bridge does not take the registration");
	const bridge = new Bridge({
		homeserverUrl: options.homeserver,
		domain: options.domain,
		registration: parsed,
		// The library's stores fail on Node 24; the bridge keeps its own mapping.
		disableStores: true,
		controller: {
			// Events come through `handlers.transaction`: the library would acknowledge them before they are on disk.
			onEvent: () => undefined,
			onLog: (text, isError) => log[isError ? "error" : "debug"]({ text }, "matrix-appservice-bridge"),
		},
	});
	const { host, port } = options.listen;

	return {
		/** Starts to listen. @throws Error when the port is not available. */
		async start(): Promise<void> {
			const config = { homeserverToken: registration.hs_token, httpMaxSizeBytes: largestBody };
			const listener = new Listener(config) as unknown as InstanceType<typeof AppService>;
			await bridge.run(port, listener, host, 64);
		},
		/** Stops listening; requests under way are finished. */
		stop: () => bridge.close(),
	};
}

// COMPAT Older homeservers fall back to the path without the prefix. // Matrix spec, application services "Legacy routes"
const transactionPath = /^(?:\/_matrix\/app\/v1)?\/transactions\/([^/?]+)(?:\?|$)/;

// COMPAT unstable: before Matrix v1.1. // Matrix spec, application services "Third-party networks"
const thirdPartyPath =
	/^\/_matrix\/app\/(?:v1|unstable)\/thirdparty\/(protocol|user|location)(?:\/([^/]+))?$/;

/** Returns the ephemeral events of a transaction. A homeserver that knows both names of the field may write both. */
function ephemeralIn(body: Readonly<Record<string, unknown>>): readonly unknown[] {
	// COMPAT the name of the field before Matrix v1.13.
	const given = body.ephemeral ?? body["de.sorunome.msc2409.ephemeral"];
	return Array.isArray(given) ? given : [];
}

/** Resolves with the body, undefined if it is larger than {@link largestBody}. @throws Error when the connection breaks. */
async function read(request: http.IncomingMessage): Promise<string | undefined> {
	const chunks: Buffer[] = [];
	let size = 0;
	const { promise, resolve, reject } = Promise.withResolvers<boolean>();
	request.on("data", (chunk: Buffer) => {
		size += chunk.length;
		if (size <= largestBody) chunks.push(chunk);
		else resolve(false);
	});
	request.on("end", () => resolve(true));
	request.on("error", reject);
	// When the connection breaks, Node emits no "end", and not always an "error".
	request.on("close", () => reject(new Error("the client broke off")));
	return (await promise) ? Buffer.concat(chunks).toString("utf8") : undefined;
}

function json(response: http.ServerResponse, status: number, body: object): void {
	const text = JSON.stringify(body);
	const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
	response.writeHead(status, headers).end(text);
}

function refuse(response: http.ServerResponse, status: number, errcode: string, error: string): void {
	if (!response.headersSent) json(response, status, { errcode, error });
}

/** Returns a stream that turns the library's JSON log lines into ours. Its "info" is too frequent and becomes "debug". */
function logLines(log: Log): Writable {
	return new Writable({
		write(chunk: Buffer, _encoding, done) {
			try {
				const { level, module, message, error } = JSON.parse(chunk.toString("utf8"));
				const loud = level === "ERROR" ? "error" : level === "WARN" ? "warn" : "debug";
				log[loud]({ module, text: message, error }, "matrix-appservice-bridge");
			} catch {
				log.debug({ text: chunk.toString("utf8") }, "matrix-appservice-bridge");
			}
			done();
		},
	});
}
