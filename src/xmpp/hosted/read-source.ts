import { PermanentError } from "../../core/errors.ts";
import type { RoomView } from "../../core/hosting.ts";
import type { RoomId } from "../../core/ids.ts";
import type { HostedContext } from "./context.ts";

/**
 * Resolves with the facts and the members of a source that no room in memory shows; undefined where neither the bot nor a
 * ghost is in it. @throws TemporaryError
 */
export async function readSource(
	source: RoomId,
	{ bridge, of }: Pick<HostedContext, "bridge" | "of">,
): Promise<RoomView | undefined> {
	try {
		return await bridge().views.source(of).view(source);
	} catch (error) {
		if (error instanceof PermanentError) return undefined;
		throw error;
	}
}
