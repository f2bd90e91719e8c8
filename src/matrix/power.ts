import type { Content, MatrixEvent } from "./event.ts";

const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
const table = (value: unknown): Content =>
	typeof value === "object" && value !== null ? (value as Content) : {};

/**
 * Whether somebody may set state of this type.
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
	const has = number(table(levels?.users)[mxid]) ?? number(levels?.users_default) ?? 0;
	const needs = number(table(levels?.events)[type]) ?? number(levels?.state_default) ?? 50;
	return has >= needs;
}
