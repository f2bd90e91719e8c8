import net, { type AddressInfo } from "node:net";

export type Wire = Awaited<ReturnType<typeof startWire>>;

/** Starts a TCP relay between two sides that injects network faults. `heard` gets what the far side sends. */
export async function startWire(heard?: (text: string) => void) {
	let target = 0;
	const ends = new Set<net.Socket>();
	const silent = new WeakSet<net.Socket>();

	const server = net.createServer({ allowHalfOpen: true }, (near) => {
		const far = net.connect({ port: target, host: "127.0.0.1", allowHalfOpen: true });
		far.on("data", (chunk) => heard?.(chunk.toString("utf8")));
		for (const [one, other] of [
			[near, far],
			[far, near],
		] as const) {
			ends.add(one);
			one.on("data", (chunk) => {
				if (!silent.has(one)) other.write(chunk);
			});
			one.on("end", () => {
				if (!silent.has(one)) other.end();
			});
			one.on("error", () => undefined); // “close” follows each error
			one.on("close", () => {
				ends.delete(one);
				if (!silent.has(one)) other.destroy();
			});
		}
	});
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	return {
		port: (server.address() as AddressInfo).port,
		leadsTo(port: number): void {
			target = port;
		},
		/** Ends every connection with a RST to both sides; data in flight is lost. */
		reset(): void {
			for (const one of ends) one.resetAndDestroy();
		},
		/** Keeps the present connections open and relays no more data on them, like a router that lost its state. */
		forget(): void {
			for (const one of ends) silent.add(one);
		},
		close(): void {
			for (const one of ends) one.destroy();
			server.close();
		},
	};
}
