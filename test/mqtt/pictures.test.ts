import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import type { State } from "../../src/core/event.ts";
import { noReadings } from "../../src/core/readings.ts";
import { type Shape, shapeText } from "../../src/mqtt/shape.ts";
import { createThingFiles } from "../../src/mqtt/thing-files.ts";
import { roomOf } from "../../src/mqtt/topics.ts";
import { bring, mirrorRooms } from "./rooms.ts";

/** A PNG of one pixel, of which only the last bytes differ. */
const png = (last = 0) => {
	const head = "89504e470d0a1a0a0000000d4948445200000001000000010806000000";
	return Buffer.concat([Buffer.from(head, "hex"), Buffer.alloc(20, last)]);
};
const world = (shape: Shape = {}) => {
	const files = createThingFiles(noReadings);
	const rooms = mirrorRooms({ files });
	const room = roomOf("home", "#", shapeText(shape));
	rooms.add(room);
	const shown = (payload: string | Uint8Array, mime?: string) =>
		bring(rooms, "garden/camera", payload, { ...(mime && { mime }) }) as readonly State[];
	return { files, rooms, room, shown };
};

describe("a thing that sends a picture", () => {
	test("is shown with it", async () => {
		const { files, shown } = world();
		const [event] = shown(png());
		expect(event).toMatchObject({
			kind: "state",
			label: "garden camera",
			value: "a picture (image/png, 49 bytes)",
			media: { kind: "image", name: "garden camera.png", mime: "image/png", size: 49, width: 1, height: 1 },
		});
		const ref = event?.media?.source.ref ?? "";
		expect(await buffer(files.open(ref).body)).toEqual(png());
		const part = files.open(ref, { start: 1, end: 3 });
		expect([part.part, (await buffer(part.body)).toString()]).toEqual([{ start: 1, end: 3 }, "PNG"]);
	});

	test("is shown again only with another picture, if its mirror shows changes", () => {
		const { shown } = world({ only: { changed: true } });
		expect([png(), png(), png(1)].map((bytes) => shown(bytes).length)).toEqual([1, 0, 1]);
	});

	test.each([
		["as base64", (bytes: Buffer) => bytes.toString("base64")],
		["as the URL of its data", (bytes: Buffer) => `data:image/png;base64,${bytes.toString("base64")}`],
	])("%s, is shown with it where the mirror says so", (_, write) => {
		const payload = JSON.stringify({ image: write(png()) });
		expect(world({ value: "/image", image: true }).shown(payload)[0]?.media?.mime).toBe("image/png");
		expect(world({ value: "/image" }).shown(payload)[0]?.media).toBeUndefined();
	});

	test("is shown in the place of its last one", () => {
		const { shown } = world({ show: "state" });
		shown(png());
		expect(shown(png(1))[0]).toMatchObject({ replaces: { id: "m" }, media: { mime: "image/png" } });
	});
});

test("other bytes are told by size and beginning, and kept for people who ask for them", async () => {
	const { files, rooms, room, shown } = world();
	const [event] = shown(Uint8Array.of(0, 1, 2, 255));
	expect([event?.value, event?.media]).toEqual(["4 bytes, no text (00 01 02 ff…)", undefined]);
	const [latest] = rooms.latest(room);
	const file = files.again(latest?.file ?? "", "garden camera");
	expect(file).toMatchObject({
		kind: "file",
		name: "garden camera.bin",
		mime: "application/octet-stream",
		size: 4,
	});
	expect(await buffer(files.open(file?.source.ref ?? "").body)).toEqual(Buffer.from([0, 1, 2, 255]));
});

test.each(["image/jpeg", "text/plain", "application/pdf"])(
	"a picture is known by its bytes, and not by the type %s",
	(mime) => {
		expect(world().shown(png(), mime)[0]).toMatchObject({
			value: "a picture (image/png, 49 bytes)",
			media: { kind: "image", mime: "image/png", name: "garden camera.png" },
		});
	},
);

test.each([
	["application/pdf", Buffer.from([0x25, 0x50, 0x44, 0x46, 0]), "pdf"],
	["image/svg+xml", Buffer.from("<svg/>"), "svg"],
	["image/png", Buffer.from("no picture"), "png"],
	["text/plain", Buffer.from([0xff]), "txt"],
	["application/x-unheard-of", Buffer.from([0]), "bin"],
])(
	"a payload of the type %s that is no picture and no text is a file of that type on request",
	(mime, bytes, ending) => {
		const { files, rooms, room, shown } = world();
		const [event] = shown(bytes, mime);
		expect([event?.value, event?.media]).toEqual([`a file (${mime}, ${bytes.length} bytes)`, undefined]);
		const file = files.again(rooms.latest(room)[0]?.file ?? "", "garden camera");
		expect(file).toMatchObject({ kind: "file", mime, name: `garden camera.${ending}` });
		expect(files.open(file?.source.ref ?? "").mime).toBe(mime);
	},
);

test("files beyond the bound are forgotten, and so their picture is refused", () => {
	const { files, shown } = world();
	const [first] = shown(png());
	for (let n = 1; n <= 20; n++) shown(png(n));
	expect(() => files.open(first?.media?.source.ref ?? "")).toThrow("not there any more");
});
