import { vi } from "vitest";
import { patience } from "./patience.ts";

/** Runs `check` every `interval` milliseconds until it throws no longer, and returns its result. */
export const eventually = <T>(check: () => T | Promise<T>, interval = 20): Promise<T> =>
	vi.waitFor(check, { timeout: patience, interval });
