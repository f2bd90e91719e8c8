import type { Config } from "./config.ts";
import type { CheckResult } from "./core/check-result.ts";
import type { NetworkName } from "./core/ids.ts";
import type { Network } from "./core/network.ts";
import { checkMatrix } from "./matrix/check.ts";
import { createMatrix } from "./matrix/index.ts";
import { checkMqtt } from "./mqtt/check.ts";
import { createMqtt } from "./mqtt/index.ts";
import { checkXmpp } from "./xmpp/check.ts";
import { createXmpp } from "./xmpp/index.ts";

/** The dependencies of the networks besides their sections of the config. */
type Deps = Omit<
	Parameters<typeof createMatrix>[1] & Parameters<typeof createXmpp>[1] & Parameters<typeof createMqtt>[1],
	"ghostsOf" | "namespace" | "roomsOn"
>;
type Side = Readonly<{
	name: string;
	/** Returns the network, undefined without a section in the config. */
	create(config: Config, deps: Deps): Network | undefined;
	/** Checks the network for an admin. `running`: the running bridge holds its places there, and says this of them. */
	check(config: Config, running: readonly CheckResult[] | undefined): Promise<readonly CheckResult[]>;
}>;

/** The results of the networks of a running bridge, by name; none for a network that it does not have. */
export type RunningResults = Readonly<Record<string, readonly CheckResult[]>>;

/** The networks, in the order they start. A new network is one entry here. */
const sides: readonly Side[] = [
	{
		name: "matrix",
		create: ({ matrix }, deps) => createMatrix(matrix, { ...deps, ghostsOf: ghostsOnMatrix }),
		check: async ({ matrix, mqtt, gateway }, running) => [
			...(await checkMatrix(matrix, {
				ghostsOf: ghostsOnMatrix,
				running: running !== undefined,
				roomsMade: gateway.create.length > 0,
				mirrored: mqtt?.mirrors.map(({ room }) => room) ?? [],
			})),
			...failed(running),
		],
	},
	{
		name: "xmpp",
		create: ({ xmpp, matrix: { bot } }, deps) =>
			createXmpp(xmpp, { ...deps, namespace: ghostsOnXmpp, bot, contact: xmpp.contact }),
		// A second connection would take the place of the running one, or a share of its stanzas.
		check: async (config, running) =>
			running ?? checkXmpp(config.xmpp, { publicFiles: config.public !== undefined }),
	},
	{
		name: "mqtt",
		create: ({ mqtt }, deps) => mqtt && createMqtt(mqtt, { ...deps, roomsOn: "matrix" as NetworkName }),
		check: async ({ mqtt }, running) => [...(mqtt ? await checkMqtt(mqtt) : []), ...failed(running)],
	},
];
/** Returns the results that an admin has to read besides those of `check` itself. */
const failed = (results: readonly CheckResult[] = []) => results.filter(({ ok, note }) => !ok || note);
const namesBut = (...some: readonly string[]) =>
	sides.flatMap(({ name }) => (some.includes(name) ? [] : [name as NetworkName]));

/**
 * The networks whose people have ghosts on Matrix, each with a namespace in the registration. All are in it, configured or
 * not: a namespace added later would need a new registration.
 */
export const ghostsOnMatrix = namesBut("matrix");
/** The networks with ghosts on XMPP. A localpart begins with the network's name, except for Matrix people: people type those. */
export const ghostsOnXmpp = { plain: "matrix" as NetworkName, prefixed: namesBut("matrix", "xmpp") };

/** Returns the beginnings that most places of files share, for short links. Append only: links hold positions in this list. */
export const placesOfFiles = ({ matrix }: Config): readonly string[] => [
	`matrix mxc://${matrix.domain}/`,
	"matrix mxc://",
];

export const createNetworks = (config: Config, deps: (name: string) => Deps): readonly Network[] =>
	sides.flatMap(({ name, create }) => create(config, deps(name)) ?? []);

/**
 * Checks the configured networks, one after the other, and calls `tell` with each result. `running`: the results of the
 * bridge that runs now.
 */
export async function checkNetworks(
	config: Config,
	running: RunningResults | undefined,
	tell: (result: CheckResult) => void,
): Promise<void> {
	for (const { name, check } of sides)
		for (const one of await check(config, running && (running[name] ?? []))) tell(one);
}
