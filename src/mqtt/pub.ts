import { type Command, defineCommand } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import type { Portal } from "../core/mapping.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { Refusal } from "./client.ts";
import { mqttName } from "./from-mqtt.ts";
import * as phrases from "./phrases.ts";
import type { MayPublish } from "./publish-policy.ts";
import { NotConnected } from "./session.ts";
import { toMqtt } from "./to-mqtt.ts";
import { placeOf } from "./topics.ts";

const nobodyListens = 0x10;

/**
 * Returns the command `pub TOPIC VALUE`. It publishes on the only broker; with several, on the broker of the room's
 * mirror, else on the one whose name the topic begins with.
 */
export const publishCommand = (deps: {
	brokers: readonly string[];
	bridge(): Bridge;
	publish(broker: string, topic: string, payload: string): Promise<number>;
	mayPublish(portal: Portal | undefined, person: Person, admin: boolean, topic: string): MayPublish;
}): Command =>
	defineCommand({
		name: "pub",
		parameters: [
			{ name: "topic", kind: "address" },
			{ name: "value", kind: "text" },
		],
		help: "publish a value on MQTT",
		// Talking in a room does not switch the heating, so the policy of the room's mirrors is asked.
		level: "use",
		async run(call, values) {
			const { topic: typed, payload } = toMqtt(values);
			const portal = await deps.bridge().portal(call.network, call.room);
			const mirrored = portal?.links.find((link) => link.network === mqttName)?.room;
			const { broker, topic } = choose(typed, deps.brokers, mirrored && placeOf(mirrored).broker);
			const admin = deps.bridge().allows(call.sender, "admin");
			const may = deps.mayPublish(portal, call.sender, admin, topic);
			if (may.kind === "person") throw new PermanentError("forbidden", phrases.mayNotPublish);
			if (may.kind === "topic")
				throw new PermanentError("forbidden", phrases.topicNotAllowed(topic, may.topics.join(", ")));
			try {
				const code = await deps.publish(broker, topic, payload);
				return code === nobodyListens ? phrases.nobodyListens(topic) : phrases.publishedTo(topic);
			} catch (error) {
				if (error instanceof Refusal)
					throw new PermanentError("forbidden", phrases.brokerRefused(error.code));
				if (error instanceof NotConnected) throw new PermanentError("busy", phrases.brokerAway(broker));
				throw new PermanentError("failed", phrases.brokerLost(broker), { cause: error });
			}
		},
	});

/** Returns the broker and the topic in a typed text. @throws PermanentError when several brokers are possible. */
export function choose(
	typed: string,
	brokers: readonly string[],
	ofRoom?: string,
): { broker: string; topic: string } {
	const only = brokers.length === 1 ? brokers[0] : ofRoom;
	if (only !== undefined) return { broker: only, topic: typed };
	const { broker, filter } = placeOf(typed);
	if (brokers.includes(broker) && filter !== "") return { broker, topic: filter };
	throw new PermanentError("invalid", phrases.whichBroker(brokers.join(", "), brokers[0] ?? ""));
}
