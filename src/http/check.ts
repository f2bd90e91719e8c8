import { once } from "node:events";
import http from "node:http";
import { createServer } from "node:net";
import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "../core/phrases.ts";

const patience = 5_000;

/** Checks that the port for /live and /ready is available, or, with `running`, that the bridge answers there. */
export async function checkHealth(
	listen: Readonly<{ host: string; port: number }>,
	running: boolean,
): Promise<CheckResult> {
	const what = "health";
	const address = `${listen.host}:${listen.port}`;
	if (running) {
		const cause = await live(listen);
		return cause === undefined ? works(what, address) : fails(what, phrases.healthSilent(address, cause));
	}
	const server = createServer();
	try {
		server.listen(listen.port, listen.host);
		await once(server, "listening");
		return works(what, address);
	} catch (error) {
		return fails(what, phrases.cannotListenThere(address, String((error as NodeJS.ErrnoException).code)));
	} finally {
		server.close();
	}
}

/** Asks the running bridge for /live. Resolves with the cause if it does not answer. */
function live({ host, port }: Readonly<{ host: string; port: number }>): Promise<string | undefined> {
	return new Promise((resolve) => {
		const request = http.get({ host, port, path: "/live", timeout: patience }, (response) => {
			response.resume();
			resolve(response.statusCode === 200 ? undefined : String(response.statusCode));
		});
		request.on("timeout", () => request.destroy(new Error("no answer in time")));
		request.on("error", (error: NodeJS.ErrnoException) => resolve(error.message || String(error.code)));
	});
}
