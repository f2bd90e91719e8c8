import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** The files of src that use the file system without src/files/file-error.ts, each with the reason. */
const without: Readonly<Record<string, string>> = {
	"src/files/file-error.ts": "it makes the sentences",
	"src/main.ts": "it reads package.json only, which a release has",
	"src/mqtt/chart/png-worker.ts": "it reads files of a dependency only, which an installation has",
	"src/places.ts": "it asks only whether a file is there",
	"src/store/item-in-hand.ts": "src/store/quarantine.ts explains its errors",
	"src/store/lock.ts": "src/store/nedb-file.ts explains its errors",
	"src/store/torn-tail.ts": "src/store/nedb-file.ts explains its errors",
	"src/store/readings.ts": "the bridge works without its file, and the log names the error",
	"src/store/sqlite-worker.ts": "src/store/sqlite-errors.ts explains its errors",
};

test("every file of src that uses the file system explains its errors by file-error.ts, or another one does", () => {
	const users = globSync("src/**/*.ts").filter((file) =>
		/from "node:fs(\/promises)?"/.test(readFileSync(file, "utf8")),
	);
	const bare = users.filter((file) => !/\/file-error\.ts"/.test(readFileSync(file, "utf8")));
	expect(bare.sort()).toEqual(Object.keys(without).sort());
});
