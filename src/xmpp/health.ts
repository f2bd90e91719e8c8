import { type CheckResult, fails, works } from "../core/check-result.ts";
import type { Log } from "../core/log.ts";
import type { Status } from "../core/network.ts";
import type { createTrouble } from "../core/trouble.ts";
import { checkPath } from "./check.ts";
import * as phrases from "./phrases.ts";
import type { Component } from "./stream/component.ts";
import type { createConflictWatch } from "./stream/connection-conflict.ts";
import type { createPathWatch } from "./stream/path-watch.ts";

/** Tells the state of the link to the XMPP server, for the log and for `check`. */
export function createHealth(deps: {
	link: Component;
	component: string;
	/** The address of the XMPP server. */
	service: string;
	trouble: ReturnType<typeof createTrouble>;
	conflictWatch: ReturnType<typeof createConflictWatch>;
	pathWatch: ReturnType<typeof createPathWatch>;
	/** Files are given out from our own address. */
	publicFiles: boolean;
	log: Log;
}) {
	const { link, component, trouble, conflictWatch, pathWatch, publicFiles, log } = deps;
	return {
		status(): Status {
			const cause = conflictWatch.cause() ?? pathWatch.cause();
			const status = trouble.status();
			return status.up && cause !== undefined ? { up: false, cause } : status;
		},
		async check(): Promise<readonly CheckResult[]> {
			const what = "component";
			const cause = trouble.status().cause ?? conflictWatch.cause();
			if (cause !== undefined) return [fails(what, cause)];
			return [
				works(what, phrases.componentHeld(component, deps.service)),
				...(await checkPath(link, component, { publicFiles, log })),
			];
		},
	};
}
