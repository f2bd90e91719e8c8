import { parseArgs } from "node:util";
import { flows } from "./cases.ts";
import { type Outcome, runFlow, type Which } from "./flow.ts";
import { scenes } from "./scenes.ts";
import { flowRows, flowTitle, sceneRows } from "./table.ts";

const usage = `npm run bench -- [--quick] [--runs N] [--profile FOLDER] [CASE…]

Cases: ${[...Object.keys(flows), ...Object.keys(scenes)].join(" ")}
  --quick    one short run of each
  --runs     runs of which the medians are shown (default 3)
  --profile  writes CPU profiles of floor and bridge; the figures are slower with it
`;

const { values, positionals } = parseArgs({
	options: {
		quick: { type: "boolean", default: false },
		runs: { type: "string" },
		profile: { type: "string" },
		help: { type: "boolean", default: false },
	},
	allowPositionals: true,
});
const unknown = positionals.filter((one) => !Object.hasOwn(flows, one) && !Object.hasOwn(scenes, one));
if (values.help || unknown.length > 0) {
	console.log(unknown.length > 0 ? `There is no case ${unknown.join(", ")}.\n\n${usage}` : usage);
	process.exit(values.help ? 0 : 2);
}
const wanted = (name: string) => positionals.length === 0 || positionals.includes(name);
const runs = values.quick ? 1 : Number(values.runs ?? 3);
const how = { quick: values.quick, ...(values.profile && { profile: values.profile }) };

/** Runs floor and bridge by turns, so that other load on the machine affects both. */
async function both<T>(run: (which: Which) => Promise<T>, alone = false): Promise<Record<Which, T[]>> {
	const found: Record<Which, T[]> = { floor: [], bridge: [] };
	for (let round = 0; round < runs; round++)
		for (const which of alone ? (["bridge"] as const) : (["floor", "bridge"] as const))
			found[which].push(await run(which));
	return found;
}

const chosen = Object.entries(flows).filter(([name]) => wanted(name));
if (chosen.length > 0) console.log(flowTitle);
for (const [, flow] of chosen)
	for (const row of flowRows(flow, await both<Outcome>((which) => runFlow(flow, which, how))))
		console.log(row);
const staged = Object.entries(scenes).filter(([name]) => wanted(name));
if (staged.length > 0)
	console.log("\n| case | figure | floor | bridge | ratio | target |\n|---|---|---|---|---|---|");
for (const [, scene] of staged)
	for (const row of sceneRows(scene, await both((which) => scene.run(which, how), scene.alone)))
		console.log(row);
