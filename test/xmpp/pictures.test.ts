import { Readable } from "node:stream";
import { expect, test, vi } from "vitest";
import { createPictures } from "../../src/xmpp/pictures.ts";
import { quiet } from "../fakes.ts";
import { avatar, fakeFaces } from "./fake-faces.ts";
import { png } from "./hosted/queries/world.ts";

function world(file: (ref: string) => Buffer | undefined, size?: number) {
	const opened: string[] = [];
	const clock = { at: 0 };
	const pictures = createPictures({
		async open({ ref }) {
			opened.push(ref);
			const bytes = file(ref);
			if (!bytes) throw new Error("away");
			return { body: Readable.from([bytes], { objectMode: false }), ...(size !== undefined && { size }) };
		},
		now: () => clock.at,
		log: quiet,
	});
	return { ...pictures, get: (ref: string) => pictures.get(avatar(ref)), opened, clock };
}

test("a picture is read once, also by those who ask at the same time", async () => {
	const { get, opened } = world(() => png);
	const [one, other] = await Promise.all([get("a"), get("a")]);
	expect(one).toBe(other);
	expect(await get("a")).toBe(one);
	expect(opened).toEqual(["a"]);
});

test("a picture that could not be read is asked for again after a minute", async () => {
	let away = true;
	const { get, opened, clock } = world(() => (away ? undefined : png));
	expect(await get("a")).toBeUndefined();
	away = false;
	expect(await get("a")).toBeUndefined();
	clock.at = 60_000;
	expect(await get("a")).toMatchObject({ mime: "image/png" });
	expect(opened).toHaveLength(2);
});

const tooLarge = () => Buffer.concat([png, Buffer.alloc(1_048_576)]);

test("a picture whose size is stated as too large is never read", async () => {
	const { get, opened, clock } = world(tooLarge, 10 * 1_048_576);
	expect(await get("a")).toBeUndefined();
	clock.at = 60_000;
	expect(await get("a")).toBeUndefined();
	expect(opened).toHaveLength(1);
});

test("a picture that turns out too large is not read to its end", async () => {
	const { get } = world(tooLarge);
	expect(await get("a")).toBeUndefined();
});

test("the pictures of many rooms take 16 MiB at most: the oldest are forgotten, and read again", async () => {
	const large = Buffer.concat([png, Buffer.alloc(180_000)]);
	const { get, opened } = world(() => large);
	// As Base64 in memory one takes half a MiB.
	for (let n = 0; n < 40; n++) await get(`${n}`);
	await get("39");
	expect(opened).toHaveLength(40);
	await get("0");
	expect(opened).toHaveLength(41);
});

test("an answer about a room does not wait for a slow picture", async () => {
	vi.useFakeTimers();
	try {
		const { soon } = createPictures({ open: () => new Promise(() => undefined), now: () => 0, log: quiet });
		const answer = soon(avatar("a"));
		await vi.advanceTimersByTimeAsync(2_000);
		expect(await answer).toBeUndefined();
	} finally {
		vi.useRealTimers();
	}
});

test("the hash of a picture is known once it was read, and longer than its bytes", async () => {
	const pictures = fakeFaces({ a: png, b: Buffer.from("no picture") });
	expect(pictures.hash(avatar("a"))).toBeUndefined();
	const picture = await pictures.get(avatar("a"));
	expect(pictures.hash(avatar("a"))).toBe(picture?.sha1);
	expect(picture).toMatchObject({ width: 1, height: 1, size: png.length });
	expect(await pictures.get(avatar("b"))).toBeUndefined();
	expect(pictures.hash(avatar("b"))).toBeUndefined();
});

test("a thousand pictures wait for a slow network, and no further one", async () => {
	const slow = Promise.withResolvers<Buffer>();
	const { get, opened } = fakeFaces(
		Object.fromEntries(Array.from({ length: 1_500 }, (_, n) => [n, slow.promise])),
	);
	const all = Array.from({ length: 1_500 }, (_, n) => get(avatar(`${n}`)));
	expect(await all.at(-1)).toBeUndefined();
	slow.resolve(png);
	await Promise.all(all);
	expect(opened).toHaveLength(1_000);
});
