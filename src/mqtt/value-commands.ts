import { type Command, type CommandCall, defineCommand } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import type { RoomId } from "../core/ids.ts";
import type { Bridge } from "../core/network.ts";
import { pageOf } from "../core/page.ts";
import { mqttName } from "./from-mqtt.ts";
import type { Latest } from "./latest.ts";
import * as phrases from "./phrases.ts";

/** Returns the commands `list` and `get`: the latest values of the topics that a room shows. */
export function valueCommands(deps: {
	bridge(): Pick<Bridge, "portal">;
	latest(room: RoomId): readonly Latest[];
}): readonly Command[] {
	/** @throws PermanentError in a room that shows nothing of MQTT */
	async function latestIn({ network, room }: CommandCall): Promise<readonly Latest[]> {
		const portal = await deps.bridge().portal(network, room);
		const links = portal?.links.filter((link) => link.network === mqttName && link.room !== undefined) ?? [];
		if (links.length === 0) throw new PermanentError("invalid", phrases.noMirror);
		const all = links.flatMap((link) => deps.latest(link.room as RoomId));
		// Of several filters that match a topic, the latest value counts.
		const byTopic = new Map(all.toSorted((one, other) => one.at - other.at).map((one) => [one.topic, one]));
		return [...byTopic.values()].sort((one, other) => (one.topic < other.topic ? -1 : 1));
	}
	const line = ({ topic, value, at }: Latest) =>
		phrases.latestValue(topic, value, phrases.duration(Math.max(0, Date.now() - at)));

	return [
		defineCommand({
			name: "list",
			parameters: [{ name: "page", kind: "number", optional: true }],
			help: "list the things that this room shows from MQTT, with their latest values",
			level: "use",
			async run(call, { page: asked }) {
				const all = await latestIn(call);
				if (all.length === 0) return phrases.noValuesYet;
				const { entries, page, pages } = pageOf(all, asked);
				return [...entries.map(line), phrases.pageLine(page, pages, `${call.prefix}list`)]
					.filter(Boolean)
					.join("\n");
			},
		}),
		defineCommand({
			name: "get",
			parameters: [{ name: "topic", kind: "address" }],
			help: "show the latest value of a topic that this room shows",
			level: "use",
			async run(call, { topic }) {
				const all = await latestIn(call);
				// People know a thing by its name as well as by its topic.
				const wanted = topic.toLowerCase();
				const found =
					all.find((one) => one.topic === topic) ?? all.find(({ label }) => label.toLowerCase() === wanted);
				if (!found) throw new PermanentError("not-found", phrases.noValueOf(topic, `${call.prefix}list`));
				return line(found);
			},
		}),
	];
}
