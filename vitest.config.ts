import { defineConfig } from "vitest/config";

export default defineConfig({
	test: {
		projects: [
			{
				test: {
					name: "unit",
					include: ["test/**/*.test.ts"],
					exclude: ["test/e2e/**"],
					// Generated cases take their time where much else runs.
					testTimeout: 20_000,
				},
			},
			{
				test: {
					name: "e2e",
					include: ["test/e2e/**/*.test.ts"],
					retry: 1,
					testTimeout: 150_000,
					hookTimeout: 180_000,
					// Each file starts servers of its own; two at a time keep two cores busy and no more.
					maxWorkers: 2,
				},
			},
		],
	},
});
