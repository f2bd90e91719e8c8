import { once } from "node:events";
import { createServer } from "node:net";
import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "../core/phrases.ts";

/** Checks that the port for /live and /ready is available. `running`: the bridge itself listens on it. */
export async function checkHealth(
	listen: Readonly<{ host: string; port: number }>,
	running: boolean,
): Promise<CheckResult> {
	const what = "health";
	const address = `${listen.host}:${listen.port}`;
	if (running) return works(what, phrases.bridgeRunning(undefined));
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
