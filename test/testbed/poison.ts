/**
 * Loaded into the bridge by `node --import`: the translators named in TRIVIUM_POISON ("fromMatrix,writeMessage") kill the
 * process when they are given a text with the function's own name and the word poison ("fromMatrix poison"), as one would
 * that takes all memory. Nothing of this is known to the bridge.
 */
import { registerHooks } from "node:module";

const names = (process.env.TRIVIUM_POISON ?? "").split(",").filter(Boolean);

const text = (value: unknown) =>
	typeof (value as { getChild?: unknown } | null)?.getChild === "function"
		? String(value)
		: JSON.stringify(value);

Object.assign(globalThis, {
	deadly(name: string, given: unknown[], work: (...given: unknown[]) => unknown): unknown {
		if (text(given[0]).includes(`${name} poison`)) process.kill(process.pid, "SIGKILL");
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
