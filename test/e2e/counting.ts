/** A direction of delivery, with the state of each numbered line sent along it. */
export type Path = {
	name: string;
	sent: number;
	/** Lines with a confirmation; on a path with errors alone (1:1 XMPP → Matrix), lines without an error. */
	confirmed: Set<number>;
	/** Lines whose senders read that the delivery failed. */
	refused: Set<number>;
	say(n: number): Promise<void>;
	/**
	 * Lines that the homeserver handed to the bridge late or never; the bridge acknowledged every event it was
	 * handed.
	 */
	withheld?(): ReadonlySet<number>;
	/** Returns the lines that the target keeps, in its order. */
	arrived(): Promise<readonly Arrived[]>;
};
/** A line at its target. `id`: its message id, where readers recognise a repeat by it. */
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

/** Returns the lines that are confirmed and not refused, but missing at the target. */
export function missing({ confirmed, refused }: Path, arrived: readonly Arrived[]): number[] {
	const there = new Set(arrived.map(({ n }) => n));
	return [...confirmed].filter((n) => !there.has(n) && !refused.has(n));
}

/**
 * Returns the lines at fault by kind: `lost`; `twice`; `disorder` (behind a later line); `denied` (present although
 * the sender read that the delivery failed); `withheld`; `again` (repeated under the same id).
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

/** Returns true where the path broke a promise: a line is lost, doubled, out of order or denied. */
export function isOdd(path: Path, arrived: readonly Arrived[]): boolean {
	const { lost, twice, disorder, denied } = figures(path, arrived);
	return lost + twice + disorder + denied > 0;
}

/** Returns a line out of order with its neighbours, which show on whose way it was delayed. */
function standing({ confirmed }: Path, arrived: readonly Arrived[], n: number): string {
	const at = arrived.findIndex((one) => one.n === n);
	const [before, after] = [arrived[at - 1]?.n ?? "nothing", arrived[at + 1]?.n ?? "nothing"];
	return `${n} between ${before} and ${after}${confirmed.has(n) ? "" : " (not confirmed)"}`;
}

/** Returns the figures as a table, followed by the numbers of all lines at fault. */
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
