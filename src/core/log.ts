/** What core and the networks need of a logger; pino has it (src/log.ts). Constant message, data in fields, never bodies or secrets. */
export interface Log {
	debug(fields: object, message: string): void;
	info(fields: object, message: string): void;
	warn(fields: object, message: string): void;
	error(fields: object, message: string): void;
	child(fields: object): Log;
}

const nothing = () => undefined;
/** Logs nothing: for a command that prints its results itself. */
export const silent: Log = {
	debug: nothing,
	info: nothing,
	warn: nothing,
	error: nothing,
	child: () => silent,
};
