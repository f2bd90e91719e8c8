import { connect } from "node:net";
import type { Layout } from "./layout.ts";

/** What the testbed has to know of one kind of server. */
export type Definition = {
	/** Files under the server's folder, written anew at every start. */
	files(layout: Layout): Record<string, string>;
	/** The server in the foreground, as run inside the root. */
	command(layout: Layout): readonly string[];
	ready(layout: Layout): Promise<boolean>;
	/** Its own logs, beside what it prints. */
	logs: readonly string[];
};

export async function answers(url: string, init?: RequestInit): Promise<boolean> {
	const response = await fetch(url, init).catch(() => undefined);
	await response?.body?.cancel();
	return response?.ok ?? false;
}

export function listens(port: number): Promise<boolean> {
	const { promise, resolve } = Promise.withResolvers<boolean>();
	const socket = connect(port, "127.0.0.1", () => resolve(true));
	socket.once("error", () => resolve(false));
	return promise.finally(() => socket.destroy());
}
