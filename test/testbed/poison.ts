/**
 * A module for `node --import` that makes translators deadly: each function named in TRIVIUM_POISON
 * (“fromMatrix,writeMessage”) kills the process when its argument contains the function's name and the word poison
 * (“fromMatrix poison”) and has blocked for {@link blocks} ms, as a translator out of memory would. The bridge's code
 * knows nothing of this.
 */
import { registerHooks } from "node:module";

const names = (process.env.TRIVIUM_POISON ?? "").split(",").filter(Boolean);

/** A translator that takes all memory or never ends blocks the process for longer than this before something kills it. */
const blocks = 500;

const text = (value: unknown) =>
	typeof (value as { getChild?: unknown } | null)?.getChild === "function"
		? String(value)
		: JSON.stringify(value);

Object.assign(globalThis, {
	deadly(name: string, given: unknown[], work: (...given: unknown[]) => unknown): unknown {
		if (text(given[0]).includes(`${name} poison`)) {
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blocks);
			process.kill(process.pid, "SIGKILL");
		}
		return work(...given);
	},
});

registerHooks({
	load(url, context, next) {
		const loaded = next(url, context);
		if (!url.includes("/src/") || typeof loaded.source === "undefined") return loaded;
		let source = String(loaded.source);
		for (const name of names)
			source = source
				.replace(
					`export function ${name}(`,
					`export function ${name}(...given: any[]): any { return (globalThis as any).deadly("${name}", given, ${name}Alive); }\nfunction ${name}Alive(`,
				)
				.replace(
					`export const ${name} = (`,
					`export const ${name} = (...given: any[]): any => (globalThis as any).deadly("${name}", given, ${name}Alive);\nconst ${name}Alive: any = (`,
				);
		return { ...loaded, source };
	},
});
