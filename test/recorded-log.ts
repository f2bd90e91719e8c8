import type { Log } from "../src/core/log.ts";

export type LoggedLine = Record<string, unknown> & { level: string; msg: string };

/** Returns a log, and the lines that it has got, each with its level and fields. */
export function recordedLog(): { lines: LoggedLine[]; log: Log } {
	const lines: LoggedLine[] = [];
	const at = (level: string) => (fields: object, msg: string) => void lines.push({ level, ...fields, msg });
	const log: Log = {
		debug: at("debug"),
		info: at("info"),
		warn: at("warn"),
		error: at("error"),
		child: () => log,
	};
	return { lines, log };
}

/** Returns a log, and the text of its informations, and of its errors with their cures. */
export function recordedCures(): { lines: string[]; log: Log } {
	const lines: string[] = [];
	const log: Log = {
		debug: () => undefined,
		info: (_, message) => lines.push(message),
		warn: () => undefined,
		error: (fields, message) => lines.push(`${message}: ${String((fields as { cure: string }).cure)}`),
		child: () => log,
	};
	return { lines, log };
}
