import type { CommandCall } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import type { Network } from "./network.ts";
import * as phrases from "./phrases.ts";

/** Returns the check that a command about a room comes from there, from a person who may change it. It throws PermanentError. */
export const createMustOwnRoom =
	(network: (name: NetworkName) => Pick<Network, "commandsAlone">) =>
	async (call: CommandCall): Promise<void> => {
		if (network(call.network).commandsAlone) throw new PermanentError("invalid", phrases.sayInRoom);
		if (!(await call.mayChangeRoom())) throw new PermanentError("forbidden", phrases.noPower);
	};
