import { createConnection, createServer } from "node:net";

/** Listens at an address and passes each connection on to a port of this machine. Resolves with a function that ends it. */
export async function forward(host: string, port: number, target: number): Promise<() => void> {
	const server = createServer((client) => {
		const onward = createConnection(target, "127.0.0.1");
		client.on("error", () => onward.destroy()).pipe(onward);
		onward.on("error", () => client.destroy()).pipe(client);
	});
	const { promise, resolve, reject } = Promise.withResolvers<void>();
	server.once("error", reject).listen(port, host, resolve);
	await promise;
	return () => void server.close();
}
