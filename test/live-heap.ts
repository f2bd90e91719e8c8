import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Returns the heap in use after a garbage collection, in MiB. */
export function liveHeap(): number {
	collect();
	return process.memoryUsage().heapUsed / 1_048_576;
}
