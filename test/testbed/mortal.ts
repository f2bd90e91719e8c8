/**
 * Loaded into the bridge by `node --import`: kills it at a named point of a message's life, which is always before or
 * after one of the journal's calls. TRIVIUM_DIE is "before:accept:9" (the ninth batch with such a call is not written),
 * "after:attempt:3" (it is on disk, and nobody was told). Nothing of this is known to the bridge.
 */
import { Worker } from "node:worker_threads";

const [when, call, count] = (process.env.TRIVIUM_DIE ?? "").split(":");
let left = Number(count);
let last = false;

const die = () => process.kill(process.pid, "SIGKILL");
const { postMessage, emit } = Worker.prototype;

Worker.prototype.postMessage = function (this: Worker, ...message: Parameters<typeof postMessage>) {
	const [batch] = message;
	if (Array.isArray(batch) && batch.some(([name]) => name === call) && --left === 0) {
		if (when === "before") die();
		last = true;
	}
	return postMessage.apply(this, message);
};
Worker.prototype.emit = function (this: Worker, name: string | symbol, ...values: unknown[]) {
	if (last && name === "message") die();
	return Reflect.apply(emit, this, [name, ...values]);
};
