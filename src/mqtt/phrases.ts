/** The sentences about MQTT that a person can be shown, and the general ones. */
export * from "../core/phrases.ts";

// Values.
export const binaryValue = (bytes: number, head: string) => `${bytes} bytes, no text (${head}…)`;
export const tooLargeValue = (bytes: number, largest: number) =>
	`a value of ${megabytes(bytes)}, which is too large to be shown: the limit is ${megabytes(largest)}. An admin of the bridge can raise “max_packet_size” of the broker`;
export const packetTooLarge = (bytes: number, largest: number) =>
	`the broker sent a packet of ${megabytes(bytes)}, and twice ${megabytes(largest)} is the most that is read. Raise “max_packet_size” of this broker, or have the device send less`;
const megabytes = (bytes: number) =>
	bytes < 100_000 ? `${bytes} bytes` : `${(bytes / 1_048_576).toFixed(1)} MiB`;
export const pictureValue = (mime: string, bytes: number) => `a picture (${mime}, ${bytes} bytes)`;
export const fileValue = (mime: string, bytes: number) => `a file (${mime}, ${bytes} bytes)`;
export const longValue = (start: string, bytes: number) => `${start}… (${bytes} bytes in all)`;

// Rooms of topics.
export const furtherThings = (filter: string) => `Further things of ${filter}`;
export const furtherThingsTopic = (filter: string, most: number) =>
	`The mirror of ${filter} has made its ${most} rooms, so the values of further topics are shown here. An admin of the bridge can raise “rooms” of the mirror.`;

// `list` and `get`.
export const noMirror = "this room shows nothing from MQTT.";
export const noMirrorForYou = "none of the rooms that you are in shows anything from MQTT.";
export const noValuesYet = "Nothing has come from MQTT yet.";
export const latestValue = (topic: string, text: string | null, ago: string) =>
	`${topic}: ${text ?? "cleared"} (${ago} ago)`;
export const noValueOf = (topic: string, list: string) =>
	`nothing has come from “${topic}” yet. This lists the topics with values: ${list}`;

// `chart`.
export const chartOf = (label: string, period: string, values: number) =>
	`${label}, the last ${period}: ${values} ${values === 1 ? "value" : "values"}.`;
export const noNumbersOf = (label: string) =>
	`“${label}” had no numbers in that time. A chart needs values that begin with a number; of JSON, “value” of the mirror names the place of one.`;
export const tooManyCharts = "too many charts are being drawn now. Try again in a minute.";

// The options of a link to a topic filter.
export const shownWith = (filter: string, options: string) => `Shown here: ${filter} ${options}`.trimEnd();
export const badOption = (option: string, problem: string) => `the option “${option}” is wrong: ${problem}.`;
export const pointerExpected = "it is the place of a value in JSON, such as /temperature or /sensors/0/value";
export const decimalsExpected = "it is a number of decimals, 0 to 20";
export const patternExpected =
	"it is a regular expression (RE2) such as ^(open|closed)$, without look-around and back references";
export const stepExpected = "it is a number above 0, or a percentage such as 5%";
export const rangeExpected = "it is not below “min”, or no value would be shown";
export const secondsExpected = "it is a number of seconds, at most 86400";
export const templateMistake = (message: string, at: number) =>
	`${message} (character ${at} of the template)`;

// `pub`: the result of a publish, and the reasons of a refusal.
export const publishedTo = (topic: string) => `Published to ${topic}.`;
export const nobodyListens = (topic: string) => `Published to ${topic}, but nobody is listening there.`;
export const sentTo = (topic: string) =>
	`Sent to ${topic} at QoS 0, which the broker does not acknowledge: it may be lost.`;
export const expiryExpected = (most: number) => `it is a whole number of seconds, 1 to ${most}`;
export const noExpiry = (broker: string) =>
	`a value cannot expire on the broker ${broker}, which the bridge speaks MQTT 3.1.1 with. It takes “protocol: "5"” of the broker.`;
export const notPublishable = (topic: string) =>
	`“${topic}” cannot be published to: a topic has no + or #, does not begin with $, and is not empty.`;
export const mayNotPublish =
	"you may not publish from this room. An admin of the bridge can allow it with publish.allow of the room's mirror.";
export const topicNotAllowed = (topic: string, topics: string) =>
	`this room may not publish to ${topic}, but to: ${topics || "nothing"}. An admin of the bridge can change publish.topics of the room's mirror.`;
export const deviceUnderstands = (words: string) =>
	`this device does not understand that. It takes: ${words}.`;
export const answerTooLate =
	"the bridge was away for too long: a value that was meant for an earlier moment is not published. Say it again.";
export const notFilter = (typed: string) =>
	typed.startsWith("$share/")
		? "a broker gives each client only some of the values of a shared subscription; link the filter that stands behind $share/ and the name of the group."
		: `“${typed}” is not a topic filter. A topic filter looks like home/+/temperature, where + stands for one whole level and # for all the rest.`;
export const valueTooLarge = (bytes: number, limit: number) =>
	`the value has ${bytes} bytes, and ${limit} is the limit.`;
export const whichBroker = (names: string, example: string) =>
	`there are several brokers (${names}), so begin the topic with one: ${example}/…`;
export const brokerAway = (name: string) =>
	`the broker ${name} cannot be reached now. Try again in a minute.`;
export const brokerLost = (name: string) =>
	`the connection to the broker ${name} broke before it answered; it may or may not have taken the value.`;
export const brokerRefused = (code: number) =>
	`the broker refused it: ${brokerReasons[code] ?? `reason code 0x${code.toString(16)}`}.`;
/** MQTT 5 §2.4, those a person can do something about. */
const brokerReasons: Readonly<Record<number, string>> = {
	128: "it gives no reason",
	131: "it does not accept that there",
	132: "it speaks another MQTT version. Set “protocol” of this broker to the other one",
	133: "it does not accept our client_id. Set another one",
	134: "user name or password are wrong. Correct “url” and “password” of this broker",
	135: "we are not authorised. Allow it in the broker's access list, or correct user and password",
	136: "it is unavailable",
	137: "it is busy",
	138: "we are banned there",
	139: "it is shutting down",
	142: "another client uses our client_id. Stop it, or give this bridge a client_id of its own",
	143: "it does not accept this topic filter",
	144: "it does not accept this topic",
	149: "it is too large for it",
	151: "a quota is exceeded",
	153: "it does not accept this kind of value",
	155: "it does not do QoS 1",
	159: "too many connections at once",
	162: "it does not do wildcards. Name the topics one by one",
};

// `check`: each thing that can fail, with its cure.
export const brokerNotTrusted = (cause: string) =>
	`its certificate is not trusted: ${cause}. Name the authority that signed it as “ca” of this broker.`;
export const brokerNoTls =
	"it does not speak TLS on this port. Use mqtt: instead of mqtts:, or the port for TLS (8883 on most brokers).";
export const brokerNeedsTls =
	"it closed the connection without an answer. If this is its port for TLS, use mqtts: instead of mqtt:.";
export const brokerNoQos1 = "it does QoS 0 only, so values would be lost. Allow QoS 1 there.";
export const subscriptionRefused = (filter: string, code: number) =>
	`the subscription to ${filter} is missing: ${brokerRefused(code)}`;
export const brokerForgets =
	"what devices send while the broker restarts, or while the bridge is away, is lost. In Mosquitto set “persistence true”; in other brokers, let the sessions of this client outlive a restart and a disconnect.";
export const brokerKeepsShort = (seconds: number) =>
	`the broker keeps our session for ${seconds} seconds, so values of a longer outage are lost. Raise its limit for the expiry of sessions.`;
export const brokerLimits = (limits: Readonly<Record<string, string | number | boolean>>) =>
	Object.entries(limits)
		.map(([name, value]) => `${name} ${value}`)
		.join(", ");
