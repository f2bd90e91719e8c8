import { randomBytes } from "node:crypto";
import { type CheckResult, fails, works } from "../core/check-result.ts";
import * as phrases from "../core/phrases.ts";
import { type Handler, publicListener } from "../http/public.ts";
import { mediaPath } from "./links.ts";

const patience = 10_000;

/** Resolves with the result of a request to the public address, which must reach the bridge. `running`: the bridge has the port. */
export async function checkPublic(
	{ listen, url }: Readonly<{ listen: Readonly<{ host: string; port: number }>; url: string }>,
	running: boolean,
): Promise<CheckResult> {
	const what = "public address";
	const path = `${mediaPath}${randomBytes(12).toString("base64url")}`;
	// The test server here echoes the path; a running bridge does not know the link, and answers with an error of its own.
	const echo: Handler = async (request, response) => {
		response.writeHead(200, { "content-type": "text/plain" }).end(request.url);
	};
	const own = running
		? undefined
		: await publicListener(listen, { [mediaPath]: echo }).catch((error: NodeJS.ErrnoException) => error);
	if (own instanceof Error)
		return fails(what, phrases.cannotListenThere(`${listen.host}:${listen.port}`, String(own.code)));
	try {
		const signal = AbortSignal.timeout(patience);
		const answer = await fetch(url.replace(/\/$/, "") + path, { signal, redirect: "error" });
		const ours = running
			? answer.status === 404 && answer.headers.get("content-security-policy")?.endsWith("sandbox")
			: (await answer.text()) === path;
		return ours ? works(what, url) : fails(what, phrases.publicElsewhere(url, answer.status));
	} catch (error) {
		return fails(what, phrases.publicUnreachable(url, causeOf(error)));
	} finally {
		await own?.close();
	}
}

/** Returns the cause of a failed `fetch`, whose own message names none. */
function causeOf(error: unknown): string {
	const { cause, message } = error as Error;
	return cause instanceof Error ? cause.message : message;
}
