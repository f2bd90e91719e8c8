/**
 * The logger of core and the networks; src/log.ts makes it with pino. Messages are constant, data goes into fields, and
 * no field holds a body or a secret.
 */
export interface Log {
	debug(fields: object, message: string): void;
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
	error(fields: object, message: string): void;
	child(fields: object): Log;
}

/**
 * Returns the level of a line about attempt number `attempt` (from 1 on) at something that failed again: a warning for ever
 * fewer attempts, so that a long outage hides nothing else in the log.
 */
export const retryLevel = (attempt: number): "warn" | "debug" =>
	Number.isInteger(Math.log2(attempt) / 2) ? "warn" : "debug";

const nothing = () => undefined;
/** A logger that logs nothing, for commands that print their results. */
export const silent: Log = {
	debug: nothing,
	info: nothing,
	warn: nothing,
	error: nothing,
	child: () => silent,
};
