import { expect, test } from "vitest";
import { readAnnouncement } from "../../src/mqtt/discovery.ts";
import { ownAnnouncement } from "../../src/mqtt/own-announcement.ts";

test("the bridge announces itself as a device whose sensor reads its status topic", () => {
	const { topic, payload } =
		ownAnnouncement({ discovery: "ha", statusTopic: "trivium/status", clientId: "trivium 1/a" }) ?? {};
	expect(topic).toBe("ha/binary_sensor/trivium_1_a/config");
	const [part] = readAnnouncement("ha", topic ?? "", payload ?? "") ?? [];
	expect(part).toMatchObject({
		device: "Trivium",
		deviceClass: "connectivity",
		stateTopic: "trivium/status",
	});
	expect(JSON.parse(payload ?? "")).toMatchObject({ payload_on: "online", payload_off: "offline" });
});

test.each([{ discovery: "ha" }, { statusTopic: "trivium/status" }])(
	"it announces nothing with %j alone",
	(one) => {
		expect(ownAnnouncement({ clientId: "c", ...one })).toBeUndefined();
	},
);
