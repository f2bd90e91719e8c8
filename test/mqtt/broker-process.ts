/** A process for second-broker.test.ts to kill: Aedes, with all that it keeps in memory. It prints its port when it listens. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Aedes } from "aedes";

const [port = "0"] = process.argv.slice(2);
const aedes = await Aedes.createBroker({ heartbeatInterval: 60_000 });
const server = createServer(aedes.handle).listen(Number(port), "127.0.0.1");
await once(server, "listening");
process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
