import { availableParallelism } from "node:os";
import { basename, resolve } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { patience } from "./test/patience.ts";
import { soak } from "./test/soak.ts";

/** The files that take longest, the longest first. One that began last would keep a single worker busy at the end. */
const longest = [
	...[
		"conversation",
		"hostile",
		"hosted-archive",
		"hosted-join",
		"xmpp-faults",
		"scenarios",
		"faults",
		"waiting",
		"hosted-outages",
		"reactions",
		"features",
		"disasters",
		"peak-memory",
		"image",
		"xmpp-features",
		"component",
		"hosted-queries",
		"lasting-chats",
		"muc",
		"hosted-federation",
		"demo",
	],
	...["rights", "patterns", "sqlite", "network", "documented-commands", "places", "held", "fuzz"],
	...["crash.property", "backlog", "property", "session", "start", "command-line", "heap"],
];

class LongestFirst extends BaseSequencer {
	override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
		const place = ({ moduleId }: TestSpecification) => {
			const found = longest.indexOf(basename(moduleId, ".test.ts"));
			return found < 0 ? longest.length : found;
		};
		return (await super.sort(files)).sort((a, b) => place(a) - place(b));
	}
}

/** The bridge starts in half the time where its compiled code is kept, and tests start it a hundred times. */
const env = { NODE_COMPILE_CACHE: resolve(import.meta.dirname, ".testbed/compiled") };

export default defineConfig({
	test: {
		sequence: { sequencer: LongestFirst },
		projects: [
			{
				test: {
					name: "unit",
					include: ["test/**/*.test.ts"],
					exclude: ["test/e2e/**"],
					env,
					// A third of their time unit tests wait: for sockets, other processes, and delays of ours.
					maxWorkers: 2 * availableParallelism(),
					// Generated cases take their time where much else runs. A wait ends before its test does, and so tells what is missing.
					testTimeout: 2 * patience,
					hookTimeout: 2 * patience,
					expect: { poll: { timeout: patience } },
				},
			},
			{
				test: {
					name: "e2e",
					include: ["test/e2e/**/*.test.ts"],
					// Files that script/soak alone runs.
					exclude: soak ? [] : ["test/e2e/chat-kills.test.ts", "test/e2e/flood.test.ts"],
					env,
					retry: 1,
					testTimeout: 150_000,
					hookTimeout: 180_000,
					expect: { poll: { timeout: patience } },
					// Each file starts servers of its own and waits half of its time: three keep two cores three quarters busy.
					// The long forms of the tests wait less.
					maxWorkers: soak ? 2 : 3,
				},
			},
		],
	},
});
