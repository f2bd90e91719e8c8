import http from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What happens to a request: an answer in place of the server's, one that comes later, or the line cut after the server carried it out. */
export type Fault = { status: number; body: object } | { delay: number } | "drop";
export type FaultyProxy = Awaited<ReturnType<typeof startProxy>>;

/**
 * Stands between the bridge and a homeserver, and fails as both do. `taken` is told of every request whose success the
 * asker was told of, with its body.
 */
export async function startProxy(taken?: (path: string, body: string) => void) {
	let target = "";
	let fault: (path: string, method: string) => Fault | undefined = () => undefined;

	async function pass(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
		const { method = "GET", headers, url = "/" } = request;
		const wrong = fault(url, method);
		if (wrong && wrong !== "drop" && "delay" in wrong) await sleep(wrong.delay);
		if (wrong && wrong !== "drop" && "status" in wrong) {
			request.resume();
			response
				.writeHead(wrong.status, { "content-type": "application/json" })
				.end(JSON.stringify(wrong.body));
			return;
		}
		const body: Buffer[] | undefined = taken && [];
		if (body) request.on("data", (chunk: Buffer) => body.push(chunk));
		const onward = http.request(target + url, { method, headers }, (answer) => {
			if (wrong === "drop") {
				answer.resume().on("end", () => request.socket.destroy());
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
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		leadsTo(url: string): void {
			target = url;
		},
		/** Holds for every request from now on. */
		fail(next: typeof fault = () => undefined): void {
			fault = next;
		},
		close(): void {
			server.closeAllConnections();
			server.close();
		},
	};
}
