/**
 * A module for `node --import` that kills the bridge at a point of a message's life: before or after a call of the
 * journal's writer. TRIVIUM_DIE has the form WHEN:CALL:COUNT. At “before:accept:9” the ninth batch with such a call is
 * not written; at “after:attempt:3” the batch is on disk and its result is lost. The bridge's code knows nothing of this.
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
