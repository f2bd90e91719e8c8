import { MqttClient } from "mqtt";
import { expect, test, vi } from "vitest";
import { dial } from "../../src/mqtt/client.ts";

test("a connection ends by itself when the library hangs while it connects", async () => {
	const stuck = vi.spyOn(MqttClient.prototype, "connect").mockImplementationOnce(function (this: MqttClient) {
		return this;
	});
	const ended = Promise.withResolvers<Error>();
	dial(
		{ url: "mqtt://127.0.0.1:9", clientId: "c", protocol: "5" },
		{ up: () => undefined, arrival: async () => undefined, down: ended.resolve },
		{ patience: { deadline: 0, keepalive: 1_000 } },
	);
	expect((await ended.promise).message).toBe("no answer");
	expect(stuck).toHaveBeenCalledTimes(1);
	stuck.mockRestore();
});
