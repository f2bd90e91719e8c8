import { expect, test } from "vitest";
import { createIcon } from "../../src/matrix/icon.ts";
import { createMemoryMapping } from "../../src/store/memory.ts";
import { quiet } from "../fakes.ts";

test("the icon is a picture that is uploaded once, also over a restart, and tried again after a failure", async () => {
	const mapping = createMemoryMapping();
	const uploads: [Buffer, string][] = [];
	let isAway = true;
	const make = () =>
		createIcon({
			...{ mapping, log: quiet },
			client: {
				async upload(bytes, type) {
					if (isAway) throw new Error("away");
					uploads.push([bytes, type]);
					return { content_uri: "mxc://hs.test/icon" };
				},
			},
		});
	const icon = make();
	expect(await icon()).toBe("");
	isAway = false;
	expect(await Promise.all([icon(), icon()])).toEqual(["mxc://hs.test/icon", "mxc://hs.test/icon"]);
	expect(await make()()).toBe("mxc://hs.test/icon");
	expect(uploads).toHaveLength(1);
	expect(uploads[0]?.[1]).toBe("image/png");
	expect(uploads[0]?.[0].subarray(1, 4).toString()).toBe("PNG");
});
