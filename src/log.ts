import { type DestinationStream, pino } from "pino";
import type { LogLevel } from "./config.ts";
import { PermanentError, TemporaryError } from "./core/errors.ts";
import type { Log } from "./core/log.ts";
import { FileError } from "./files/file-error.ts";

const secrets = ["as_token", "hs_token", "access_token", "secret", "password", "authorization"];

/** Returns a text without secrets: libraries put URLs into their messages, and tokens into URLs. */
const clean = (text: string) =>
	text
		.replace(/((?:access|as|hs)_token=)[^&\s"']+/gi, "$1[redacted]")
		.replace(/(Bearer )[^\s"']+/gi, "$1[redacted]")
		.replace(/(\/\/[^\s/:@"']*:)[^\s/@"']+@/g, "$1[redacted]@");

/** Returns the fields of an error that name its cause: errors of HTTP libraries carry whole requests. */
function describe(error: unknown, withStack = true): unknown {
	if (!(error instanceof Error)) return typeof error === "string" ? clean(error) : error;
	// The stack of such an error does not help: its cause is the other server's answer, or the disk's.
	const fault = withStack && ![TemporaryError, PermanentError, FileError].some((one) => error instanceof one);
	const { code, reason } = error as { code?: unknown; reason?: unknown };
	return {
		type: error.name,
		message: clean(error.message),
		...(code !== undefined && { code }),
		...(reason !== undefined && { reason }),
		...(fault && error.stack !== undefined && { stack: clean(error.stack) }),
		...(error.cause !== undefined && { cause: describe(error.cause, fault) }),
	};
}

/** Returns the log: JSON lines on standard output, an error in the field `err`. Only this file knows the log library. */
export function logger(level: LogLevel, destination?: DestinationStream): Log {
	const options = {
		level,
		base: null,
		timestamp: pino.stdTimeFunctions.isoTime,
		formatters: { level: (label: string) => ({ level: label }) },
		serializers: { err: (error: unknown) => describe(error) },
		redact: { paths: secrets.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]), censor: "[redacted]" },
	};
	return destination ? pino(options, destination) : pino(options);
}
