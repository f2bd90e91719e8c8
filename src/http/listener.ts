import {
	createServer,
	type IncomingMessage,
	type Server,
	type ServerOptions,
	type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { createGuard } from "../core/guard.ts";
import type { Log } from "../core/log.ts";

type Handle = (request: IncomingMessage, response: ServerResponse) => unknown;

/**
 * Timeouts in ms: for all headers of a request, for the whole request (a homeserver's transaction is the largest), and
 * until the next request on the same connection; and the interval at which Node checks for late clients.
 */
const timeouts = {
	headersTimeout: 10_000,
	requestTimeout: 60_000,
	keepAliveTimeout: 5_000,
	connectionsCheckingInterval: 2_500,
} as const satisfies ServerOptions;

/** The status of the answer to a request that Node's HTTP parser refuses, by error code; 400 for any other code. */
const refusals: ReadonlyMap<string | undefined, string> = new Map([
	["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
	["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

function refuse(socket: Duplex, status: string): void {
	socket.on("error", () => undefined);
	if (!socket.writable) socket.destroy();
	else
		socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () =>
			socket.destroy(),
		);
}

/**
 * Returns an HTTP server in which no request ends the process: an error of `handle` is logged and answered 500, an invalid
 * request is answered 400, 408 or 431, and errors of a broken connection are ignored. `options` replace the timeouts.
 */
export function createListener(
	name: string,
	log: Log,
	handle: Handle,
	options: Partial<Record<keyof typeof timeouts, number>> = {},
): Server {
	const guard = createGuard(log);
	const server = createServer({ ...timeouts, ...options }, (request, response) => {
		// Errors of a connection that the client closed need no handling.
		request.on("error", () => undefined);
		response.on("error", () => response.destroy());
		void guard.run(
			`HTTP ${name}`,
			() => handle(request, response),
			() => {
				if (response.headersSent) response.destroy();
				else response.writeHead(500, { "content-length": 0, connection: "close" }).end();
			},
		);
	});
	server.on("clientError", (error: NodeJS.ErrnoException, socket) =>
		refuse(socket, refusals.get(error.code) ?? "400 Bad Request"),
	);
	// RFC 9110 §9.3.6: a server that is no proxy refuses CONNECT; Node would close the connection without an answer.
	server.on("connect", (_request, socket) => refuse(socket, "400 Bad Request"));
	return server;
}

/** Resolves when the server listens; later errors of the server are logged. @throws Error when the port is not available. */
export async function listening(server: Server, log: Log, listen: () => void): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.once("listening", resolve);
		listen();
	});
	server.removeAllListeners("error");
	server.on("error", (err) => log.error({ err }, "an HTTP listener failed"));
}

/** Returns the query of a request target. Never throws, unlike `new URL`, which throws for `//`. */
export const queryOf = (target = ""): URLSearchParams => {
	const begin = target.indexOf("?");
	return new URLSearchParams(begin < 0 ? "" : target.slice(begin + 1));
};
