import type { Config } from "./config.ts";
import type { NetworkName } from "./core/ids.ts";
import type { Network } from "./core/network.ts";
import { table } from "./core/table.ts";
import { createMatrix } from "./matrix/index.ts";
import { createMqtt } from "./mqtt/index.ts";
import { createXmpp } from "./xmpp/index.ts";

/** All that any network needs besides its section of the config. */
type Deps = Omit<
	Parameters<typeof createMatrix>[1] & Parameters<typeof createXmpp>[1] & Parameters<typeof createMqtt>[1],
	"ghostsOf" | "namespace"
>;
type Make = (config: Config, deps: Deps) => Network | undefined;

/** Makes each network, in the order they start; none where the config has no section for it. A new network is one line here. */
const makers = table<Make>({
	matrix: ({ matrix }, deps) => createMatrix(matrix, { ...deps, ghostsOf: ghostsOnMatrix }),
	xmpp: ({ xmpp }, deps) => createXmpp(xmpp, { ...deps, namespace: ghostsOnXmpp }),
	mqtt: ({ mqtt }, deps) => mqtt && createMqtt(mqtt, deps),
});
const names = Object.keys(makers) as NetworkName[];
const namesBut = (...some: readonly string[]) => names.filter((name) => !some.includes(name));

/**
 * Networks whose people have ghosts on Matrix, each with a namespace in the registration. All from the start, configured or
 * not: a namespace added later means a new registration.
 */
export const ghostsOnMatrix = namesBut("matrix");
/** The address of a ghost on XMPP begins with its network's name, but for Matrix people: people type those. */
export const ghostsOnXmpp = { plain: "matrix" as NetworkName, prefixed: namesBut("matrix", "xmpp") };

export const createNetworks = (config: Config, deps: (name: NetworkName) => Deps): readonly Network[] =>
	names.flatMap((name) => makers[name]?.(config, deps(name)) ?? []);
