import { createServer, type Server } from "node:net";

/** The ports of a testbed's servers and of its bridge. A developer's testbed has these numbers. */
export const standardPorts = {
	synapse: 8008,
	appservice: 9993,
	public: 9994,
	health: 9995,
	prosodyC2s: 5222,
	prosodyC2sDirect: 5223,
	prosodyComponent: 5347,
	prosodyHttp: 5280,
	ejabberdC2s: 5322,
	ejabberdC2sDirect: 5323,
	ejabberdComponent: 5447,
	ejabberdHttp: 5380,
	mqtt: 1883,
	mqtts: 8883,
	mqttWebsocket: 9001,
	synapse2: 8208,
	prosody2C2s: 5422,
	prosody2C2sDirect: 5423,
	prosody2Component: 5547,
	prosody2Http: 5480,
	appservice2: 9983,
	health2: 9985,
};

export type Ports = { readonly [name in keyof typeof standardPorts]: number };
/**
 * A block of ports. `organisations`: two loopback addresses, on which servers federate by their protocols' ports.
 */
export type PortBlock = {
	base: number;
	ports: Ports;
	organisations: readonly [string, string];
	release(): void;
};

const names = Object.keys(standardPorts) as (keyof Ports)[];
// These ports are below the range from which the kernel takes outgoing ports.
const [firstBlock, lastBlock, blockSize] = [20_000, 31_960, 40];

function listen(port: number, host = "127.0.0.1"): Promise<Server | undefined> {
	const { promise, resolve } = Promise.withResolvers<Server | undefined>();
	const server = createServer((socket) => socket.destroy());
	server.once("error", () => resolve(undefined));
	server.listen(port, host, () => resolve(server.unref()));
	return promise;
}

export async function portIsFree(port: number, host?: string): Promise<boolean> {
	const server = await listen(port, host);
	server?.close();
	return server !== undefined;
}

/**
 * Takes a block of ports for this process. The process that listens on the block's first port owns the block on the
 * whole machine, and the kernel frees it when this process dies. @throws Error where no block is free.
 */
export async function takePorts(): Promise<PortBlock> {
	const blocks = (lastBlock - firstBlock) / blockSize + 1;
	const start = process.pid % blocks;
	for (let i = 0; i < blocks; i++) {
		const base = firstBlock + ((start + i) % blocks) * blockSize;
		const owner = await listen(base);
		if (!owner) continue;
		const entries = names.map((name, index) => [name, base + 1 + index] as const);
		const free = await Promise.all(entries.map(([, port]) => portIsFree(port)));
		if (free.every(Boolean)) {
			const ports = Object.fromEntries(entries) as Ports;
			const block = (base - firstBlock) / blockSize;
			const organisations = [77, 78].map((net) => `127.${net}.${block >> 8}.${block & 255}`);
			return {
				base,
				ports,
				organisations: organisations as [string, string],
				release: () => owner.close(),
			};
		}
		owner.close();
	}
	throw new Error(`no free block of ${blockSize} ports between ${firstBlock} and ${lastBlock}`);
}
