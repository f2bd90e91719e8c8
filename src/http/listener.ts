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
 * How long a client may take, in ms: for all headers of a request, for the whole request (a transaction of a homeserver
 * has the most to send), and until the next one on the same connection; and how often Node looks for those that are late.
 */
const timeouts = {
	headersTimeout: 10_000,
	requestTimeout: 60_000,
	keepAliveTimeout: 5_000,
	connectionsCheckingInterval: 2_500,
} as const satisfies ServerOptions;

/** The answer to what Node's HTTP parser refuses, by the code of its error. */
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
 * Returns an HTTP server in which no request ends the process: what `handle` throws or rejects with is logged and answered
 * 500, what is no HTTP is answered 400, 408 or 431, and a client that breaks off is forgotten. `options` shorten the
 * times that a client may take.
 */
export function createListener(
	name: string,
	log: Log,
	handle: Handle,
	options: Partial<Record<keyof typeof timeouts, number>> = {},
): Server {
	const guard = createGuard(log);
	const server = createServer({ ...timeouts, ...options }, (request, response) => {
		// A client that went away is no fault of ours.
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
	// RFC 9110 §9.3.6: a server that is no proxy refuses CONNECT; Node would close the connection without a word.
	server.on("connect", (_request, socket) => refuse(socket, "400 Bad Request"));
	return server;
}

/** Resolves when the server listens; an error of the server after that is logged. @throws Error when the port cannot be had. */
export async function listening(server: Server, log: Log, listen: () => void): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.once("listening", resolve);
		listen();
	});
	server.removeAllListeners("error");
	server.on("error", (err) => log.error({ err }, "an HTTP listener failed"));
}

/** The query of a request target, whatever was sent as one. Never throws, which `new URL` does for `//`. */
export const queryOf = (target = ""): URLSearchParams => {
	const begin = target.indexOf("?");
	return new URLSearchParams(begin < 0 ? "" : target.slice(begin + 1));
};
