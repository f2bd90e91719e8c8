import type { Guard } from "./guard.ts";
import type { Seen } from "./hosting.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import type { Mapping } from "./mapping.ts";
import type { Network } from "./network.ts";
import { createViewReactions } from "./view-reactions.ts";

/**
 * Creates the way of a source's timeline into its views. The returned function has to be called in the order of the
 * timeline; it resolves when the views have been told, in the order of its calls.
 */
export function createReflection(deps: {
	mapping: Pick<Mapping, "portalsOf">;
	network(name: NetworkName): Pick<Network, "reflect">;
	guard: Guard;
	/** False for what a blocked person said or did. */
	isShown(seen: Seen): boolean;
	journal: Parameters<typeof createViewReactions>[0];
}) {
	const { mapping, network, guard, isShown } = deps;
	const withSets = createViewReactions(deps.journal);
	let last: Promise<void> = Promise.resolve();

	/** Resolves with the views of a source room, each with its network. */
	async function viewsOf(of: NetworkName, room: RoomId) {
		const links = (await mapping.portalsOf(of, room)).flatMap((portal) => portal.links);
		return links.flatMap((link) =>
			link.role === "hosted" && link.network !== of && link.room
				? [{ network: link.network, view: link.room }]
				: [],
		);
	}

	async function show(of: NetworkName, timeline: readonly Seen[]): Promise<void> {
		const shown = timeline.filter(isShown);
		for (const room of new Set(shown.map((one) => one.room)))
			for (const to of await viewsOf(of, room)) {
				const there: Seen[] = [];
				for (const one of shown.filter((each) => each.room === room)) {
					const seen = await withSets(one, { network: to.network, room: to.view });
					if (seen) there.push(seen);
				}
				await guard.run("reflection of a room", () => network(to.network).reflect?.(to.view, there));
			}
	}

	return (of: NetworkName, timeline: readonly Seen[]): Promise<void> => {
		const mine = last.then(() => show(of, timeline));
		last = mine.catch(() => undefined);
		return mine;
	};
}
