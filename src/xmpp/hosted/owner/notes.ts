import { xml } from "../../stream/xml.ts";
import type { HostedContext } from "../context.ts";
import type { Session } from "../room.ts";

/** Tells the client of an owner, and nobody else, about settings that the room cannot have. */
export function tell(
	session: Session,
	notes: readonly string[],
	{ out, now }: Pick<HostedContext, "out" | "now">,
): void {
	for (const note of notes)
		out.send([session], (address) =>
			xml("message", { type: "groupchat", from: address, id: now().unique() }, xml("body", {}, note)),
		);
}
