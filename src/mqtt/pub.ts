import { type Command, defineCommand } from "../core/command.ts";
import type { Parameter } from "../core/command-parameters.ts";
import { PermanentError } from "../core/errors.ts";
import { mqttName } from "./from-mqtt.ts";
import * as phrases from "./phrases.ts";
import { createPublisher, type PublisherDeps } from "./publisher.ts";
import { placeOf } from "./topics.ts";

/** The options of `pub`, before the topic. */
const options = {
	retain: { name: "retain", kind: "flag" },
	qos: { name: "qos", kind: "choice", choices: ["0", "1"] },
	expires: { name: "seconds", kind: "number" },
} as const satisfies Readonly<Record<string, Parameter>>;
/** The longest expiry in seconds: the largest number that MQTT has a place for. // MQTT 5 §3.3.2.3.3 */
const longest = 0xffff_ffff;

/**
 * Returns the command `pub [retain] [qos 0|1] [expires SECONDS] TOPIC VALUE`. It publishes on the only broker; with several, on the broker of the room's
 * mirror, else on the broker whose name the topic begins with.
 */
export function publishCommand(
	deps: PublisherDeps &
		Readonly<{
			brokers: readonly string[];
			/** Returns whether a value can expire on a broker, as those of MQTT 5 can. */
			hasExpiry(broker: string): boolean;
		}>,
): Command {
	const publish = createPublisher(deps);
	return defineCommand({
		name: "pub",
		parameters: [
			{ name: "options", kind: "options", of: options, optional: true },
			{ name: "topic", kind: "address" },
			{ name: "value", kind: "text" },
		],
		help: "publish a value on MQTT; retain: the broker keeps it for those who subscribe later; qos 0: without an acknowledgement; expires: the broker drops it after so many seconds (MQTT 5)",
		// Talking in a room does not switch the heating, so the policy of the room's mirrors is asked.
		level: "use",
		async run(call, { options: extras = {}, topic: typed, value: payload }) {
			const portal = await deps.bridge().portal(call.network, call.room);
			const mirrored = portal?.links.find((link) => link.network === mqttName)?.room;
			const { broker, topic } = choose(typed, deps.brokers, mirrored && placeOf(mirrored).broker);
			const { expires } = extras;
			if (expires !== undefined && !(Number.isInteger(expires) && expires >= 1 && expires <= longest))
				throw new PermanentError("invalid", phrases.badOption("expires", phrases.expiryExpected(longest)));
			if (expires !== undefined && !deps.hasExpiry(broker))
				throw new PermanentError("invalid", phrases.noExpiry(broker));
			const qos = extras.qos === "0" ? 0 : 1;
			return publish({ portal, person: call.sender }, { broker, topic, payload, extras: { ...extras, qos } });
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
