import { createServer } from "node:http";
import type { Journal } from "../core/journal.ts";
import type { Network, Status } from "../core/network.ts";

type Sides = Readonly<{
	networks: readonly Pick<Network, "name" | "status">[];
	journal: Pick<Journal, "stats">;
}>;

/**
 * `/live`: the process answers. `/ready`: every side works, else 503; both with the detail as JSON. Resolves when listening.
 * @throws Error when the port cannot be had.
 */
export async function health(listen: Readonly<{ host: string; port: number }>, sides: Sides) {
	const server = createServer(async (request, response) => {
		const path = request.url?.split("?")[0];
		const answer = (status: number, body: object) => {
			response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
			response.end(request.method === "HEAD" ? undefined : `${JSON.stringify(body)}\n`);
		};
		if (request.method !== "GET" && request.method !== "HEAD") return answer(405, { error: "GET only" });
		if (path === "/live") return answer(200, { live: true });
		if (path !== "/ready") return answer(404, { error: "there are /live and /ready" });
		const detail = await look(sides);
		answer(detail.ready ? 200 : 503, detail);
	});
	await new Promise<void>((resolve, reject) => {
		server.once("error", reject);
		server.listen(listen.port, listen.host, resolve);
	});
	return {
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

async function look({ networks, journal }: Sides) {
	const sides = Object.fromEntries(
		networks.map((one): [string, Status] => [one.name, one.status?.() ?? { up: true }]),
	);
	const store = await journal.stats().then(
		(stats) => ({ up: true, ...stats }),
		(error: Error) => ({ up: false, cause: error.message }),
	);
	return { ready: store.up && Object.values(sides).every(({ up }) => up), ...sides, store };
}
