import { describe, expect, test } from "vitest";
import { createPages } from "../../src/matrix/pages.ts";
import { sampleEvent } from "./samples.ts";

const event = (event_id: string) => sampleEvent({ event_id });
/** Returns a history of five pages with one event each; `asked` lists the tokens of the requests. */
function history(token: "end" | "next_batch") {
	const asked: (string | undefined)[] = [];
	const read = async (from: string | undefined) => {
		asked.push(from);
		const page = Number(from ?? 0);
		return { chunk: [event(`$${page}`)], ...(page < 4 && { [token]: String(page + 1) }) };
	};
	return { asked, read };
}
async function idsOf(pages: ReturnType<typeof createPages>): Promise<string[]> {
	const ids: string[] = [];
	for await (const page of pages) ids.push(...page.map(({ event_id }) => event_id));
	return ids;
}

describe("createPages", () => {
	test.each(["end", "next_batch"] as const)("follows the token %s to the last page", async (token) => {
		const { asked, read } = history(token);
		const pages = createPages(10, read);
		expect(await idsOf(pages)).toEqual(["$0", "$1", "$2", "$3", "$4"]);
		expect(asked).toEqual([undefined, "1", "2", "3", "4"]);
		expect(pages.complete()).toBe(true);
	});

	test("stops at the bound on pages and says that the history goes on", async () => {
		const pages = createPages(3, history("end").read);
		expect(await idsOf(pages)).toEqual(["$0", "$1", "$2"]);
		expect(pages.complete()).toBe(false);
	});

	test("reads a page that failed again, and none before it", async () => {
		const { asked, read } = history("end");
		let failing = true;
		const pages = createPages(10, (from) => {
			if (from === "1" && failing) throw new Error("no answer");
			return read(from);
		});
		await expect(idsOf(pages)).rejects.toThrow("no answer");
		failing = false;
		expect(await idsOf(pages)).toEqual(["$1", "$2", "$3", "$4"]);
		expect(asked).toEqual([undefined, "1", "2", "3", "4"]);
	});

	test("leaves out entries that are no valid events", async () => {
		const pages = createPages(1, async () => ({ chunk: [null, "text", {}, event("$1")] }));
		expect(await idsOf(pages)).toEqual(["$1"]);
	});
});
