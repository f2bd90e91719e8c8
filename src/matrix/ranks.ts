import { randomUUID } from "node:crypto";
import { createBoundedMap, textBytes } from "../core/bounded-map.ts";
import { PermanentError } from "../core/errors.ts";
import type { Guard } from "../core/guard.ts";
import type { Log } from "../core/log.ts";
import type { Mapping } from "../core/mapping.ts";
import type { Outbound } from "../core/network.ts";
import type { Rank } from "../core/person.ts";
import { createTurns } from "../core/turns.ts";
import { type Client, hasCode, MatrixError } from "./client.ts";
import { asObject, type Content, type MatrixEvent, text } from "./event.ts";
import type { Members } from "./members.ts";
import * as phrases from "./phrases.ts";
import { levelFor, levelNeeded } from "./power.ts";
import { labelled, unlabelled } from "./rank-labels.ts";
import { readPowers } from "./room-powers.ts";
import { isOfView } from "./rooms.ts";
import { answer } from "./to-matrix.ts";

/** Ghosts, by room, whose rank is remembered as shown, and the bytes of that. */
const [remembered, rememberedBytes] = [20_000, 8 * 1_048_576];
/** The power level of a ranked ghost, and the most ghosts of one room that get it: the levels are one event. */
const [power, mostPowerful] = [50, 100];

export type Ranks = ReturnType<typeof createRanks>;

/** Shows the ranks of other networks' people: as a label behind the name in the room and, where people chose it, as a power level. */
export function createRanks(deps: {
	client: Pick<Client, "call" | "send" | "state" | "setState">;
	members: Pick<Members, "known" | "has" | "of">;
	mapping: Pick<Mapping, "setting" | "saveSetting">;
	bot: string;
	guard: Guard;
	log: Log;
}) {
	const { client, members, mapping, bot, guard, log } = deps;
	/** `key`: all that stands behind the name, "" for nothing; another key is another label. */
	type Label = Readonly<{ rank: Rank | undefined; hats: readonly string[]; key: string }>;
	type Shown = Readonly<{ label: Label; powerful: boolean }>;
	const weight = { bytes: rememberedBytes, of: (key: string) => textBytes(key) + 100 };
	const shown = createBoundedMap<string, Shown>(remembered, weight);
	const inTurn = createTurns();
	const keyOf = (room: string, ghost: string) => `${room} ${ghost}`;
	const settingOf = (room: string) => `powerful ghosts of ${room}`;
	const lossOf = (room: string) => `loss of power told in ${room}`;

	const labelOf = (rank: Rank | undefined, hats: readonly string[]): Label => ({
		...{ rank, hats },
		key: labelled("", rank, hats),
	});

	/** Gives a ghost the label behind its name, in this room alone. */
	async function setLabel(room: string, ghost: string, { rank, hats }: Label): Promise<void> {
		const now = await client.state<Content>(room, "m.room.member", ghost, ghost);
		const name = text(now.displayname);
		const wanted = labelled(unlabelled(name), rank, hats);
		if (now.membership !== "join" || name === "" || name === wanted) return;
		await client.setState(room, "m.room.member", ghost, { ...now, displayname: wanted }, ghost);
	}

	/** Resolves with the ghosts of a room that have their power level from us. */
	const powerful = async (room: string): Promise<readonly string[]> =>
		JSON.parse((await mapping.setting(settingOf(room))) ?? "[]") as readonly string[];

	/** Gives a ghost the power level of a moderator, or takes it again. */
	async function setPower(room: string, ghost: string, wanted: boolean): Promise<void> {
		const given = await powerful(room);
		if (given.includes(ghost) === wanted || (wanted && given.length >= mostPowerful)) return;
		await changeLevels(room, given, [ghost], wanted);
	}

	/** Gives these ghosts the power level, or takes it again, in one event. A level that people of the room set stays. */
	async function changeLevels(
		room: string,
		given: readonly string[],
		ghosts: readonly string[],
		wanted: boolean,
	): Promise<void> {
		const levels = await client.state<Content>(room, "m.room.power_levels", "");
		const users = new Map<string, unknown>(Object.entries(asObject(levels.users)));
		const ours = ghosts.filter((one) => (wanted ? !users.has(one) : users.get(one) === power));
		for (const one of ours) {
			if (wanted) users.set(one, power);
			else users.delete(one);
		}
		const content = { ...levels, users: Object.fromEntries(users) };
		if (ours.length > 0) await client.setState(room, "m.room.power_levels", "", content);
		const others = given.filter((one) => !ghosts.includes(one));
		await mapping.saveSetting(settingOf(room), JSON.stringify(wanted ? [...others, ...ours] : others));
		if ((await mapping.setting(lossOf(room))) ?? "") await mapping.saveSetting(lossOf(room), "");
	}

	/** Works as {@link setPower}. People of a room where the bot may not change levels any more read so once. */
	async function setPowerOrTell(room: string, ghost: string, wanted: boolean): Promise<void> {
		try {
			await setPower(room, ghost, wanted);
		} catch (error) {
			if (!hasCode(error, "M_FORBIDDEN") || !wanted || (await mapping.setting(lossOf(room)))) throw error;
			const body = answer(phrases.powerLost(bot), undefined);
			await client.send(room, "m.room.message", `ranks.${randomUUID()}`, { body });
			await mapping.saveSetting(lossOf(room), "told");
		}
	}

	/** Does `work`, unless the homeserver refuses it: the bot lacks the power, or the ghost is out. */
	async function asFarAsAllowed(room: string, work: Promise<void>): Promise<void> {
		await work.catch((error: unknown) => {
			if (!(error instanceof MatrixError)) throw error;
			const expected = hasCode(error, "M_FORBIDDEN") || hasCode(error, "M_NOT_FOUND");
			log[expected ? "debug" : "warn"]({ err: error, room }, "a rank is not shown");
		});
	}

	/** Has a room show what is to be shown of a ghost when its turn comes. */
	const apply = (room: string, ghost: string) =>
		inTurn([room], async () => {
			const wanted = shown.get(keyOf(room, ghost));
			if (!wanted) return;
			await asFarAsAllowed(room, setLabel(room, ghost, wanted.label));
			await asFarAsAllowed(room, setPowerOrTell(room, ghost, wanted.powerful));
		});

	async function leaves(room: string, ghost: string): Promise<void> {
		shown.delete(keyOf(room, ghost));
		if ((await powerful(room)).includes(ghost))
			await inTurn([room], () => asFarAsAllowed(room, setPower(room, ghost, false)));
	}

	return {
		/**
		 * Shows the rank and the hats of an event's sender, whose ghost is in the room. An event without any ends earlier ones
		 * only if it tells of its sender: a line from an archive tells of none.
		 */
		async show({ room, portal, event }: Outbound, ghost: string): Promise<void> {
			const { rank, hats = [] } = event.sender;
			const tells = event.kind === "membership" || event.kind === "profile";
			const isElsewhere = portal.between !== undefined || isOfView({ portal, event });
			const says = tells || rank !== undefined || hats.length > 0;
			if (isElsewhere || !says || (members.known(room) && !members.has(room, ghost))) return;
			const { roles = "show" } = portal.settings ?? {};
			const wanted: Shown = {
				label: roles === "off" ? labelOf(undefined, []) : labelOf(rank, hats),
				powerful: roles === "both" && rank !== undefined,
			};
			const name = members.of(room).get(ghost) ?? "";
			const before = shown.get(keyOf(room, ghost));
			const labelNow = before ? before.label.key : unlabelled(name) === name ? "" : undefined;
			const powerNow = before ? before.powerful : (await powerful(room)).includes(ghost);
			if (labelNow === wanted.label.key && powerNow === wanted.powerful) return;
			// The homeserver may hand the change over before it answers the request for it.
			shown.set(keyOf(room, ghost), wanted);
			await apply(room, ghost).catch((error: unknown) => {
				shown.delete(keyOf(room, ghost));
				throw error;
			});
		},

		/** Takes the power level of a ghost that leaves. */
		leaves,

		/** Takes the power levels of all ghosts of a room that is about to be served no more. */
		async ends(room: string): Promise<void> {
			const given = await powerful(room);
			for (const ghost of given) shown.delete(keyOf(room, ghost));
			if (given.length > 0)
				await inTurn([room], () => asFarAsAllowed(room, changeLevels(room, given, given, false)));
		},

		/** Resolves if the bot may give and take power levels in a room. @throws PermanentError with the level that it needs */
		async mayGive(room: string): Promise<void> {
			const { create, levels } = await readPowers(client, room);
			const has = levelFor(bot, create, levels);
			// Matrix spec, authorization rules: only a higher level takes a level of somebody else.
			const needs = Math.max(levelNeeded("m.room.power_levels", levels), power + 1);
			if (has < needs) throw new PermanentError("forbidden", phrases.botNeedsPower(bot, has, needs));
		},

		/** Takes a member event: a new name or picture of the account replaces the name in each room, and so the label. */
		note({ type, room_id: room, state_key: ghost = "", content }: MatrixEvent): void {
			const last = type === "m.room.member" ? shown.get(keyOf(room, ghost)) : undefined;
			if (!last) return;
			if (content.membership !== "join") void guard.run("ranks of ghosts", () => leaves(room, ghost));
			else if (last.label.key && unlabelled(text(content.displayname)) === content.displayname)
				void guard.run("ranks of ghosts", () => apply(room, ghost));
		},
	};
}
