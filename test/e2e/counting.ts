/** One way a message can go, with all that is known of the numbered lines sent along it. */
export type Path = {
	name: string;
	sent: number;
	/** The sender was told that it is there, or would have been told that it is not: see where the path is made. */
	confirmed: Set<number>;
	/** The sender was told that it is not delivered. */
	refused: Set<number>;
	say(n: number): Promise<void>;
	/** What the homeserver handed late or never to our side, which acknowledged all it was handed. */
	withheld?(): ReadonlySet<number>;
	/** What the target keeps, in its order. */
	arrived(): Promise<readonly Arrived[]>;
};
/** `id`: the one it was sent with, where its readers know by it what comes again. */
export type Arrived = Readonly<{ n: number; id?: string }>;

const columns = [
	"sent",
	"confirmed",
	"refused",
	"arrived",
	"lost",
	"twice",
	"disorder",
	"denied",
	"withheld",
	"again",
] as const;
export type Figures = Readonly<Record<(typeof columns)[number], number>>;

/** Of what its sender saw confirmed, and was not told of later, what is not there. */
export function missing({ confirmed, refused }: Path, arrived: readonly Arrived[]): number[] {
	const there = new Set(arrived.map(({ n }) => n));
	return [...confirmed].filter((n) => !there.has(n) && !refused.has(n));
}

/**
 * Which lines were lost, came twice, stand after a later one, are there though their sender was told that they are not,
 * were withheld, or came again under the same id.
 */
export function oddities(path: Path, arrived: readonly Arrived[]) {
	const withheld = path.withheld?.() ?? new Set();
	const first = new Map<number, Arrived>();
	const twice: number[] = [];
	const again: number[] = [];
	for (const one of arrived) {
		const before = first.get(one.n);
		if (!before) first.set(one.n, one);
		else (one.id !== undefined && one.id === before.id ? again : twice).push(one.n);
	}
	const order = [...first.keys()];
	return {
		lost: missing(path, arrived),
		twice,
		disorder: order.filter((n, index) => index > 0 && n < (order[index - 1] as number)),
		denied: [...path.refused].filter((n) => first.has(n)),
		withheld: [...path.confirmed].filter((n) => withheld.has(n)),
		again,
	};
}

export function figures(path: Path, arrived: readonly Arrived[]): Figures {
	const odd = Object.entries(oddities(path, arrived)).map(([what, lines]) => [what, lines.length] as const);
	return {
		sent: path.sent,
		confirmed: path.confirmed.size,
		refused: path.refused.size,
		arrived: new Set(arrived.map(({ n }) => n)).size,
		...(Object.fromEntries(odd) as Record<keyof ReturnType<typeof oddities>, number>),
	};
}

/** Whether something is not as it was promised. */
export function isOdd(path: Path, arrived: readonly Arrived[]): boolean {
	const { lost, twice, disorder, denied } = figures(path, arrived);
	return lost + twice + disorder + denied > 0;
}

/** A line out of order, with what stands around it: how late it came tells on whose way it was held up. */
function standing({ confirmed }: Path, arrived: readonly Arrived[], n: number): string {
	const at = arrived.findIndex((one) => one.n === n);
	const [before, after] = [arrived[at - 1]?.n ?? "nothing", arrived[at + 1]?.n ?? "nothing"];
	return `${n} between ${before} and ${after}${confirmed.has(n) ? "" : " (not confirmed)"}`;
}

/** The figures as a table, and below it each line that is no plain arrival. */
export function table(paths: readonly Path[], arrived: readonly (readonly Arrived[])[]): string {
	const row = (cells: readonly (string | number)[]) =>
		cells.map((cell, index) => (index ? String(cell).padStart(10) : String(cell).padEnd(20))).join("");
	const rows = paths.map((path, index) => {
		const found = figures(path, arrived[index] ?? []);
		return row([path.name, ...columns.map((column) => found[column])]);
	});
	const odd = paths.flatMap((path, index) => {
		const found = arrived[index] ?? [];
		return Object.entries(oddities(path, found)).flatMap(([what, lines]) => {
			const shown = what === "disorder" ? lines.map((n) => standing(path, found, n)) : lines;
			return lines.length > 0 ? [`${path.name}: ${what}: ${shown.join(", ")}`] : [];
		});
	});
	return [row(["path", ...columns]), ...rows, ...odd].join("\n");
}
