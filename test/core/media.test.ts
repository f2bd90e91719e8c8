import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { beforeEach, expect, test } from "vitest";
import type { Running } from "../../src/core/bridge.ts";
import { PermanentError } from "../../src/core/errors.ts";
import type { Media } from "../../src/core/event.ts";
import type { Copy, MessageId, NetworkName, RoomId } from "../../src/core/ids.ts";
import type { Network } from "../../src/core/network.ts";
import { bridgeOf, command, rulesFor } from "../bridge.ts";
import { type Fake, fakeNetwork, lines, until } from "../fakes.ts";

const cat: Media = {
	kind: "image",
	source: { network: "earth" as NetworkName, ref: "cat" },
	name: "cat.png",
};

let earth: Fake;
let mars: Fake;
let bridge: Running;
let redacted: Copy[];

async function linked(over: Partial<Network> & { can?: object } = {}): Promise<void> {
	redacted = [];
	const open = async (ref: string) => ({ body: Readable.from([Buffer.from(`bytes of ${ref}`)]) });
	earth = fakeNetwork("earth", { open });
	mars = fakeNetwork("mars", over);
	mars.rooms.set("crater", []);
	bridge = bridgeOf([earth, mars], rulesFor({ "*": "link" }), {
		redacted: async (message) => void redacted.push(message),
	});
	await bridge.start();
	await command(bridge, earth, "link mars crater");
}
beforeEach(() => linked());
const reached = (count: number) =>
	until(
		() => mars.sent.length >= count,
		() => JSON.stringify(mars.sent.map((out) => out.event)),
	);

test("a file goes as a file to a room that shows files, and its own network opens it", async () => {
	await linked({ can: { media: "native" } });
	await earth.say("plaza", "ann", "my cat", { media: cat });
	await reached(1);
	expect(mars.sent[0]?.event).toMatchObject({ text: "my cat", media: cat });
	expect(await text((await mars.bridge.open(cat.source)).body)).toBe("bytes of cat");
	expect(earth.refused).toEqual([]);
});

test("a file of a network without files cannot be opened", async () => {
	const source = { network: "mars" as NetworkName, ref: "cat" };
	await expect(bridge.open(source)).rejects.toThrow(PermanentError);
	await expect(bridge.open({ ...source, network: "venus" as NetworkName })).rejects.toThrow(PermanentError);
});

test("a file goes as words to a room without files, and the sender is notified once if the admin could change that", async () => {
	await linked({ can: { media: "text" }, lacks: { media: "set it up" } });
	for (const name of ["a.png", "b.png"]) await earth.say("plaza", "ann", "", { media: { ...cat, name } });
	await reached(2);
	expect(lines(mars)).toEqual(["ann: sent an image: a.png", "ann: sent an image: b.png"]);
	expect(earth.refused.map(({ sentence, target }) => [sentence, target])).toEqual([["set it up", "MARS"]]);
	await linked({ can: { media: "text" } });
	await earth.say("plaza", "ann", "", { media: cat });
	await reached(1);
	expect(earth.refused).toEqual([]);
});

test("the words for a file have its public link, if there is one", async () => {
	await linked({ can: { media: "text" } });
	await earth.say("plaza", "ann", "look", { media: { ...cat, link: "https://x.test/cat.png" } });
	await reached(1);
	expect(lines(mars)).toEqual(["ann: sent an image: https://x.test/cat.png\nlook"]);
});

test("a sender notice says whether a part is missing or all of an event", async () => {
	const refused: PermanentError[] = [];
	const zog = mars.person("zog");
	mars.refuse = async (_event, error) => void refused.push(error);
	const base = { id: "1" as MessageId, room: "crater" as RoomId, sender: zog, at: Date.now() };
	const event = { ...base, kind: "message" as const, style: "text" as const, text: "look" };
	mars.bridge.partly(event, new PermanentError("failed", "only a link."), "Earth");
	await until(
		() => refused.length > 0,
		() => "no notice",
	);
	expect(refused).toMatchObject([{ reason: "failed", message: "only a link.", partly: true }]);
	expect(new PermanentError("failed", "all.").partly).toBe(false);
});

test("a redaction calls the redacted hook with its message", async () => {
	await earth.say("plaza", "ann", "", { media: cat, id: "1" as MessageId });
	await reached(1);
	await earth.bridge.receive([
		{
			kind: "redaction",
			id: "2" as MessageId,
			room: "plaza" as RoomId,
			sender: earth.person("ann"),
			at: Date.now(),
			target: { id: "1" as MessageId },
		},
	]);
	expect(redacted).toEqual([{ network: "earth", room: "plaza", id: "1" }]);
});

test("the echo of a redaction from another network calls it, too, in a room that is shown in full", async () => {
	const base = { id: "$2" as MessageId, room: "plaza" as RoomId, sender: mars.person("zog"), at: 1 };
	const event = { ...base, kind: "redaction" as const, target: { id: "$1" as MessageId } };
	await bridge.seen(earth.name, [{ ...base, what: { kind: "said", event, origin: [] } }]);
	expect(redacted).toEqual([{ network: "earth", room: "plaza", id: "$1" }]);
});
