import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type Log, silent } from "../core/log.ts";
import { createListener, listening } from "./listener.ts";

/** Most connections in all, and of one address. */
const connections = 1_000;
const connectionsOfOne = 50;

type Limits = Readonly<{
	/** Whether connections from this address count as one client's; false for the address of a reverse proxy. */
	counted?: (address: string) => boolean;
	/** Timeout in ms for a client's whole request, which is short. */
	requestTimeout?: number;
}>;

/** Answers the requests of one path; never rejects. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * Starts the public listener: each path prefix has its handler, every other path is answered 404. Resolves when listening.
 * @throws Error when the port is not available.
 */
export async function publicListener(
	listen: Readonly<{ host: string; port: number }>,
	handlers: Readonly<Record<string, Handler>>,
	log: Log = silent,
	limits: Limits = {},
) {
	const { counted = () => false, requestTimeout = 15_000 } = limits;
	const times = { requestTimeout, headersTimeout: Math.min(requestTimeout, 10_000) };
	const server = createListener(
		"media",
		log,
		(request, response) => {
			// A pipelined request, which no browser and no proxy sends: its answer would take work and memory long before it
			// can be sent.
			if (!response.socket) return request.socket.destroy();
			const path = request.url ?? "";
			const [, handler] = Object.entries(handlers).find(([prefix]) => path.startsWith(prefix)) ?? [];
			if (handler) return handler(request, response);
			return response.writeHead(404, { "content-length": 0 }).end();
		},
		{ ...times, connectionsCheckingInterval: Math.min(requestTimeout / 4, 2_500) },
	);
	server.maxConnections = connections;
	server.on("connection", share(counted));
	await listening(server, log, () => server.listen(listen.port, listen.host));
	return {
		/** The address it listens on; for port 0 with the port that the system chose. */
		address: server.address() as Readonly<{ address: string; port: number }>,
		/** Stops listening and closes all connections at once. */
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

/** Returns a connection handler that closes each connection above the limit of its address. */
function share(counted: (address: string) => boolean): (socket: Socket) => void {
	const open = new Map<string, number>();
	return (socket) => {
		const { remoteAddress = "" } = socket;
		if (!counted(remoteAddress)) return;
		const count = (open.get(remoteAddress) ?? 0) + 1;
		if (count > connectionsOfOne) {
			socket.destroy();
			return;
		}
		open.set(remoteAddress, count);
		socket.once("close", () => {
			const left = (open.get(remoteAddress) ?? 1) - 1;
			if (left > 0) open.set(remoteAddress, left);
			else open.delete(remoteAddress);
		});
	};
}
