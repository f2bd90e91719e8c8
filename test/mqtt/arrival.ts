/** Returns a value of QoS 0 as it arrives at the only subscription of its broker. */
export const arrival = (topic: string, text: string) => ({
	topic,
	payload: Buffer.from(text),
	qos: 0 as const,
	dup: false,
	retain: false,
	packetId: undefined,
	subscriptions: [],
	subscribed: ["#"],
});
