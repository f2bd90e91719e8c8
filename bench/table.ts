import type { Flow } from "./cases.ts";
import type { Outcome, Part, Which } from "./flow.ts";
import type { Scene } from "./scenes.ts";

export function median(values: readonly number[]): number {
	return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? Number.NaN;
}
/** Returns a number with three significant digits, a dash for a missing or infinite one. */
const round = (value: number) =>
	!Number.isFinite(value)
		? "–"
		: value >= 100
			? Math.round(value).toLocaleString("en")
			: Number(value.toPrecision(3)).toString();
const row = (...cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;

export const flowTitle = `${row("case", "CPU ms/message: floor", "bridge", "ratio", "target", "messages/s: floor", "bridge", "p50 / p99 ms: floor", "bridge", "lost, twice, inversions: floor", "bridge", "fakes busy %")}\n${row(...Array.from({ length: 12 }, () => "---"))}`;

export function flowRows(flow: Flow, { floor, bridge }: Record<Which, readonly Outcome[]>): string[] {
	const line = (name: string, target: number | undefined, of: (one: Outcome) => Part | undefined) => {
		const parts = { floor: floor.map(of), bridge: bridge.map(of) };
		const figure = (which: Which, key: keyof Part) =>
			median(parts[which].map((one) => one?.[key] ?? Number.NaN));
		// A fault in any run counts.
		const worst = (which: Which, key: keyof Part) => Math.max(...parts[which].map((one) => one?.[key] ?? 0));
		const delay = (which: Which) => `${round(figure(which, "p50"))} / ${round(figure(which, "p99"))}`;
		const faults = (which: Which) =>
			`${worst(which, "lost")}, ${worst(which, "twice")}, ${worst(which, "inversions")}`;
		const busy = (which: Which) => Math.round(figure(which, "busy") * 100);
		return row(
			`${flow.title}, ${name}`,
			round(figure("floor", "cpu")),
			round(figure("bridge", "cpu")),
			round(figure("bridge", "cpu") / figure("floor", "cpu")),
			target ? `≤ ${target}` : "–",
			round(figure("floor", "rate")),
			round(figure("bridge", "rate")),
			delay("floor"),
			delay("bridge"),
			faults("floor"),
			faults("bridge"),
			`${busy("floor")}, ${busy("bridge")}`,
		);
	};
	const { said } = (bridge[0] as Outcome).burst;
	return [
		line(`burst of ${said.toLocaleString("en")}`, flow.targets.burst, (one) => one.burst),
		...(flow.paced ? [line("200/s", flow.targets.paced, (one) => one.paced)] : []),
	];
}

export function sceneRows(
	{ title, targets }: Scene,
	{ floor, bridge }: Record<Which, readonly Readonly<Record<string, number>>[]>,
): string[] {
	return Object.keys(bridge[0] ?? {}).map((figure) => {
		const of = (found: readonly Readonly<Record<string, number>>[]) =>
			median(found.map((one) => one[figure] ?? Number.NaN));
		const [least, ours] = [of(floor), of(bridge)];
		return row(title, figure, round(least), round(ours), round(ours / least), targets[figure] ?? "–");
	});
}
