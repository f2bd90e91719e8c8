import { timingSafeEqual } from "node:crypto";
import type http from "node:http";
import { registerHooks } from "node:module";
import { Writable } from "node:stream";
import type { Application, NextFunction, Request, Response } from "express";
import { TemporaryError } from "../core/errors.ts";
import type { Log } from "../core/log.ts";
import { createListener, listening, queryOf } from "../http/listener.ts";
import type { Registration } from "./registration.ts";

// The only file that knows matrix-appservice-bridge 11.2.0 and matrix-appservice 3.0.0. What it works round is
// listed in test/matrix/appservice.upstream.test.ts, which fails when upstream has mended something.

/**
 * What the library loads at import and we use nothing of, so nothing is loaded in its place: a native crypto module,
 * whose binary its install step downloads, so that on many machines it is not there; and an HTTP client and HTML readers,
 * 330 files that hold 13 MiB for good.
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
// Its dependencies use what Node has deprecated; operators of a bridge can do nothing about that.
const warned = process.noDeprecation;
process.noDeprecation = true;
const { AppService, AppServiceRegistration, Bridge, Logger } = await import("matrix-appservice-bridge");
process.noDeprecation = warned ?? false;

/** The most a legal transaction holds is 100 events of 64 KiB and as many EDUs; the library stops at 5 MB. */
const largestBody = 32 * 1024 * 1024;

export type Transaction = Readonly<{
	/** The homeserver's own name for it. */
	id: string;
	events: readonly unknown[];
}>;

export type Handlers = Readonly<{
	/** Resolves when all of it is on disk; the homeserver repeats what was rejected. */
	transaction(transaction: Transaction): Promise<void>;
	/** Whether there is such a ghost. */
	user(mxid: string): Promise<boolean>;
	/** Whether there is such a room, now that we were asked for it. */
	alias(alias: string): Promise<boolean>;
}>;

/** What {@link AppService} has but does not declare: the handlers its constructor binds. */
type Routes = {
	readonly expressApp: Application;
	listen(port: number, hostname: string, backlog: number): Promise<void>;
	close(): Promise<void>;
};
const Base = AppService as unknown as new (config: {
	homeserverToken: string;
	httpMaxSizeBytes: number;
}) => Routes;

/** Where the homeserver reaches us: transactions, queries, ping. */
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
	/** // Matrix spec v1.4, application services "Authorization"; COMPAT the query parameter of older homeservers. */
	const authorized = (request: http.IncomingMessage) => {
		const header = /^Bearer (.+)$/i.exec(request.headers.authorization ?? "")?.[1];
		const query = () => queryOf(request.url).get("access_token");
		const given = Buffer.from(header ?? query() ?? "");
		// Its length is no secret: all of them are as long.
		return given.length === token.length && timingSafeEqual(given, token);
	};

	async function answer(
		response: http.ServerResponse,
		work: () => Promise<boolean | undefined>,
	): Promise<void> {
		try {
			if ((await work()) === false) refuse(response, 404, "M_NOT_FOUND", "there is nothing of that name");
			else json(response, 200, {});
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

		/** Transactions are what there are many of: in express they would cost as much as all the rest of a message. */
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
			// Never acknowledge what was not understood.
			if (!Array.isArray(events))
				return refuse(response, 400, "M_BAD_JSON", "a transaction has a list of events");
			return answer(response, async () => {
				await handlers.transaction({ id, events });
				return undefined;
			});
		}
		onGetUsers(request: Request, response: Response): Promise<void> {
			return answer(response, () => handlers.user(request.params.userId ?? ""));
		}
		onGetRoomAlias(request: Request, response: Response): Promise<void> {
			return answer(response, () => handlers.alias(request.params.alias ?? ""));
		}

		/** As the library's, but a stranger is turned away before their body is read. */
		override async listen(port: number, hostname: string, backlog: number): Promise<void> {
			const app = this.expressApp;
			// The library's routes come first in express; what none of them answered ends here, as JSON.
			app.post("/_matrix/app/v1/ping", (_request: Request, response: Response) => void response.json({}));
			app.use((_request: Request, response: Response) => {
				refuse(response, 404, "M_UNRECOGNIZED", "unknown path or method");
			});
			app.use((error: { status?: number }, _request: Request, response: Response, _next: NextFunction) => {
				const status = error.status ?? 500;
				refuse(response, status, status === 413 ? "M_TOO_LARGE" : "M_NOT_JSON", "the body cannot be read");
			});
			const server = createListener("appservice", log, (request, response) => {
				if (request.url === "/health") return app(request, response);
				if (!authorized(request)) {
					response.setHeader("connection", "close");
					return refuse(response, 403, "M_FORBIDDEN", "wrong hs_token");
				}
				// Whatever is put must not reach the library: it would acknowledge a transaction before it is on disk.
				if (request.method !== "PUT") return app(request, response);
				const id = transactionPath.exec(request.url ?? "")?.[1];
				if (id === undefined) return refuse(response, 404, "M_UNRECOGNIZED", "unknown path or method");
				return this.#transaction(id, request, response).catch((error: unknown) => {
					log.warn({ err: error }, "a transaction broke off");
					response.destroy();
				});
			});
			this.#server = server;
			await listening(server, log, () => server.listen(port, hostname, backlog));
			log.info({ listen: options.listen }, "listening for the homeserver");
		}
		override async close(): Promise<void> {
			const server = this.#server;
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
		// Its stores fail on Node 24; the mapping is ours.
		disableStores: true,
		controller: {
			// Events come by `onTransaction`: the library would acknowledge them before they are on disk.
			onEvent: () => undefined,
			onLog: (text, isError) => log[isError ? "error" : "debug"]({ text }, "matrix-appservice-bridge"),
		},
	});
	const { host, port } = options.listen;

	return {
		/** @throws Error when the port cannot be had. */
		async start(): Promise<void> {
			const config = { homeserverToken: registration.hs_token, httpMaxSizeBytes: largestBody };
			const listener = new Listener(config) as unknown as InstanceType<typeof AppService>;
			await bridge.run(port, listener, host, 64);
		},
		/** Takes nothing more; what is being taken is finished. */
		stop: () => bridge.close(),
	};
}

// COMPAT without the prefix: older homeservers fall back to that. // Matrix spec, application services "Legacy routes"
const transactionPath = /^(?:\/_matrix\/app\/v1)?\/transactions\/([^/?]+)(?:\?|$)/;

/** The whole body; undefined where it is larger than any that is legal. @throws Error when the client breaks off. */
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
	// Node gives a client that breaks off no "end", and not always an "error".
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

/** The library's winston, one JSON record a line, as lines of our log. It says too much to be more than debug. */
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
