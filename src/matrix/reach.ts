import * as phrases from "./phrases.ts";

/** Reads a homeserver's answer to a ping request, which tells of the path to the appservice. Pure. */

/**
 * Returns why the homeserver does not reach the bridge by `url`, with the cure. `body`: its answer to the request for a
 * ping; `cause`: the answer as one line. // Matrix spec v1.7, "Pinging"
 */
export function whyNotReached(
	url: string,
	body: Readonly<Record<string, unknown>> | undefined,
	cause: string,
): string {
	if (body?.errcode === "M_URL_NOT_SET") return phrases.urlNotSet;
	// The bridge answers 403 to a wrong hs_token, which the homeserver passes on.
	if (body?.errcode === "M_BAD_STATUS" && (body.status === 403 || body.status === 401))
		return phrases.hsTokenWrong;
	return phrases.cannotReachUs(url, cause);
}

/** True for the answer of a homeserver that has no such request, and so cannot tell. */
export const isPingUnknown = (status: number, body: Readonly<Record<string, unknown>> | undefined): boolean =>
	body?.errcode === "M_UNRECOGNIZED" || status === 404;
