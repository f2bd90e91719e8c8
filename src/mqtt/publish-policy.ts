import type { RoomId } from "../core/ids.ts";
import type { Portal } from "../core/mapping.ts";
import { createGlob } from "../core/permissions.ts";
import type { Person } from "../core/person.ts";
import { mqttName } from "./from-mqtt.ts";
import { mirrorOf } from "./topic-rooms.ts";
import { matches } from "./topics.ts";

/** The topics to which answers to a thing's messages go; each a template over the levels of the thing's topic. */
export type Answers = Readonly<{
	/** The topic for the text of a reply. */
	command?: string;
	/** By emoji: what a reaction publishes. */
	reactions?: Readonly<Record<string, Readonly<{ topic: string; payload: string }>>>;
}>;

/** The people who may publish from the room of a mirror, as globs over their handles, and the topics, as filters. */
export type PublishPolicy = Readonly<{ allow: readonly string[]; topics: readonly string[] }> & Answers;
/** The answer to somebody who wants to publish. `topics`: those that the room may publish to. */
export type MayPublish =
	| Readonly<{ kind: "yes" }>
	| Readonly<{ kind: "person" }>
	| Readonly<{ kind: "topic"; topics: readonly string[] }>;

/**
 * Returns the test whether a person may publish to a topic from the rooms of a portal. The policies of the portal's mirrors
 * count together. Without a policy only admins of the bridge publish; with one, they too only to its topics.
 */
export function createPublishPolicy(policies: ReadonlyMap<RoomId, PublishPolicy>) {
	const compiled = new Map(
		[...policies].map(([room, { allow, topics }]) => [room, { allow: allow.map(createGlob), topics }]),
	);
	return (portal: Portal | undefined, person: Person, admin: boolean, topic: string): MayPublish => {
		const here = (portal?.links ?? []).flatMap(({ network, room }) => {
			const policy = network === mqttName && room !== undefined ? compiled.get(mirrorOf(room)) : undefined;
			return policy ? [policy] : [];
		});
		if (here.length === 0) return admin ? { kind: "yes" } : { kind: "person" };
		const names = [...person.handles, person.domain];
		const mine = here.filter(({ allow }) => admin || allow.some((glob) => names.some((name) => glob(name))));
		if (mine.length === 0) return { kind: "person" };
		const topics = mine.flatMap((policy) => policy.topics);
		return topics.some((filter) => matches(filter, topic)) ? { kind: "yes" } : { kind: "topic", topics };
	};
}
