import type { BrokerOptions } from "./connection.ts";

/** The values of the status topic. */
export const [online, offline] = ["online", "offline"];

/**
 * Returns the topic and the text by which the bridge announces itself to Home Assistant, as a device whose sensor tells whether
 * the bridge runs; undefined without a status topic or without discovery. Pure. // Home Assistant, "MQTT binary sensor"
 */
export function ownAnnouncement({
	discovery,
	statusTopic,
	clientId,
}: Pick<BrokerOptions, "discovery" | "statusTopic" | "clientId">):
	| Readonly<{ topic: string; payload: string }>
	| undefined {
	if (discovery === undefined || statusTopic === undefined) return undefined;
	// The levels of an announcement have these characters alone. // Home Assistant, "MQTT discovery", discovery topic
	const id = clientId.replace(/[^\w-]/g, "_");
	const announcement = {
		name: "Connection",
		unique_id: `${id}_connection`,
		device_class: "connectivity",
		entity_category: "diagnostic",
		state_topic: statusTopic,
		payload_on: online,
		payload_off: offline,
		device: { identifiers: [id], name: "Trivium" },
	};
	return { topic: `${discovery}/binary_sensor/${id}/config`, payload: JSON.stringify(announcement) };
}
