import { PermanentError } from "../core/errors.ts";
import type { Portal } from "../core/mapping.ts";
import type { Bridge } from "../core/network.ts";
import type { Person } from "../core/person.ts";
import { type Extras, Refusal } from "./connection.ts";
import * as phrases from "./phrases.ts";
import type { MayPublish } from "./publish-policy.ts";
import { NotConnected } from "./session.ts";
import { toMqtt } from "./to-mqtt.ts";

const nobodyListens = 0x10;

/** Publishes a value for a person from a room, once it is allowed. */
export type Publisher = (
	by: Readonly<{ portal: Portal | undefined; person: Person }>,
	what: Readonly<{ broker: string; topic: string; payload: string; extras?: Extras }>,
) => Promise<string>;

export type PublisherDeps = Readonly<{
	bridge(): Pick<Bridge, "allows" | "portal">;
	/** Resolves with the reason code of the PUBACK. */
	publish(broker: string, topic: string, payload: string, extras?: Extras): Promise<number>;
	mayPublish(portal: Portal | undefined, person: Person, admin: boolean, topic: string): MayPublish;
}>;

/**
 * Returns a function that publishes for a person, and resolves with the result for people, after the broker's PUBACK at QoS 1. It
 * throws a PermanentError with the reason of a refusal.
 */
export function createPublisher({ bridge, publish, mayPublish }: PublisherDeps): Publisher {
	return async ({ portal, person }, { broker, extras, ...given }) => {
		const { topic, payload } = toMqtt({ topic: given.topic, value: given.payload });
		const may = mayPublish(portal, person, bridge().allows(person, "admin"), topic);
		if (may.kind === "person") throw new PermanentError("forbidden", phrases.mayNotPublish);
		if (may.kind === "topic")
			throw new PermanentError("forbidden", phrases.topicNotAllowed(topic, may.topics.join(", ")));
		const result = await answered(broker, topic, () => publish(broker, topic, payload, extras));
		return extras?.qos === 0 ? phrases.sentTo(topic) : result;
	};
}

/** Resolves with the result of a publish for people. @throws PermanentError with the broker's reason */
export async function answered(
	broker: string,
	topic: string,
	publish: () => Promise<number>,
): Promise<string> {
	try {
		return (await publish()) === nobodyListens ? phrases.nobodyListens(topic) : phrases.publishedTo(topic);
	} catch (error) {
		if (error instanceof Refusal) throw new PermanentError("forbidden", phrases.brokerRefused(error.code));
		if (error instanceof NotConnected) throw new PermanentError("busy", phrases.brokerAway(broker));
		throw new PermanentError("failed", phrases.brokerLost(broker), { cause: error });
	}
}
