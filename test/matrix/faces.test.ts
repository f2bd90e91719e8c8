import { Readable } from "node:stream";
import { beforeEach, describe, expect, test } from "vitest";
import { PermanentError, TemporaryError } from "../../src/core/errors.ts";
import { createGuard } from "../../src/core/guard.ts";
import type { NetworkName, UserId } from "../../src/core/ids.ts";
import type { Avatar, Person } from "../../src/core/person.ts";
import { createFaces } from "../../src/matrix/faces.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { fakeNetwork, quiet, until } from "../fakes.ts";

const xmpp = "xmpp" as NetworkName;
const picture = (hash: string): Avatar => ({ network: xmpp, ref: `face ${hash}`, hash });
const person = (name: string, avatar?: Avatar | null): Person => ({
	...fakeNetwork("xmpp").person(name),
	...(avatar !== undefined && { avatar }),
});
const mxid = (name: string) => `@_xmpp_${name}:hs.test` as UserId;

let mapping: ReturnType<typeof createMemoryMapping>;
let [uploads, set, opened]: string[][] = [];
let open: (ref: string) => Promise<Buffer>;
let time: number;
let width: number | undefined;

beforeEach(async () => {
	mapping = createMemoryMapping();
	[uploads, set, opened] = [[], [], []];
	open = async (ref) => Buffer.from(ref);
	[time, width] = [0, 1];
	for (const name of ["romeo", "juliet"])
		await mapping.saveGhost({ person: person(name), on: "matrix" as NetworkName, address: mxid(name), name });
});

const faces = () =>
	createFaces({
		client: { setPicture: async (ghost, url) => void set?.push(`${ghost} ${url}`) as never },
		mapping,
		files: {
			async store({ body }) {
				const bytes = Buffer.concat(await Readable.from(body).toArray());
				uploads?.push(`${bytes}`);
				return {
					url: `mxc://hs.test/${uploads?.length}`,
					mime: "image/png",
					size: bytes.length,
					...(width && { width }),
				};
			},
		},
		async open({ ref }) {
			opened?.push(ref);
			const bytes = await open(ref);
			return { body: Readable.from([bytes], { objectMode: false }), size: bytes.length };
		},
		guard: createGuard(quiet),
		log: quiet,
		now: () => time,
	});
const settled = async () => {
	for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe("the picture of a ghost", () => {
	test("is uploaded once for all who have it, over a restart as well", async () => {
		const first = faces();
		first.show(person("romeo", picture("a")));
		first.show(person("juliet", picture("a")));
		await until(
			() => set?.length === 2,
			() => `${set}`,
		);
		first.show(person("romeo", picture("a")));
		await settled();
		const later = faces();
		later.show(person("romeo", picture("a")));
		later.show(person("juliet", picture("b")));
		await until(
			() => set?.length === 3,
			() => `${set}`,
		);
		later.show(person("juliet", picture("a")));
		await until(
			() => set?.length === 4,
			() => `${set}`,
		);
		expect(uploads).toEqual(["face a", "face b"]);
		expect(set?.map((one) => one.split(" ")[1])).toEqual([1, 1, 2, 1].map((n) => `mxc://hs.test/${n}`));
	});

	test("is removed when its person has none, and stays while nobody knows", async () => {
		const { show } = faces();
		show(person("romeo", picture("a")));
		await settled();
		show(person("romeo"));
		await settled();
		expect(set).toEqual([`${mxid("romeo")} mxc://hs.test/1`]);
		show(person("romeo", null));
		await settled();
		show(person("romeo", null));
		await settled();
		expect(set?.slice(1)).toEqual([`${mxid("romeo")} `]);
		expect(await mapping.ghost(person("romeo").id, xmpp, "matrix" as NetworkName)).not.toHaveProperty(
			"picture",
		);
	});

	test("is the last one of several that come while one is read", async () => {
		const slow = Promise.withResolvers<Buffer>();
		open = (ref) => (ref === "face slow" ? slow.promise : Promise.resolve(Buffer.from(ref)));
		const { show } = faces();
		for (const hash of ["slow", "b", "c"]) show(person("romeo", picture(hash)));
		show(person("juliet", picture("b")));
		await settled();
		slow.resolve(Buffer.from("slow"));
		await until(
			() => set?.length === 3,
			() => `${set}`,
		);
		expect(uploads).toEqual(["face b", "slow", "face c"]);
		expect(set?.at(-1)).toBe(`${mxid("romeo")} mxc://hs.test/3`);
	});

	test.each([
		["that does not exist", new PermanentError("not-found", "gone"), 600_000],
		["whose server is away", new TemporaryError("away"), 60_000],
	])("%s is not asked for at each message", async (_, error, after) => {
		open = () => Promise.reject(error);
		const { show } = faces();
		for (let n = 0; n < 3; n++) {
			show(person("romeo", picture("a")));
			await settled();
		}
		expect(opened).toHaveLength(1);
		time = after;
		show(person("romeo", picture("a")));
		await settled();
		expect(opened).toHaveLength(2);
		expect(set).toEqual([]);
	});

	test("is no file that is no picture, and none that is too large", async () => {
		width = undefined;
		const { show } = faces();
		show(person("romeo", picture("text")));
		await settled();
		open = async () => Buffer.alloc(2_000_000);
		show(person("juliet", picture("large")));
		await settled();
		expect([uploads, set]).toEqual([["face text"], []]);
	});

	test("is a new one ten times in a row, and once a minute after that", async () => {
		const { show } = faces();
		for (let n = 0; n < 15; n++) {
			show(person("romeo", picture(`${n}`)));
			await settled();
		}
		expect(uploads).toHaveLength(10);
		time = 61_000;
		show(person("romeo", picture("14")));
		await settled();
		expect(uploads?.at(-1)).toBe("face 14");
	});

	test("waits for its turn: a flood of pictures takes a bounded queue, and two at once are read", async () => {
		const slow = Promise.withResolvers<Buffer>();
		open = () => slow.promise;
		const { bring } = faces();
		const brought: string[] = [];
		for (let n = 0; n < 5_000; n++)
			bring(`${n}`, picture(`${n}`), mxid(`p${n}`), async (url) => void brought.push(url));
		await settled();
		expect(opened).toHaveLength(2);
		slow.resolve(Buffer.from("x"));
		await until(
			() => brought.length >= 2_000,
			() => `${brought.length}`,
		);
		expect(brought.length).toBeLessThanOrEqual(2_002);
	});
});
