import { readdir, readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { expect, it, vi } from "vitest";
import { createNedbMapping } from "../../src/store/nedb.ts";
import { freshFile, never } from "./directory.ts";
import { silent } from "./sample.ts";

// This mock copies the mapping in the middle of a write.
vi.mock("node:fs/promises", async (original) => {
	const real = await original<typeof import("node:fs/promises")>();
	const copyFile: typeof real.copyFile = async (from, to) => {
		await real.appendFile(from as string, '{"_id":"half');
		await real.copyFile(from, to);
	};
	return { ...real, copyFile };
});

const open = async (file: string) => {
	const mapping = createNedbMapping({ file, log: silent, onFailure: never });
	await mapping.open();
	return mapping;
};

it("backs up every whole line of a mapping while its last line is being written", async () => {
	const [file, copy] = [await freshFile("mapping.db"), await freshFile("mapping.db")];
	const mapping = await open(file);
	for (const name of ["a", "b", "c"]) await mapping.saveSetting(name, "1");
	await mapping.backup(copy);
	await mapping.close();
	expect(await readFile(file, "utf8")).toMatch(/half$/);
	expect(await readFile(copy, "utf8")).toMatch(/^(\{.*\}\n)+$/);
	const restored = await open(copy);
	for (const name of ["a", "b", "c"]) expect(await restored.setting(name)).toBe("1");
	await restored.close();
	expect(await readdir(dirname(copy)), "nothing had to be set aside").toEqual([basename(copy)]);
});
