import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { complaint } from "../../src/complaint.ts";
import { type About, explain, explained, FileError, lackOf } from "../../src/files/file-error.ts";
import { logger } from "../../src/log.ts";
import { createSpool } from "../../src/media/spool.ts";

let folder: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "trivium-files-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("the sentence about a file that cannot be used", () => {
	test.each([
		["ENOSPC", "the disk of FOLDER is full. Make room; “df -h FOLDER” shows how much there is."],
		["EDQUOT", "the disk of FOLDER is full. Make room; “df -h FOLDER” shows how much there is."],
		[
			"EROFS",
			"the file system of FOLDER is read-only here. Mount it for writing, or, in a systemd unit with ProtectSystem, add ReadWritePaths=FOLDER.",
		],
		[
			"EMFILE",
			"the process has too many files open. Raise the limit: LimitNOFILE= in the systemd unit, or ulimit -n.",
		],
		[
			"EFBIG",
			"the process may write no file as large as that. Raise the limit: LimitFSIZE= in the systemd unit",
		],
		["EIO", "the disk failed. Look at the log of the kernel (dmesg)"],
		["EPERM", "so something else forbids it. Look at the restrictions of the systemd unit"],
	])("%s names the cause and the cure", (code, text) => {
		const about: About = { what: "The journal", path: join(folder, "journal.db"), need: "write" };
		const said = explain(code, about);
		expect(said).toContain(`The journal ${folder}/journal.db cannot be used (${code}): `);
		expect(said).toContain(text.replaceAll("FOLDER", folder));
	});

	test("in a container, rights that the modes give and something else takes are those of the mount", () => {
		const about: About = { what: "The journal", path: join(folder, "journal.db"), need: "write" };
		const facts = { user: { id: 1000, group: 1000, name: "node" }, container: true };
		expect(explain("EACCES", about, facts)).toMatch(/let node use it, .*--volume FOLDER:\/data:Z/);
	});

	test("a path with blanks or quotes is one word of the command", () => {
		const path = join(folder, "it's here", "x");
		const said = explain("ENOENT", { what: "The backup", path, need: "make" });
		const [, command = ""] = /Run: (.*)\.$/.exec(said) ?? [];
		execFileSync("sh", ["-ec", command]);
		expect(lackOf({ what: "The backup", path, need: "make" })).toBeUndefined();
	});

	test("an error about no file is left as it is", () => {
		for (const error of [new Error("x"), Object.assign(new Error("x"), { code: "ECONNREFUSED" })])
			expect(explained(error, { what: "It", path: "/", need: "read" })).toBe(error);
	});

	test("complaint answers an error that no place has explained with file and cure", () => {
		let error: unknown;
		try {
			closeSync(openSync(join(folder, "none", "x"), "w"));
		} catch (failure) {
			error = failure;
		}
		expect(complaint(error)).toBe(
			`The file ${folder}/none/x cannot be used (ENOENT): ${folder}/none is not there. Run: mkdir -p ${folder}/none.`,
		);
	});

	test("the log has the sentence and no stack", () => {
		const out: string[] = [];
		const error = new FileError("ENOSPC", "the disk is full", { cause: new Error("write ENOSPC") });
		logger("info", { write: (line) => void out.push(line) }).error({ err: error }, "stopping");
		expect(JSON.parse(out.join(""))).toMatchObject({
			err: { type: "FileError", message: "the disk is full", code: "ENOSPC" },
		});
		expect(out.join("")).not.toContain("stack");
	});
});

test("the spool names its file and the cure when the disk is full", async () => {
	const full = new Readable({
		read() {
			this.destroy(Object.assign(new Error("write"), { code: "ENOSPC", syscall: "write" }));
		},
	});
	await expect(createSpool(1_000)(full, undefined, async () => undefined)).rejects.toThrow(
		/^A file on its way .* cannot be made \(ENOSPC\): the disk of .* is full\. Make room;/,
	);
});
