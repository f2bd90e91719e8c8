import type { IncomingMessage, ServerResponse } from "node:http";
import { type Log, silent } from "../core/log.ts";
import { createListener, listening } from "./listener.ts";

/** Answers what comes for one path; never rejects. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/**
 * The listener for the outside: each path prefix has its handler, the rest is a 404. Resolves when listening.
 * @throws Error when the port cannot be had.
 */
export async function publicListener(
	listen: Readonly<{ host: string; port: number }>,
	handlers: Readonly<Record<string, Handler>>,
	log: Log = silent,
) {
	const server = createListener("media", log, (request, response) => {
		const path = request.url ?? "";
		const [, handler] = Object.entries(handlers).find(([prefix]) => path.startsWith(prefix)) ?? [];
		if (handler) return handler(request, response);
		return response.writeHead(404, { "content-length": 0 }).end();
	});
	// What people may send here is a short question.
	server.headersTimeout = 15_000;
	server.requestTimeout = 15_000;
	server.maxConnections = 1_000;
	await listening(server, log, () => server.listen(listen.port, listen.host));
	return {
		/** Where it listens: the port as given, or the one it got for 0. */
		address: server.address() as Readonly<{ address: string; port: number }>,
		/** Ends at once what is on its way. */
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}
