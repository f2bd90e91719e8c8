import { expect, test } from "vitest";
import { TemporaryError } from "../../src/core/errors.ts";
import type { MessageId } from "../../src/core/ids.ts";
import type { Log } from "../../src/core/log.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { fakeNetwork, until } from "../fakes.ts";

test("all log lines of a message have one trace, and none has its text", async () => {
	const written: Record<string, unknown>[] = [];
	const note = (fields: object, msg: string) => void written.push({ ...fields, msg });
	const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
	const earth = fakeNetwork("earth");
	const mars = fakeNetwork("mars");
	mars.rooms.set("crater", []);
	const bridge = bridgeOf([earth, mars], rulesFor({ "*": "link" }), { log });
	await bridge.start();
	await command(bridge, earth, "link mars crater");
	let once = true;
	mars.trouble = async () => {
		if (once) {
			once = false;
			throw new TemporaryError("not now");
		}
	};
	await earth.say("plaza", "ann", "a secret of mine", { id: "event-7" as MessageId });
	await until(
		() => mars.sent.some(({ event }) => event.kind === "message"),
		() => JSON.stringify(written),
	);
	await bridge.stop(1_000);

	const first = written.find(({ id }) => id === "event-7");
	const life = written.filter(({ trace }) => trace !== undefined && trace === first?.trace);
	expect(life.map(({ msg }) => msg)).toEqual(["received", "delivery failed, will retry", "delivered"]);
	expect(JSON.stringify(written)).not.toContain("a secret of mine");
});
