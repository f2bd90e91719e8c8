import { ConfigError } from "./config.ts";
import { PermanentError, TemporaryError } from "./core/errors.ts";
import * as phrases from "./core/phrases.ts";

/**
 * What an admin reads when the bridge cannot start: one line with the cause and the cure. A fault of our own is shown
 * whole, for whoever mends it.
 */
export function complaint(error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
		address?: string;
		port?: number;
	};
	if (syscall === "listen" && code) return phrases.cannotListenThere(`${address}:${port}`, code);
	const explained = [ConfigError, PermanentError, TemporaryError].some((one) => error instanceof one);
	// What is no subclass was made by hand, with a text for people; TypeError and its like are slips of ours.
	return explained || Object.getPrototypeOf(error) === Error.prototype ? error.message : error;
}
