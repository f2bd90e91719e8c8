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

/** All that any network needs besides its section of the config. */
type Deps = Omit<
	Parameters<typeof createMatrix>[1] & Parameters<typeof createXmpp>[1] & Parameters<typeof createMqtt>[1],
	"ghostsOf" | "namespace"
>;
type Side = Readonly<{
	name: string;
	/** Makes the network; nothing where the config has no section for it. */
	create(config: Config, deps: Deps): Network | undefined;
	/** Dials the network for an admin; `running`: the bridge itself holds its place there now. */
	check(config: Config, running: boolean): Promise<readonly CheckResult[]>;
}>;

/** The networks, in the order they start. A new one is one line here. */
const sides: readonly Side[] = [
	{
		name: "matrix",
		create: ({ matrix }, deps) => createMatrix(matrix, { ...deps, ghostsOf: ghostsOnMatrix }),
		check: ({ matrix }, running) => checkMatrix(matrix, { ghostsOf: ghostsOnMatrix, running }),
	},
	{
		name: "xmpp",
		create: ({ xmpp }, deps) => createXmpp(xmpp, { ...deps, namespace: ghostsOnXmpp }),
		check: async ({ xmpp }, running) => [await checkXmpp(xmpp, running)],
	},
	{
		name: "mqtt",
		create: ({ mqtt }, deps) => mqtt && createMqtt(mqtt, deps),
		check: async ({ mqtt }) => (mqtt ? checkMqtt(mqtt) : []),
	},
];
const namesBut = (...some: readonly string[]) =>
	sides.flatMap(({ name }) => (some.includes(name) ? [] : [name as NetworkName]));

/**
 * Networks whose people have ghosts on Matrix, each with a namespace in the registration. All from the start, configured or
 * not: a namespace added later means a new registration.
 */
export const ghostsOnMatrix = namesBut("matrix");
/** The address of a ghost on XMPP begins with its network's name, but for Matrix people: people type those. */
export const ghostsOnXmpp = { plain: "matrix" as NetworkName, prefixed: namesBut("matrix", "xmpp") };

export const createNetworks = (config: Config, deps: (name: string) => Deps): readonly Network[] =>
	sides.flatMap(({ name, create }) => create(config, deps(name)) ?? []);

/** Dials each configured network, one after the other, and tells of each thing that was tried. */
export async function checkNetworks(
	config: Config,
	running: boolean,
	tell: (result: CheckResult) => void,
): Promise<void> {
	for (const side of sides) for (const one of await side.check(config, running)) tell(one);
}
