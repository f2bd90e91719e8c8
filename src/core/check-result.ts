/**
 * A result of `check` for one part of the set-up: `ok`, or the cause and the cure in `detail`. `note`: the part works, and
 * `detail` names what is missing there and how to get it.
 */
export type CheckResult = Readonly<{ ok: boolean; what: string; detail?: string; note?: true }>;

export const works = (what: string, detail?: string): CheckResult => ({
	ok: true,
	what,
	...(detail !== undefined && { detail }),
});
export const lacks = (what: string, detail: string): CheckResult => ({ ok: true, what, detail, note: true });
export const fails = (what: string, detail: string): CheckResult => ({ ok: false, what, detail });
