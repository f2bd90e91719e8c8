import { connect } from "node:net";
import type { Layout } from "./layout.ts";

/** The properties of one kind of server. */
export type Definition = {
	/** Returns the files in the server's folder, which every start writes anew. */
	files(layout: Layout): Record<string, string>;
	/** Returns the command that runs the server in the foreground, inside the root. */
	command(layout: Layout): readonly string[];
	ready(layout: Layout): Promise<boolean>;
	/** The log files that the server writes itself, besides its output. */
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
