import { random as seeded } from "../random.ts";
import { type Bench, createBench } from "./bench.ts";
import { growJson, growText, mutateJson, mutateText, pick, type Random } from "./mutate.ts";
import type { Target } from "./target.ts";
import { targets } from "./targets.ts";

export type Fault = Readonly<{ target: string; input: string; fault: string }>;

/** The longest mutated input in characters, which is the size limit of a Matrix event. */
const longest = 64 * 1_024;
/** Processor time in ms per kB below which a measurement is noise, and growth does not matter. */
const noisePerKb = 1.5;
/** The largest allowed ratio of the whole input's cost to that of a fourth of it: 4 is linear, 16 is quadratic. */
const steepest = 8;

function mutated({ kind, corpus }: Target, random: Random): string {
	const text = pick(corpus, random);
	return kind === "tree" || kind === "shape"
		? mutateJson(text, corpus, random, kind === "shape", longest)
		: mutateText(text, corpus, random, longest);
}

async function once(bench: Bench, target: string, input: string): Promise<Fault | undefined> {
	const { fault } = await bench.run({ target, input });
	return fault === undefined ? undefined : { target, input, fault };
}

/** Resolves with a fault where the cost grows faster than the input. A cost below the noise is no fault. */
async function growth(
	bench: Bench,
	target: string,
	of: (size: number) => string,
	size: number,
): Promise<Fault | undefined> {
	const input = of(size);
	const noise = (noisePerKb * size) / 1_024;
	const { cpu, fault } = await bench.run({ target, input });
	if (fault !== undefined) return { target, input, fault };
	if (cpu < noise) return undefined;
	if (cpu <= steepest * (await bench.run({ target, input: of(size / 4) })).cpu) return undefined;
	/** Resolves with the least cost of three runs, because other load and the compiler only ever add to it. */
	const least = async (part: number) => {
		const all: number[] = [];
		for (let run = 0; run < 3; run++) all.push((await bench.run({ target, input: of(size * part) })).cpu);
		return Math.min(...all);
	};
	const [whole, half, fourth] = [await least(1), await least(1 / 2), await least(1 / 4)];
	// A super-linear cost shows at each doubling; a pause of the garbage collector does not.
	if (whole < noise || whole <= steepest * fourth || whole <= 2.5 * half) return undefined;
	const times = [fourth, half, whole].map((ms) => Math.round(ms)).join(", ");
	return { target, input, fault: `super-linear: a fourth, a half and all of it take ${times} ms` };
}

const named = (only: string | undefined) =>
	Object.entries(targets).filter(([name]) => only === undefined || name.includes(only));

/** Runs the growing inputs of each target at `size` characters, and calls `found` with each fault. */
export async function growAll(size: number, found: (fault: Fault) => void, only?: string): Promise<void> {
	const bench = createBench();
	try {
		for (const [name, { grows = {} }] of named(only))
			for (const [what, of] of Object.entries(grows)) {
				const fault = await growth(bench, name, of, size);
				if (fault) found({ ...fault, fault: `${what}: ${fault.fault}` });
			}
	} finally {
		bench.stop();
	}
}

/**
 * Runs `rounds` mutated inputs of each target, and instead of every twentieth a growing one. Calls `found` with
 * each fault; the run ends where it returns false.
 */
export async function mutateAll(
	seed: number,
	rounds: number,
	found: (fault: Fault) => boolean,
	only?: string,
	goesOn: () => boolean = () => true,
): Promise<void> {
	const random = seeded(seed);
	const bench = createBench();
	try {
		for (const [name, target] of named(only)) {
			for (let round = 0; round < rounds * (target.weight ?? 1) && goesOn(); round++) {
				const fault =
					round % 20 === 19
						? await growth(bench, name, grown(target, random), longest / 2)
						: await once(bench, name, mutated(target, random));
				if (fault && !found(fault)) return;
			}
		}
	} finally {
		bench.stop();
	}
}

/** Returns a random corpus input with a random place that grows until the input has the requested size. */
function grown({ kind, corpus }: Target, random: Random): (size: number) => string {
	const text = pick(corpus, random);
	const of = kind === "tree" || kind === "shape" ? growJson(text, random) : growText(text, random);
	const unit = Math.max(1, (of(64).length - of(0).length) / 64);
	return (size) => of(Math.ceil(size / unit));
}
