import http from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A fault of a request: a response in place of the server's; a delay; “drop”, where the connection ends after the
 * server handled the request; “silence”, where no response ever comes.
 */
export type Fault = { status: number; body: object } | { delay: number } | "drop" | "silence";
export type FaultyProxy = Awaited<ReturnType<typeof startProxy>>;

/**
 * Starts a proxy between the bridge and a homeserver that injects faults. `taken` is called with each request, and
 * its body, whose 200 response the client receives.
 */
export async function startProxy(taken?: (path: string, body: string) => void) {
	let target = "";
	let fault: (path: string, method: string) => Fault | undefined = () => undefined;

	async function pass(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
		const { method = "GET", headers, url = "/" } = request;
		const wrong = fault(url, method);
		if (typeof wrong === "object" && "delay" in wrong) await sleep(wrong.delay);
		if (typeof wrong === "object" && "status" in wrong) {
			request.resume();
			response
				.writeHead(wrong.status, { "content-type": "application/json" })
				.end(JSON.stringify(wrong.body));
			return;
		}
		const body: Buffer[] | undefined = taken && [];
		if (body) request.on("data", (chunk: Buffer) => body.push(chunk));
		const onward = http.request(target + url, { method, headers }, (answer) => {
			if (wrong === "drop" || wrong === "silence") {
				answer.resume().on("end", () => wrong === "drop" && request.socket.destroy());
				return;
			}
			if (answer.statusCode === 200 && body) taken?.(url, Buffer.concat(body).toString("utf8"));
			response.writeHead(answer.statusCode ?? 500, answer.headers);
			answer.on("error", () => response.destroy()).pipe(response);
		});
		onward.on("error", () => request.socket.destroy());
		request.pipe(onward);
	}

	const server = http.createServer((request, response) => {
		pass(request, response).catch(() => request.socket.destroy());
	});
	const sockets = new Set<Socket>();
	server.on("connection", (socket: Socket) => {
		sockets.add(socket.once("close", () => sockets.delete(socket)));
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		leadsTo(url: string): void {
			target = url;
		},
		/** Sets the fault of every request from now on; without an argument no request fails. */
		fail(next: typeof fault = () => undefined): void {
			fault = next;
		},
		/**
		 * Ends every connection with a RST. The homeserver still handles the requests in flight; their responses are
		 * lost.
		 */
		reset(): void {
			for (const socket of sockets) socket.resetAndDestroy();
		},
		close(): void {
			server.closeAllConnections();
			server.close();
		},
	};
}
