import { type Support, supports } from "./capabilities.ts";
import { type Command, defineCommand } from "./command.ts";
import { PermanentError } from "./errors.ts";
import type { NetworkName } from "./ids.ts";
import { type Policy, type Portal, type Roles, type Settings, roles as uses } from "./mapping.ts";
import type { Bridge, Network } from "./network.ts";
import * as phrases from "./phrases.ts";
import type { Policies } from "./policies.ts";
import type { Portals } from "./portals.ts";
import { createMustOwnRoom } from "./room-owners.ts";

/** The words that end a setting. */
const none: ReadonlySet<string> = new Set(["off", "none", "default"]);

/** Creates the command that shows and changes the settings of a room. */
export function createSettingsCommand(deps: {
	networks: readonly Network[];
	network(name: NetworkName): Network;
	portals: Pick<Portals, "only" | "choose">;
	policies: Pick<Policies, "showOut">;
	bridge: Pick<Bridge, "changed" | "allows">;
	showRanks(portal: Portal): Promise<void>;
}): Command {
	const { networks, network, portals, policies, bridge, showRanks } = deps;
	const mustOwnRoom = createMustOwnRoom({ network, portals, bridge });

	/** Resolves with the list at a typed address, which is followed from now on. @throws PermanentError if there is none */
	async function policyAt(typed: string): Promise<Policy | undefined> {
		if (none.has(typed.toLowerCase())) return undefined;
		const keeper = networks.find(({ policyLists }) => policyLists);
		if (!keeper?.policyLists) throw new PermanentError("invalid", phrases.noPolicyLists);
		return { network: keeper.name, list: await keeper.policyLists.follow(typed), name: typed };
	}

	/** @throws PermanentError if the bridge lacks the right to carry a use of ranks out in a room of the portal */
	async function mustBeAble(portal: Portal | undefined, use: string): Promise<void> {
		if (use !== ("both" satisfies Roles)) return;
		for (const { network: of, room, role } of portal?.links ?? [])
			if (room && role === "joined") await network(of).mayGiveRights?.(room);
	}

	return defineCommand({
		name: "settings",
		parameters: [
			{
				name: "setting",
				kind: "either",
				of: {
					reactions: { name: "value", kind: "choice", choices: [...supports, "default"] },
					roles: { name: "use", kind: "choice", choices: [...uses, "default"] },
					policy: { name: "list", kind: "address" },
				},
				optional: true,
			},
		],
		help: "show or change how this room is bridged; reactions: as reactions, with words besides, in words, not at all, or by default; roles: owners, admins and moderators of the other room get no label here, a label behind the name (show, the default), or also the power to moderate here (both); policy: a list of banned people to follow, or off",
		level: "link",
		ofRoom: true,
		run: async (call, { setting }) => {
			if (setting) await mustOwnRoom(call, "link");
			if (setting?.key === "roles")
				await mustBeAble(await portals.only(call.network, call.room), setting.value);
			const choice = async (): Promise<{ [Key in keyof Settings]: Settings[Key] | undefined }> => {
				if (setting?.key === "policy") return { policy: await policyAt(setting.value) };
				const value = setting?.value === "default" ? undefined : setting?.value;
				return setting?.key === "roles"
					? { roles: value as Roles | undefined }
					: { reactions: value as Support | undefined };
			};
			const portal = setting
				? await portals.choose(call.network, call.room, await choice())
				: await portals.only(call.network, call.room);
			if (setting) bridge.changed(call.network, call.room);
			if (!portal) return phrases.noPortal;
			if (setting?.key === "policy") await policies.showOut(portal);
			if (setting?.key === "roles") await showRanks(portal);
			const { reactions, roles, policy } = portal.settings ?? {};
			return [
				phrases.settingLine("reactions", reactions),
				...(roles ? [phrases.settingLine("roles", roles)] : []),
				...(policy ? [phrases.settingLine("policy", policy.name)] : []),
			].join("\n");
		},
	});
}
