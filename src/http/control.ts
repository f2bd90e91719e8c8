import { rm } from "node:fs/promises";
import http from "node:http";
import type { Log } from "../core/log.ts";
import { createListener, listening } from "./listener.ts";

/** What the process that runs a bridge can be asked for by another on the same machine. */
export type Requests = Readonly<{
	/** Writes a backup into a new folder. @throws Error with the cause. */
	backup(folder: string): Promise<void>;
}>;

/** Characters of the longest request: a path and a few more. */
const longest = 65_536;

/**
 * Listens on a Unix socket that only our own user can open: who may read the stores may ask for a copy of them, and
 * nobody else, whatever listens on which port. Resolves when listening.
 */
export async function control(socket: string, requests: Requests, log: Log) {
	const server = createListener("control", log, async (request, response) => {
		const answer = (status: number, body: object) => {
			response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
		};
		if (request.method !== "POST" || request.url !== "/backup") return answer(404, { error: "not known" });
		try {
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
	// Left by a run that was killed; whoever holds the stores' locks is the only one.
	await rm(socket, { force: true });
	const before = process.umask(0o177);
	try {
		await listening(server, log, () => server.listen({ path: socket }));
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

/** Asks the bridge behind the socket for a backup. False when none listens there. @throws Error with its cause. */
export function askForBackup(socket: string, folder: string): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const request = http.request({ socketPath: socket, method: "POST", path: "/backup" }, (response) => {
			let text = "";
			response.setEncoding("utf8").on("data", (chunk: string) => {
				text += chunk;
			});
			response.on("error", reject).on("end", () => {
				if (response.statusCode === 200) resolve(true);
				else reject(new Error((JSON.parse(text) as { error: string }).error));
			});
		});
		request.on("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(false);
			else reject(new Error(error.message, { cause: error }));
		});
		request.end(JSON.stringify({ folder }));
	});
}
