import { PermanentError } from "./errors.ts";
import type { Hosting, Views } from "./hosting.ts";
import type { NetworkName } from "./ids.ts";
import type { Network } from "./network.ts";
import * as phrases from "./phrases.ts";

/** Creates the methods for networks that show rooms of others. */
export function createViews(deps: { network(name: NetworkName): Network }): Views {
	function source(of: NetworkName): Hosting {
		const { hosting, title } = deps.network(of);
		if (!hosting) throw new PermanentError("failed", phrases.noRoomsMade(title));
		return hosting;
	}
	return {
		source,
		async look(of, address, by) {
			const facts = await source(of).look(address, by);
			return facts
				? { kind: "room", facts }
				: { kind: "refused", why: "unknown", text: phrases.unlinkedTarget };
		},
		async invited(facts, person, by, reason) {
			const { inviteToView } = deps.network(person.network);
			if (!inviteToView) return false;
			await inviteToView(facts, person, by, reason);
			return true;
		},
		open: () => Promise.reject(new PermanentError("failed", phrases.unlinked)),
		places: async () => ({ places: [], complete: true, total: 0 }),
		find: async () => [],
	};
}
