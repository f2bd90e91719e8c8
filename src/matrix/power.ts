import { type Content, fieldOf, type MatrixEvent } from "./event.ts";

/**
 * Returns a power level; undefined where the value is none. Rooms before version 10 may write a level as text, which
 * homeservers accept.
 * // Matrix spec, room version 1 "Incorrectly-typed values in m.room.power_levels"
 */
export function levelOf(value: unknown): number | undefined {
	if (typeof value === "string") return /^\s*[+-]?\d{1,16}\s*$/.test(value) ? Number(value) : undefined;
	return typeof value === "number" ? value : undefined;
}

type Create = Pick<MatrixEvent, "sender" | "content">;

/**
 * Returns the power level of an MXID, which is infinite for a creator who may do everything.
 * @param create the room's m.room.create event. // Matrix spec, room version 12: creators may do everything
 * @param levels the content of m.room.power_levels, where there is one.
 */
export function levelFor(mxid: string, create: Create, levels: Content | undefined): number {
	const creatorsRule = Number(create.content.room_version) >= 12;
	const others = create.content.additional_creators;
	const creator = create.sender === mxid || (creatorsRule && Array.isArray(others) && others.includes(mxid));
	if (creator && (creatorsRule || !levels)) return Number.POSITIVE_INFINITY;
	return levelOf(fieldOf(levels?.users, mxid)) ?? levelOf(levels?.users_default) ?? 0;
}

/** Returns the power level that state of this type needs. */
export const levelNeeded = (type: string, levels: Content | undefined): number =>
	levelOf(fieldOf(levels?.events, type)) ?? levelOf(levels?.state_default) ?? 50;

/** Whether an MXID has the power level to set state of this type. Parameters as of {@link levelFor}. */
export const maySet = (type: string, mxid: string, create: Create, levels: Content | undefined): boolean =>
	levelFor(mxid, create, levels) >= levelNeeded(type, levels);
