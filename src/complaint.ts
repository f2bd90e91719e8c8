import { ConfigError } from "./config.ts";
import { PermanentError, TemporaryError } from "./core/errors.ts";
import * as phrases from "./core/phrases.ts";

/**
 * Returns the text that an admin reads when the bridge cannot start: one line with the cause and the cure. A fault in the
 * bridge itself is returned whole, with its stack, for the developer.
 */
export function complaint(error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const { code, syscall, address, port } = error as NodeJS.ErrnoException & {
		address?: string;
		port?: number;
	};
	if (syscall === "listen" && code) return phrases.cannotListenThere(`${address}:${port}`, code);
	const explained = [ConfigError, PermanentError, TemporaryError].some((one) => error instanceof one);
	// A plain Error was thrown on purpose, with a text for people; TypeError and other subclasses are programming errors.
	return explained || Object.getPrototypeOf(error) === Error.prototype ? error.message : error;
}
