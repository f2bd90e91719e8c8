import { type Command, defineCommand } from "../core/command.ts";
import { PermanentError } from "../core/errors.ts";
import { mqttName } from "./from-mqtt.ts";
import * as phrases from "./phrases.ts";
import { createPublisher, type PublisherDeps } from "./publisher.ts";
import { placeOf } from "./topics.ts";

/**
 * Returns the command `pub [retain] TOPIC VALUE`. It publishes on the only broker; with several, on the broker of the room's
 * mirror, else on the one whose name the topic begins with.
 */
export function publishCommand(deps: PublisherDeps & Readonly<{ brokers: readonly string[] }>): Command {
	const publish = createPublisher(deps);
	return defineCommand({
		name: "pub",
		parameters: [
			{ name: "retain", kind: "choice", choices: ["retain"], optional: true },
			{ name: "topic", kind: "address" },
			{ name: "value", kind: "text" },
		],
		help: "publish a value on MQTT; retain: the broker keeps it for those who subscribe later",
		// Talking in a room does not switch the heating, so the policy of the room's mirrors is asked.
		level: "use",
		async run(call, { retain, topic: typed, value: payload }) {
			const portal = await deps.bridge().portal(call.network, call.room);
			const mirrored = portal?.links.find((link) => link.network === mqttName)?.room;
			const { broker, topic } = choose(typed, deps.brokers, mirrored && placeOf(mirrored).broker);
			const extras = retain && { extras: { retain: true } };
			return publish({ portal, person: call.sender }, { broker, topic, payload, ...extras });
		},
	});
}

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
