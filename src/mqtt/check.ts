import { type CheckResult, fails, works } from "../core/check-result.ts";
import { dial } from "./client.ts";
import { type BrokerOptions, type Connection, Refusal, type Welcome } from "./connection.ts";
import type { MqttOptions } from "./index.ts";
import * as phrases from "./phrases.ts";

/** Checks each broker and its mirrored topics. */
export async function checkMqtt({ brokers, mirrors, making = [] }: MqttOptions): Promise<CheckResult[]> {
	const found: CheckResult[] = [];
	for (const [name, broker] of Object.entries(brokers)) {
		const filters = [...mirrors, ...making].filter((one) => one.broker === name).map(({ topic }) => topic);
		found.push(...(await checkBroker(name, broker, [...new Set(filters)])));
	}
	return found;
}

/** Checks that a broker accepts the connection and each filter, and reports its limits. The bridge's session is not used. */
async function checkBroker(
	name: string,
	broker: BrokerOptions,
	filters: readonly string[],
): Promise<CheckResult[]> {
	const what = `broker ${name}`;
	const { promise, resolve } = Promise.withResolvers<Welcome | Error>();
	const visitor = { ...broker, clientId: `${broker.clientId}-check` };
	const connection = dial(
		visitor,
		{ up: resolve, arrival: async () => undefined, down: resolve },
		{ fleeting: true },
	);
	const welcome = await promise;
	if (welcome instanceof Error) return [fails(what, explain(welcome, broker.url))];
	const { limits } = welcome;
	const found = [
		// [MQTT-3.2.2-10]: a broker may announce less than QoS 1.
		limits.maximumQoS === 0
			? fails(what, phrases.brokerNoQos1)
			: works(what, [broker.url, phrases.brokerLimits(named(limits))].filter(Boolean).join(", ")),
	];
	for (const filter of filters) found.push(await readable(connection, filter));
	connection.close();
	return found;
}

async function readable(connection: Connection, filter: string): Promise<CheckResult> {
	const what = `mirror ${filter}`;
	try {
		await connection.subscribe(filter);
		return works(what);
	} catch (error) {
		return fails(
			what,
			error instanceof Refusal ? phrases.brokerRefused(error.code) : (error as Error).message,
		);
	}
}

/** Returns the limits that the broker announced in its CONNACK. // MQTT 5 §3.2.2.3 */
const named = (limits: Welcome["limits"]) => ({
	...(limits.receiveMaximum !== undefined && { "receive maximum": limits.receiveMaximum }),
	...(limits.maximumPacketSize !== undefined && { "maximum packet size": limits.maximumPacketSize }),
	...(limits.maximumQoS !== undefined && { "maximum QoS": limits.maximumQoS }),
	...(limits.retainAvailable === false && { retain: "not available" }),
	...(limits.wildcardSubscriptionAvailable === false && { wildcards: "not available" }),
	...(limits.sessionExpiryInterval !== undefined && {
		"session expiry": `${limits.sessionExpiryInterval} s`,
	}),
});

function explain(error: Error & { code?: unknown }, url: string): string {
	if (error instanceof Refusal) return phrases.brokerRefused(error.code);
	const text = error.message || String(error.code);
	if (/certificate|CERT_|altname/i.test(`${text} ${String(error.code)}`))
		return phrases.brokerNotTrusted(text);
	if (/wrong version number|packet length|EPROTO|secure TLS connection/i.test(text))
		return phrases.brokerNoTls;
	if (/the connection broke|no answer|connack timeout|ECONNRESET/.test(text) && /^(mqtt|ws):/.test(url))
		return phrases.brokerNeedsTls;
	return phrases.notReached(url, text);
}
