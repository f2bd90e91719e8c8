import { connectAsync } from "mqtt";

/**
 * Publishes values of 200 topics below "home" to a broker, so many a second for a time in ms, then prints the number of
 * values: `node flooder.ts URL USER PASSWORD RATE MS QOS`. Of QoS 1 at most 1,000 values wait for their acknowledgement.
 */
const [url = "", username = "", password = "", rate = "", ms = "", qos = "0"] = process.argv.slice(2);
const client = await connectAsync(url, { username, password, protocolVersion: 5 });
const began = performance.now();
let sent = 0;
let waiting = 0;
for (let passed = 0; passed < Number(ms); passed = performance.now() - began) {
	for (; sent < (passed / 1_000) * Number(rate) && waiting < 1_000; sent++) {
		waiting++;
		client.publish(`home/line${sent % 200}/value`, `${sent}`, { qos: qos === "1" ? 1 : 0 }, () => {
			waiting--;
		});
	}
	await new Promise((resolve) => setTimeout(resolve, 2));
}
await client.endAsync();
console.log(sent);
