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

/**
 * Whether an MXID has the power level to set state of this type.
 * @param create the room's m.room.create event. // Matrix spec, room version 12: creators may do everything
 * @param levels the content of m.room.power_levels, where there is one.
 */
export function maySet(
	type: string,
	mxid: string,
	create: Pick<MatrixEvent, "sender" | "content">,
	levels: Content | undefined,
): boolean {
	const creatorsRule = Number(create.content.room_version) >= 12;
	const others = create.content.additional_creators;
	const creator = create.sender === mxid || (creatorsRule && Array.isArray(others) && others.includes(mxid));
	if (creator && (creatorsRule || !levels)) return true;
	const has = levelOf(fieldOf(levels?.users, mxid)) ?? levelOf(levels?.users_default) ?? 0;
	const needs = levelOf(fieldOf(levels?.events, type)) ?? levelOf(levels?.state_default) ?? 50;
	return has >= needs;
}
