import type { Journal } from "../core/journal.ts";
import type { Log } from "../core/log.ts";
import type { Network, Status } from "../core/network.ts";
import { createListener, listening } from "./listener.ts";
import type { Metrics } from "./metrics.ts";

type Sides = Readonly<{
	networks: readonly Pick<Network, "name" | "status">[];
	journal: Pick<Journal, "stats">;
	metrics: Pick<Metrics, "text" | "contentType">;
}>;

/**
 * Serves `/live` (200 while the process answers), `/ready` (200 when every network and the store work, else 503), both
 * with details as JSON, and `/metrics` for Prometheus. Resolves when listening.
 * @throws Error when the port is not available.
 */
export async function health(listen: Readonly<{ host: string; port: number }>, sides: Sides, log: Log) {
	const server = createListener("health", log, async (request, response) => {
		const path = request.url?.split("?")[0];
		const say = (status: number, type: string, body: string) => {
			response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
			response.end(request.method === "HEAD" ? undefined : body);
		};
		const answer = (status: number, body: object) =>
			say(status, "application/json", `${JSON.stringify(body)}\n`);
		if (request.method !== "GET" && request.method !== "HEAD") return answer(405, { error: "GET only" });
		if (path === "/live") return answer(200, { live: true });
		if (path === "/metrics")
			return sides.metrics.text().then(
				(text) => say(200, sides.metrics.contentType, text),
				(error: Error) => answer(503, { error: error.message }),
			);
		if (path !== "/ready") return answer(404, { error: "there are /live, /ready and /metrics" });
		const detail = await look(sides);
		answer(detail.ready ? 200 : 503, detail);
	});
	await listening(server, log, () => server.listen(listen.port, listen.host));
	return {
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

/** Returns the status with the age of its trouble, in ms, in place of the time at which that began. */
const withAge = ({ since, ...status }: Status) => ({
	...status,
	...(since !== undefined && { awayMs: Date.now() - since }),
});

async function look({ networks, journal }: Sides) {
	const sides = Object.fromEntries(
		networks.map((one) => [one.name, withAge(one.status?.() ?? { up: true })]),
	);
	const store = await journal.stats().then(
		// An age can be compared with a limit; a time cannot, by most monitors.
		(stats) => ({ up: true, ...stats, oldest: stats.oldest && Math.max(Date.now() - stats.oldest, 0) }),
		(error: Error) => ({ up: false, cause: error.message }),
	);
	return { ready: store.up && Object.values(sides).every(({ up }) => up), ...sides, store };
}
