import type { Guard } from "./guard.ts";
import type { Place, Seen } from "./hosting.ts";
import type { NetworkName, RoomId } from "./ids.ts";
import type { Mapping } from "./mapping.ts";
import { withNamesSeen } from "./names.ts";
import type { Network } from "./network.ts";
import type { Places } from "./places.ts";
import type { Repeats } from "./repeats.ts";
import { createViewReactions } from "./view-reactions.ts";

type View = Readonly<{ network: NetworkName; room: RoomId }>;

/**
 * Creates the way of a source's timeline into the archive and into its views. The returned function has to be called in
 * the order of the timeline. Its promise resolves when the next call may follow; `saved`, when the order is on disk and
 * the views have been told, in the order of the calls.
 */
export function createReflection(deps: {
	mapping: Pick<Mapping, "portalsOf">;
	journal: Parameters<typeof createViewReactions>[0] & Readonly<{ places: Pick<Places, "append"> }>;
	repeats: Pick<Repeats, "without">;
	network(name: NetworkName): Pick<Network, "reflect">;
	guard: Guard;
	/** False for what a blocked person said or did. */
	isShown(seen: Seen): boolean;
}) {
	const { mapping, journal, repeats, network, guard, isShown } = deps;
	const withSets = createViewReactions(journal);
	let last: Promise<void> = Promise.resolve();

	/** Resolves with the views of a source room, each with its network. */
	async function viewsOf(of: NetworkName, room: RoomId): Promise<readonly View[]> {
		const links = (await mapping.portalsOf(of, room)).flatMap((portal) => portal.links);
		return links.flatMap((link) =>
			link.role === "hosted" && link.network !== of && link.room
				? [{ network: link.network, room: link.room }]
				: [],
		);
	}

	/** A message has a place of its own in the archive, and so has each event that changes one. */
	const placeOf = ({ id, at, what }: Seen): readonly Place[] =>
		what.kind === "said" || what.kind === "deleted" ? [{ id, at }] : [];

	async function show(view: View, timeline: readonly Seen[]): Promise<void> {
		const shown: Seen[] = [];
		for (const one of timeline) {
			// The source would repeat its timeline for ever if one event of it failed here.
			await guard.run("reactions of a view", async () => {
				const seen = await withSets(one, view);
				if (seen) shown.push(seen);
			});
		}
		await guard.run("reflection of a room", () => network(view.network).reflect?.(view.room, shown));
	}

	return async (of: NetworkName, timeline: readonly Seen[]): Promise<{ saved: Promise<void> }> => {
		const shown = timeline.filter(isShown).map(withNamesSeen);
		const rooms = await Promise.all(
			[...new Set(shown.map(({ room }) => room))].map(async (room) => {
				const seen = repeats.without(
					of,
					room,
					shown.filter((one) => one.room === room),
				);
				return { room, views: await viewsOf(of, room), seen };
			}),
		);
		const hosted = rooms.filter(({ views }) => views.length > 0);
		const written = hosted.map(({ room, seen }) => journal.places.append(of, room, seen.flatMap(placeOf)));
		const before = last;
		const saved = Promise.all(written).then(async () => {
			await before;
			for (const { views, seen } of hosted) for (const view of views) await show(view, seen);
		});
		last = saved.catch(() => undefined);
		return { saved };
	};
}
