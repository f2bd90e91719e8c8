import { rm } from "node:fs/promises";
import http from "node:http";
import { dirname } from "node:path";
import type { CheckResult } from "../core/check-result.ts";
import type { Log } from "../core/log.ts";
import { type About, explained, withFile } from "../files/file-error.ts";
import { createListener, listening } from "./listener.ts";

/** The requests that another process on this machine can make of a running bridge. */
export type Requests = Readonly<{
	/** Writes a backup into a new folder. @throws Error with the cause. */
	backup(folder: string): Promise<void>;
	/** Resolves with what the running bridge knows of its connections. Never rejects. */
	check(): Promise<RunningCheck>;
}>;

/** The results of the networks by name, and the fingerprint of the config that the bridge runs with. */
export type RunningCheck = Readonly<{
	config: string;
	networks: Readonly<Record<string, readonly CheckResult[]>>;
}>;

const about = (socket: string): About => ({
	what: "The control socket",
	path: socket,
	need: "make",
	own: true,
	folder: dirname(socket),
});

/** Most characters of a request's body, which holds a path. */
const longest = 65_536;
/** Time in ms for which `check` waits for the running bridge, which itself waits for each service that does not answer. */
const patience = 120_000;

/**
 * Listens on a Unix socket that only the bridge's own user can open: a backup holds everything in the stores, so only
 * the user who can read the stores may ask for one. Resolves when listening.
 */
export async function control(socket: string, requests: Requests, log: Log) {
	const server = createListener("control", log, async (request, response) => {
		const answer = (status: number, body: object) => {
			response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
		};
		if (request.method !== "POST") return answer(404, { error: "not known" });
		try {
			if (request.url === "/check") return answer(200, await requests.check());
			if (request.url !== "/backup") return answer(404, { error: "not known" });
			let text = "";
			for await (const chunk of request.setEncoding("utf8")) {
				text += chunk;
				if (text.length > longest) return answer(413, { error: "the request is too long" });
			}
			const { folder } = (JSON.parse(text) ?? {}) as { folder?: unknown };
			if (typeof folder !== "string") return answer(400, { error: "a backup needs the name of a folder" });
			await requests.backup(folder);
			answer(200, {});
		} catch (error) {
			answer(500, { error: (error as Error).message });
		}
	});
	// A killed run leaves its socket behind. The lock on the stores excludes a second running bridge.
	await rm(socket, { force: true });
	const before = process.umask(0o177);
	try {
		await withFile(about(socket), () => listening(server, log, () => server.listen({ path: socket })));
	} finally {
		process.umask(before);
	}
	return {
		close: () =>
			new Promise<void>((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
}

/** Asks the running bridge for a backup. Resolves with false if none listens on the socket. @throws Error with the cause. */
export const askForBackup = async (socket: string, folder: string): Promise<boolean> =>
	(await ask(socket, "/backup", { folder })) !== undefined;

/** Asks the running bridge for its check. Resolves with undefined if none listens on the socket. @throws Error with the cause. */
export const askForCheck = async (socket: string, within = patience): Promise<RunningCheck | undefined> =>
	(await ask(socket, "/check", {}, within)) as RunningCheck | undefined;

/** `within`: the time in ms after which a bridge that does not answer is given up; absent: none, as a backup may take long. */
function ask(socket: string, path: string, body: object, within = 0): Promise<unknown> {
	return new Promise((resolve, reject) => {
		const how = { socketPath: socket, method: "POST", path, agent: false, timeout: within };
		const request = http.request(how, (response) => {
			let text = "";
			response.setEncoding("utf8").on("data", (chunk: string) => {
				text += chunk;
			});
			response.on("error", reject).on("end", () => {
				try {
					const answer = JSON.parse(text) as { error?: string };
					if (response.statusCode === 200) resolve(answer);
					else reject(new Error(answer.error));
				} catch (error) {
					reject(error);
				}
			});
		});
		request.on("timeout", () => request.destroy(new Error("no answer in time")));
		request.on("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
			else reject(explained(error, { ...about(socket), need: "write" }));
		});
		request.end(JSON.stringify(body));
	});
}
