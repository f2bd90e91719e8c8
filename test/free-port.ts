import { createServer } from "node:net";

// The kernel takes no port below 32768 for a connection or a listener without a port of its own, and the testbeds take
// theirs from 20000 on. `fetch` refuses port 10080 as a bad port. Processes with equal remainders share a block, so a port
// of it is tried before it is given out.
const [first, blocks, size] = [10_100, 396, 25];
let next = 0;

/** Resolves with a port of 127.0.0.1 on which nothing listens, and which no other process takes before the test does. */
export async function freePort(): Promise<number> {
	for (;;) {
		const port = first + (process.pid % blocks) * size + (next++ % size);
		const server = createServer();
		const free = await new Promise<boolean>((resolve) => {
			server.once("error", () => resolve(false));
			server.listen(port, "127.0.0.1", () => resolve(true));
		});
		if (!free) continue;
		await new Promise((resolve) => server.close(resolve));
		return port;
	}
}
