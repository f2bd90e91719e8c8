import { performance } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

// V8 spends memory to save time: up to 128 MiB on new objects, and old ones may double before it looks which are garbage.
// That suits a program that has a machine to itself. Both flags are read whenever a heap is about to grow, which it does
// while libraries are loaded: so this file comes before them.
setFlagsFromString("--semi-space-growth-factor=1");

/** From here on old objects grow little by little: what is read at the start is there to stay, and was not worth a look. */
export const keepHeapSmall = (): void => setFlagsFromString("--heap-growing-percent=30");

/** Quiet is when the loop was busy for less than this share of so many ms. */
const [lookMs, quiet] = [2_000, 0.1];

/**
 * Gives what only the start needed back to the system, a tenth to a fifth of all memory, in the first quiet moment: it
 * takes 0.1 s, and half a second where 100,000 mappings are in memory. V8 by itself keeps it while there is nothing to do.
 */
export function giveBackWhenQuiet(): void {
	let before = performance.eventLoopUtilization();
	const timer = setInterval(() => {
		const { utilization } = performance.eventLoopUtilization(before);
		before = performance.eventLoopUtilization();
		if (utilization > quiet) return;
		clearInterval(timer);
		giveBack();
	}, lookMs).unref();
}

function giveBack(): void {
	setFlagsFromString("--expose-gc");
	const collect = runInNewContext("gc") as (how: object) => void;
	// A plain collection keeps the pages it has emptied.
	collect({ type: "major", execution: "sync", flavor: "last-resort" });
	// This one leaves 1 MiB for new objects, with which a burst costs a quarter more. V8 makes room for what lives through
	// two looks: eight times as much, once.
	setFlagsFromString("--semi-space-growth-factor=8");
	Array.from({ length: 60_000 }, () => new Array(4));
	setFlagsFromString("--semi-space-growth-factor=1");
}
