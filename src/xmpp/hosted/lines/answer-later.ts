import type { Element } from "../../stream/xml.ts";
import type { World } from "../world.ts";

/** Returns the function that sends the answer to a stanza which was taken before. It returns at once. */
export const answerLater =
	({ link, log }: Pick<World, "link" | "log">) =>
	(answer: Element): void => {
		link
			.send(answer)
			.catch((error: unknown) => log.debug({ err: error }, "the answer to a line could not be sent"));
	};
