/**
 * A process for mqtt.test.ts to kill: the MQTT network over real stores. It appends each event to a file before it
 * acknowledges the event.
 */
import { appendFileSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bridge } from "../../src/core/network.ts";
import { createMqtt, type MqttOptions } from "../../src/mqtt/index.ts";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { quiet } from "../fakes.ts";

const [options = "", folder = ""] = process.argv.slice(2);
const mapping = createNedbMapping({
	file: `${folder}/mapping.db`,
	log: quiet,
	onFailure: (error) => {
		throw error;
	},
});
await mapping.open();
appendFileSync(`${folder}/events`, "");
const bridge: Pick<Bridge, "receive" | "cursor" | "cursors" | "saveCursor"> = {
	cursors: async () => [],
	saveCursor: async () => undefined,
	async cursor(wanted) {
		const lines = readFileSync(`${folder}/events`, "utf8").split("\n");
		return lines.map((line) => line.split("\t")).findLast(([, key]) => key === wanted)?.[2];
	},
	async receive(events) {
		for (const event of events)
			if (event.kind === "state")
				appendFileSync(
					`${folder}/events`,
					`${event.id} ${event.value}\t${event.cursor?.key}\t${event.cursor?.value}\n`,
				);
		// Most kills happen between the write and the acknowledgement.
		await sleep(30);
	},
};
await createMqtt(JSON.parse(options) as MqttOptions, { mapping, log: quiet }).start(bridge as Bridge);
