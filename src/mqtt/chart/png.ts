import { Worker } from "node:worker_threads";
import { PermanentError } from "../../core/errors.ts";
import * as phrases from "../phrases.ts";

/** Charts that are drawn or wait for it; a further one is refused. */
const most = 5;
/** Time limit of one picture in ms. */
const within = 20_000;

/** Creates the function that draws SVG documents as PNG, one after the other. @throws PermanentError when too many wait */
export function createPainter(): (svg: string) => Promise<Uint8Array> {
	let turn: Promise<unknown> = Promise.resolve();
	let waiting = 0;
	return async (svg) => {
		if (waiting >= most) throw new PermanentError("busy", phrases.tooManyCharts);
		waiting++;
		const mine = turn.then(() => paint(svg));
		turn = mine.catch(() => undefined);
		return mine.finally(() => {
			waiting--;
		});
	};
}

function paint(svg: string): Promise<Uint8Array> {
	const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
	const worker = new Worker(new URL("./png-worker.ts", import.meta.url), { workerData: svg });
	const late = setTimeout(() => reject(new Error("a chart was not drawn in time")), within);
	worker.on("message", resolve);
	worker.on("error", reject);
	worker.on("exit", () => reject(new Error("the thread that draws charts has ended")));
	return promise.finally(async () => {
		clearTimeout(late);
		await worker.terminate();
	});
}
